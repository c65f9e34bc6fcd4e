//! Reading an inventory in order without allocating for each entry.

use crate::connector::VersionRef;

use super::codec::take_entry;
use super::table::Chunk;

/// A place in an inventory: before the first entry, at an entry, or past the last.
///
/// The path is rebuilt in a buffer that is reused from entry to entry; the version borrows from the
/// inventory and outlives the step.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    chunks: std::slice::Iter<'a, Chunk>,
    rest: &'a [u8],
    path: Vec<u8>,
    version: Option<VersionRef<'a>>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(chunks: std::slice::Iter<'a, Chunk>, rest: &'a [u8]) -> Self {
        Self {
            chunks,
            rest,
            path: Vec::new(),
            version: None,
        }
    }

    /// Steps to the next entry. Returns false when there is none.
    pub(crate) fn advance(&mut self) -> bool {
        if self.rest.is_empty()
            && let Some(chunk) = self.chunks.next()
        {
            self.rest = chunk.bytes();
        }
        let entry = take_entry(&mut self.rest);
        self.version = entry.as_ref().map(|entry| entry.decoded);
        if let Some(entry) = entry {
            self.path.truncate(entry.shared);
            self.path.extend_from_slice(entry.suffix);
        }
        self.version.is_some()
    }

    /// Returns the path of the entry, as bytes of UTF-8.
    pub(crate) fn path(&self) -> Option<&[u8]> {
        self.version.is_some().then_some(&self.path)
    }

    /// Returns the version of the entry.
    pub(crate) fn version(&self) -> Option<VersionRef<'a>> {
        self.version
    }
}
