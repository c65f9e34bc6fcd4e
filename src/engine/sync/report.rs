//! What came of a run.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::connector::{ConnectorName, FilePath, Skipped};
use crate::error::Error;
use crate::id::RunId;

use super::plain::{Bytes, Plain};
use super::plan::{Conflict, Counts, Kept, Plan};
use super::progress::Phase;

/// What came of a run: what was done, what was not, and why.
///
/// Prints as a few lines for people.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct SyncReport {
    /// The run.
    pub run: RunId,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How often the places were listed and planned.
    pub rounds: u32,
    /// The places, in order.
    pub replicas: Vec<ReplicaReport>,
    /// What was carried out, in files.
    pub done: Counts,
    /// Bytes read from sources; each source once, however many destinations.
    pub bytes_read: u64,
    /// Steps of an earlier run that were finished first.
    pub resumed: u64,
    /// Conflicts met, with what was made of them.
    #[serde(skip)]
    pub conflicts: Vec<Conflict>,
    /// Files left alone on one place, and why.
    #[serde(skip)]
    pub kept: Vec<Kept>,
    /// Files that could not be done. Each is tried again by the next run.
    pub failed: Vec<FailedFile>,
    /// The last plan that was carried out.
    #[serde(skip)]
    pub plan: Plan,
}

/// One place in a [`SyncReport`].
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ReplicaReport {
    /// The place.
    pub name: ConnectorName,
    /// Files that take part.
    pub files: u64,
    /// How that was found out.
    pub listed: Listed,
    /// Why its listing broke off, if it did.
    #[serde(serialize_with = "as_text")]
    pub incomplete: Option<Error>,
    /// Why it is not known whether the place would still hold what it was given after a loss of power.
    /// Nothing of that is remembered, so that the next run looks at it anew.
    #[serde(serialize_with = "as_text")]
    pub not_safe: Option<Error>,
    /// What was passed over; at most [`ReplicaReport::MOST_SKIPPED`] of it.
    pub skipped: Vec<Skipped>,
    /// How many things were passed over in all.
    pub skipped_total: u64,
}

/// How it was found out what a place holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Listed {
    /// Everything was listed: the platform does not tell what changed, or nothing was remembered, or it was time.
    Whole,
    /// Everything was listed because the platform's feed no longer knew where this place was, or told too much.
    WholeAfterExpiry,
    /// Everything was listed because the feed was too far behind what is known.
    WholeInDoubt,
    /// The platform told what changed since last time.
    #[non_exhaustive]
    Changes {
        /// How many changes it told.
        told: u64,
        /// How many files were looked at one by one, because the feed had not told of them.
        asked: u64,
    },
}

impl ReplicaReport {
    /// How many skipped things a report names.
    pub const MOST_SKIPPED: usize = 1_000;
}

/// A file that could not be done.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct FailedFile {
    /// The file.
    pub path: FilePath,
    /// What was tried.
    pub phase: Phase,
    /// Why it failed.
    #[serde(serialize_with = "error_text")]
    pub error: Error,
}

impl FailedFile {
    pub(crate) fn new(path: FilePath, phase: Phase, error: Error) -> Self {
        Self { path, phase, error }
    }
}

impl SyncReport {
    /// Tells whether everything that was planned is done and every listing was complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty()
            && self
                .replicas
                .iter()
                .all(|replica| replica.incomplete.is_none() && replica.not_safe.is_none())
    }
}

impl fmt::Display for SyncReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            recover,
            rename,
            copy,
            merge,
            delete,
            bytes,
            ..
        } = self.done;
        let parts = [
            (copy, "copied"),
            (rename, "renamed"),
            (merge, "merged"),
            (delete, "deleted"),
            (recover, "moved to recovery"),
        ];
        let done: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let done = if done.is_empty() {
            "nothing to do".into()
        } else {
            done.join(", ")
        };
        write!(f, "{done}")?;
        if bytes > 0 {
            write!(f, " ({})", Bytes(bytes))?;
        }
        write!(f, " in {:.1} s", self.took.as_secs_f64())?;
        if self.resumed > 0 {
            write!(
                f,
                "\n  {} steps of an earlier run were finished first",
                self.resumed
            )?;
        }
        if !self.conflicts.is_empty() {
            write!(f, "\n  {} conflicts:", self.conflicts.len())?;
            for conflict in self.conflicts.iter().take(10) {
                write!(
                    f,
                    "\n    {} ({}: {})",
                    Plain(&conflict.path),
                    conflict.kind,
                    conflict.resolution
                )?;
            }
        }
        if !self.kept.is_empty() {
            write!(f, "\n  {} files left alone", self.kept.len())?;
        }
        for replica in &self.replicas {
            if replica.listed == Listed::WholeAfterExpiry {
                let name = &replica.name;
                write!(
                    f,
                    "\n  {name}: listed as a whole, for its feed of changes had run out"
                )?;
            }
            if let Some(error) = &replica.incomplete {
                write!(
                    f,
                    "\n  {}: listing broke off, so nothing was deleted: {error}",
                    replica.name
                )?;
            }
            if let Some(error) = &replica.not_safe {
                let name = &replica.name;
                write!(
                    f,
                    "\n  {name}: may not hold for good what it was given: {error}"
                )?;
            }
            if replica.skipped_total > 0 {
                write!(
                    f,
                    "\n  {}: {} things passed over",
                    replica.name, replica.skipped_total
                )?;
                for skipped in replica.skipped.iter().take(5) {
                    write!(
                        f,
                        "\n    {} ({})",
                        skipped.name.escape_debug(),
                        skipped.reason
                    )?;
                }
            }
        }
        for failed in &self.failed {
            write!(
                f,
                "\n  failed: {} ({}): {}",
                Plain(&failed.path),
                failed.phase.name(),
                failed.error
            )?;
        }
        Ok(())
    }
}

#[expect(clippy::ref_option, reason = "the form serde asks for")]
fn as_text<S: serde::Serializer>(error: &Option<Error>, to: S) -> Result<S::Ok, S::Error> {
    match error {
        Some(error) => error_text(error, to),
        None => to.serialize_none(),
    }
}

fn error_text<S: serde::Serializer>(error: &Error, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("[{}] {error}", error.kind()))
}
