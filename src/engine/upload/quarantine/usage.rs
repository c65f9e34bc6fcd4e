//! How much somebody keeps.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::permission::Actor;
use crate::storage::{Batch, Collection, Precondition, RecordId, Store};

use super::options::{Limit, UploadsOptions};

/// The collection of usages: one record for the organization, one for each actor.
pub const UPLOAD_USAGE: Collection<UsageRecord> = Collection::new("upload_usage");

/// How much somebody keeps. Exact: it is written in one commit with what it counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UsageRecord {
    /// Bytes.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// How a commit changes what is kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    pub(super) more_bytes: u64,
    pub(super) fewer_bytes: u64,
    pub(super) more_files: u64,
    pub(super) fewer_files: u64,
}

impl Change {
    fn is_none(self) -> bool {
        self.more_bytes == 0
            && self.fewer_bytes == 0
            && self.more_files == 0
            && self.fewer_files == 0
    }

    fn apply(self, usage: UsageRecord) -> UsageRecord {
        UsageRecord {
            bytes: usage
                .bytes
                .saturating_add(self.more_bytes)
                .saturating_sub(self.fewer_bytes),
            files: usage
                .files
                .saturating_add(self.more_files)
                .saturating_sub(self.fewer_files),
        }
    }
}

/// Adds both usages to a batch, as they are after it.
///
/// # Errors
/// [`ErrorKind::Full`]: one of the limits would be passed.
pub(super) async fn count(
    store: &Store,
    options: &UploadsOptions,
    by: &Actor,
    change: Change,
    batch: &mut Batch,
) -> Result<()> {
    if change.is_none() {
        return Ok(());
    }
    let counted = [
        (
            RecordId::parse("organization")?,
            options.organization,
            "organization",
        ),
        (actor_id(by)?, options.actor, "actor"),
    ];
    for (id, limit, whose) in counted {
        let found = store.get(&UPLOAD_USAGE, &id).await?;
        let precondition = found.as_ref().map_or(Precondition::Absent, |found| {
            Precondition::At(found.version)
        });
        let after = change.apply(found.map(|found| found.value).unwrap_or_default());
        check(limit, after, change, whose)?;
        batch.put_with(&UPLOAD_USAGE, id, &after, precondition, Vec::new())?;
    }
    Ok(())
}

fn check(limit: Limit, after: UsageRecord, change: Change, whose: &'static str) -> Result<()> {
    let bytes = change.more_bytes > 0 && after.bytes > limit.bytes;
    let files = change.more_files > 0 && after.files > limit.files;
    if bytes || files {
        return Err(
            Error::new(ErrorKind::Full, "upload.write", "the quota is used up")
                .with_context("quota", whose),
        );
    }
    Ok(())
}

/// Hosts' ids can be longer than keys, so the id is a digest.
pub(super) fn actor_id(by: &Actor) -> Result<RecordId> {
    let digest = blake3::hash(by.to_string().as_bytes());
    RecordId::parse(format!("actor/{}", digest.to_hex()))
}
