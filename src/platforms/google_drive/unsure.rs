//! Files of which nobody knows whether they were created: the answer was lost.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use crate::connector::FilePath;

/// How many are remembered. One that is forgotten costs another look, not a second file.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1_023);

/// The ids of such files, by the path they were meant for. Asking to create the same id again tells which it was.
pub(super) struct Unsure(Mutex<LruCache<FilePath, Box<str>>>);

impl Default for Unsure {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }
}

/// An id that is being used to create a file. Dropped before the outcome is known, it is remembered.
pub(super) struct Claim<'a> {
    unsure: &'a Unsure,
    path: FilePath,
    id: Option<Box<str>>,
}

impl Unsure {
    /// Tells whether `id` was meant for `path`.
    pub(super) fn is(&self, path: &FilePath, id: &str) -> bool {
        self.lock().peek(path).is_some_and(|known| &**known == id)
    }

    /// Takes the id that was meant for a path; nobody else gets it.
    pub(super) fn take(&self, path: &FilePath) -> Option<Box<str>> {
        self.lock().pop(path)
    }

    /// Says that a file is about to be created.
    pub(super) fn claim(&self, path: &FilePath, id: Box<str>) -> Claim<'_> {
        Claim {
            unsure: self,
            path: path.clone(),
            id: Some(id),
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<FilePath, Box<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim<'_> {
    /// Says that the outcome is known.
    pub(super) fn settle(mut self) {
        self.id = None;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.unsure.lock().put(self.path.clone(), id);
        }
    }
}
