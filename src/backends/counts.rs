//! How often each collection was written, for backends that see every commit.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::id::OrganizationId;
use crate::storage::{Batch, CollectionName, Write};

/// Collections share this many counters; one that counts for another costs a reader a look, no more.
const SLOTS: usize = 1_024;

/// Answers [`StorageBackend::write_count`](crate::storage::StorageBackend::write_count). Clones count
/// together.
#[derive(Clone)]
pub(super) struct WriteCounts(Arc<[AtomicU64]>);

impl fmt::Debug for WriteCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteCounts").finish_non_exhaustive()
    }
}

impl WriteCounts {
    pub(super) fn new() -> Self {
        Self((0..SLOTS).map(|_| AtomicU64::new(0)).collect())
    }

    /// Counts a batch: after readers can see it and before it is answered.
    pub(super) fn add(&self, organization: &OrganizationId, batch: &Batch) {
        for write in batch.writes() {
            let (Write::Put { collection, .. } | Write::Delete { collection, .. }) = write else {
                continue;
            };
            if let Some(slot) = self.slot(organization, collection) {
                slot.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    pub(super) fn of(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
    ) -> Option<u64> {
        self.slot(organization, collection)
            .map(|slot| slot.load(Ordering::SeqCst))
    }

    fn slot(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
    ) -> Option<&AtomicU64> {
        let mut hasher = DefaultHasher::new();
        organization.hash(&mut hasher);
        collection.hash(&mut hasher);
        let slots = u64::try_from(self.0.len()).ok()?;
        let at = hasher.finish().checked_rem(slots)?;
        self.0.get(usize::try_from(at).ok()?)
    }
}
