//! Merging files that two people have edited.

use std::fmt;

use bytes::Bytes;

use crate::connector::{FilePath, FileVersion};
use crate::error::Result;

/// One version of a file to merge.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MergeInput {
    /// The replica it comes from.
    pub replica: String,
    /// What it is there.
    pub version: FileVersion,
    /// Its content.
    pub content: Bytes,
}

impl MergeInput {
    /// Makes an input.
    #[must_use]
    pub fn new(replica: impl Into<String>, version: FileVersion, content: Bytes) -> Self {
        Self {
            replica: replica.into(),
            version,
            content,
        }
    }
}

/// Makes one file of several versions.
///
/// Only small files are merged ([`MERGE_LIMIT`]); all versions stay in the recovery folders.
pub trait Merger: fmt::Debug + Send + Sync {
    /// Merges the versions, the first holder's first. The same inputs give the same result.
    ///
    /// # Errors
    /// Why they cannot be merged; the file is then left as it is everywhere, and reported.
    fn merge(&self, path: &FilePath, inputs: &[MergeInput]) -> Result<Bytes>;
}

/// Largest file in bytes that is merged: 4 MiB, as it has to be in memory.
pub const MERGE_LIMIT: u64 = 4 << 20;
