//! What a follower has found, for all who subscribe.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::Error;
use crate::permission::Snapshot;

use super::super::policy::Arranged;
use super::changed::Changed;
use super::cursor::Cursor;

/// How many changes are remembered one by one; whoever missed more looks at everything.
const LOG: usize = 64;

/// How many names a change may have that is remembered.
const NAMES: usize = 1_000;

/// The last state of an organization, and how it came to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Published {
    /// Counts states that differ.
    pub(super) generation: u64,
    pub(super) snapshot: Option<Snapshot>,
    /// Up to where people have arranged sections for themselves.
    pub(super) arranged: Arranged,
    /// What led to each of the last generations, the last of them last.
    log: VecDeque<Arc<Changed>>,
    /// Earlier states, the last of them last.
    kept: VecDeque<Snapshot>,
    /// Why the last look failed; its number is another for every row of failures.
    pub(super) fault: Option<(u64, Arc<Error>)>,
    pub(super) is_closed: bool,
}

impl Published {
    /// Takes a state in, and returns whether there is anything in it for those who subscribe.
    pub(super) fn take(&mut self, snapshot: Snapshot, arranged: Arranged, keep: usize) -> bool {
        let is_rearranged = self.arranged != arranged;
        self.arranged = arranged;
        let was_faulty = self.fault.take().is_some();
        let Some(old) = self.snapshot.take() else {
            self.generation = self.generation.saturating_add(1);
            self.snapshot = Some(snapshot);
            return true;
        };
        let changed = Changed::between(&old, &snapshot);
        self.snapshot = Some(snapshot);
        if changed.is_empty() {
            return was_faulty || is_rearranged;
        }
        self.generation = self.generation.saturating_add(1);
        if changed.len() > NAMES {
            // Too much to remember: everybody looks at everything.
            self.log.clear();
        } else {
            self.log.push_back(Arc::new(changed));
            self.log.drain(..self.log.len().saturating_sub(LOG));
        }
        self.kept.push_back(old);
        self.kept.drain(..self.kept.len().saturating_sub(keep));
        true
    }

    /// Takes note of a look that failed, and returns whether the one before had not.
    pub(super) fn fail(&mut self, number: u64, cause: Arc<Error>) -> bool {
        let is_new = self.fault.is_none();
        if is_new {
            self.fault = Some((number, cause));
        }
        is_new
    }

    /// Returns all that has changed since a generation; nothing if that is not known any more.
    pub(super) fn since(&self, generation: u64) -> Option<Arc<Changed>> {
        let missed = self.generation.checked_sub(generation)?;
        let missed = usize::try_from(missed).ok()?;
        let from = self.log.len().checked_sub(missed)?;
        let mut missed = self.log.range(from..);
        match (missed.next(), missed.next()) {
            (None, _) => Some(Arc::default()),
            (Some(only), None) => Some(Arc::clone(only)),
            (Some(first), Some(second)) => {
                let mut all = Changed::clone(first);
                all.and(second);
                missed.for_each(|changed| all.and(changed));
                Some(Arc::new(all))
            }
        }
    }

    /// Returns the state that a cursor may be of. A state holds until there is another, so revisions in between that
    /// concerned no section are those of the one before them.
    pub(super) fn at(&self, cursor: &Cursor) -> Option<&Snapshot> {
        let all = self.kept.iter().chain(&self.snapshot);
        let mut later = all.filter(|snapshot| snapshot.revision() >= cursor.revision);
        later.next()
    }
}
