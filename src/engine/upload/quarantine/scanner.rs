//! The host's own judgement.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::error::Result;
use crate::id::UploadId;
use crate::upload::MediaKind;

use super::parts::Parts;
use super::records::UploadRecord;

/// What a [`Scanner`] says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ScanResult {
    /// Nothing is known against it.
    Clean,
    /// It is harmful.
    Infected,
}

/// Looks at each file before anybody can read it: a virus scanner, a service that knows pictures.
///
/// # For implementors
/// An error, or no answer within
/// [`UploadsOptions::scan_patience`](super::UploadsOptions::scan_patience), leaves the file in quarantine, to
/// be checked again. The call may be dropped at any point.
#[async_trait]
pub trait Scanner: fmt::Debug + Send + Sync + 'static {
    /// Judges one file that passed garland's own checks.
    ///
    /// # Errors
    /// It cannot be told now.
    async fn scan(&self, file: &ScanTarget) -> Result<ScanResult>;
}

/// A file in quarantine, as a [`Scanner`] sees it.
#[derive(Clone, Debug)]
pub struct ScanTarget {
    parts: Parts,
    id: UploadId,
    kind: MediaKind,
    size: u64,
    part_size: u64,
}

impl ScanTarget {
    pub(super) fn new(parts: &Parts, record: &UploadRecord) -> Self {
        Self {
            parts: parts.clone(),
            id: record.id,
            kind: record.kind,
            size: record.bytes,
            part_size: record.part_size,
        }
    }

    /// Returns its id.
    #[must_use]
    pub fn id(&self) -> UploadId {
        self.id
    }

    /// Returns its kind.
    #[must_use]
    pub fn kind(&self) -> MediaKind {
        self.kind
    }

    /// Returns its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Streams all of it, as it was handed in.
    #[must_use]
    pub fn bytes(&self) -> BoxStream<'static, Result<Bytes>> {
        self.parts.read(self.id, self.part_size, 0..self.size)
    }
}
