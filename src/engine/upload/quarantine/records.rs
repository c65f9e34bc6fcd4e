//! What is known about a file that was handed in.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::UploadId;
use crate::permission::Actor;
use crate::storage::{Collection, IndexKey, IndexName, RecordId};
use crate::text::DisplayName;
use crate::upload::{Inspection, MediaKind, Reason};

/// The collection of files that were handed in.
pub const UPLOADS: Collection<UploadRecord> = Collection::new("uploads");

/// By the code of the state.
pub(super) const BY_STATE: IndexName = IndexName::new("state");

/// Where a file is on its way.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UploadState {
    /// Its bytes are coming in.
    Receiving,
    /// It is all there, and nobody may read it.
    Quarantined,
    /// The checks and the scanner, if there is one, let it pass.
    Clean,
    /// It was refused; its bytes are gone or about to go.
    Rejected(Reason),
    /// Its bytes, and then its record, are about to go.
    Removing,
}

impl UploadState {
    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Quarantined => "quarantined",
            Self::Clean => "clean",
            Self::Rejected(_) => "rejected",
            Self::Removing => "removing",
        }
    }
}

/// What is known about a file that was handed in.
///
/// The name is that of a person's file and may tell about them; it stands here and never in the journal.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UploadRecord {
    /// The file.
    pub id: UploadId,
    /// Where it is on its way.
    pub state: UploadState,
    /// Its name for people, made harmless. Never a path.
    pub name: DisplayName,
    /// The kind on which its name and its declared type agree.
    pub kind: MediaKind,
    /// Who handed it in.
    pub by: Actor,
    /// Bytes that are kept, or are about to be.
    pub bytes: u64,
    /// Parts that are kept, or are about to be.
    pub parts: u32,
    /// Bytes of every part but the last.
    pub part_size: u64,
    /// When it began to come in.
    pub begun: Timestamp,
    /// When this record was last written.
    pub touched: Timestamp,
    /// Whether the usage still counts it, and bytes of it may still be there.
    pub counted: bool,
    /// What the check found; `None` before.
    pub inspection: Option<Inspection>,
}

impl UploadRecord {
    pub(super) fn record_id(id: UploadId) -> Result<RecordId> {
        RecordId::parse(id.to_string())
    }

    pub(super) fn indexes(&self) -> Result<Vec<(IndexName, IndexKey)>> {
        // A refused file without bytes needs nobody's care any more.
        let code = match self.state {
            UploadState::Rejected(_) if !self.counted => "closed",
            state => state.code(),
        };
        Ok(vec![(BY_STATE, IndexKey::parse(code)?)])
    }
}
