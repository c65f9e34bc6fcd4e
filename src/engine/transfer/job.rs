//! What is to be moved, and what came of it.

use crate::connector::{Expect, FileEntry, FilePath, FileVersion, Hashes, NamedConnector};
use crate::error::{Error, Result};

/// One file to move from one place to one or several others.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransferJob {
    /// Where it comes from.
    pub source: NamedConnector,
    /// Its path there.
    pub path: FilePath,
    /// Which version is meant; another one is not moved.
    pub version: FileVersion,
    /// Where it goes.
    pub destinations: Vec<Destination>,
}

impl TransferJob {
    /// Names a file to move; add destinations with [`to`](TransferJob::to).
    #[must_use]
    pub fn new(source: NamedConnector, path: FilePath, version: FileVersion) -> Self {
        Self {
            source,
            path,
            version,
            destinations: Vec::new(),
        }
    }

    /// Adds a destination.
    #[must_use]
    pub fn to(mut self, destination: Destination) -> Self {
        self.destinations.push(destination);
        self
    }
}

/// Where a file goes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Destination {
    /// The place.
    pub connector: NamedConnector,
    /// The path there.
    pub path: FilePath,
    /// What must be there when the file appears.
    pub expect: Expect,
}

impl Destination {
    /// Names a destination.
    #[must_use]
    pub fn new(connector: NamedConnector, path: FilePath, expect: Expect) -> Self {
        Self {
            connector,
            path,
            expect,
        }
    }
}

/// What came of a [`TransferJob`] whose source could be read to its end.
#[derive(Debug)]
#[non_exhaustive]
pub struct Moved {
    /// The version that was read, with the hashes computed on the way.
    pub source: FileVersion,
    /// What each destination has now, in the order of the job, with the same hashes; or why it has not.
    pub destinations: Vec<Result<FileEntry>>,
}

/// Joins what a platform says of a stored file with what was computed on the way.
pub(super) fn with_computed(mut entry: FileEntry, computed: &Hashes) -> FileEntry {
    entry.version.hashes = entry.version.hashes.or(computed);
    entry
}

/// Tells whether a destination's failure may pass if the file is sent once more from its beginning.
pub(super) fn starts_over(error: &Error) -> bool {
    use crate::error::ErrorKind::{Corrupt, Expired};
    error.is_retryable() || matches!(error.kind(), Corrupt | Expired)
}
