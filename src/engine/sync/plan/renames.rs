//! Renames recognised by content (`spec/sync.md` §6).

use std::collections::HashSet;

use crate::error::Result;

use super::desk::Desk;

/// Paths that a tracked rename has settled.
#[derive(Debug, Default)]
pub(super) struct Renames {
    settled: HashSet<Box<str>>,
}

impl Renames {
    /// Finds renames and plans them.
    pub(super) fn plan(_desk: &mut Desk<'_, '_, '_>) -> Result<Self> {
        Ok(Self::default())
    }

    /// Tells whether nothing more is to be done for a path.
    pub(super) fn settled(&self, path: &str) -> bool {
        !self.settled.is_empty() && self.settled.contains(path)
    }
}
