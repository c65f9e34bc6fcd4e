//! Writes of which nobody knows whether they were done: the answer was lost.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

/// How many are remembered. One that is forgotten is told as a conflict when it is tried again.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1_023);

/// The places of such writes.
pub(super) struct Unsure(Mutex<LruCache<String, ()>>);

impl Default for Unsure {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }
}

/// A write that is on its way. Dropped before the outcome is known, it is remembered.
pub(super) struct Claim<'a> {
    unsure: &'a Unsure,
    place: Option<String>,
    /// Whether an earlier write to the same place was lost.
    pub(super) is_second: bool,
}

impl Unsure {
    /// Says that a file is about to be written to a place.
    pub(super) fn claim(&self, place: String) -> Claim<'_> {
        let is_second = self.lock().pop(&place).is_some();
        Claim {
            unsure: self,
            place: Some(place),
            is_second,
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, ()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim<'_> {
    /// Says that the outcome is known.
    pub(super) fn settle(mut self) {
        self.place = None;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.unsure.lock().put(place, ());
        }
    }
}
