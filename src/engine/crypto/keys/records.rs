//! What is kept of keys: never one in clear.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{from_hex, to_hex};
use crate::engine::crypto::sealed::{Purpose, SealContext};
use crate::engine::crypto::wrap::{KekId, WrapRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{Collection, IndexName, RecordId};

/// The collection of an organization's key epochs.
pub const KEY_EPOCHS: Collection<KeyEpoch> = Collection::new("key_epochs");

/// The collection of wrapped keys, one a file version and purpose.
pub const FILE_KEYS: Collection<FileKey> = Collection::new("file_keys");

/// Finds the keys that are wrapped under one epoch.
pub(super) const BY_EPOCH: IndexName = IndexName::new("epoch");

/// One epoch of an organization's keys.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct KeyEpoch {
    /// Its number: 1, 2, 3 … The highest is the current one.
    pub number: u64,
    /// Names its key, in hexadecimal.
    pub kek: String,
    /// Its key as the [`KeyProvider`](super::KeyProvider) wrapped it, in base64.
    pub wrapped: String,
    /// When it began.
    pub begun: Timestamp,
}

impl KeyEpoch {
    pub(super) fn new(number: u64, kek: KekId, wrapped: &[u8], begun: Timestamp) -> Self {
        Self {
            number,
            kek: kek.to_string(),
            wrapped: STANDARD.encode(wrapped),
            begun,
        }
    }

    /// Ordered by number as text.
    pub(super) fn id(number: u64) -> Result<RecordId> {
        RecordId::parse(format!("{number:020}"))
    }

    pub(super) fn kek_id(&self) -> Result<KekId> {
        let bytes = from_hex(&self.kek).and_then(|bytes| bytes.try_into().ok());
        bytes.map(KekId::new).ok_or_else(|| unreadable("kek"))
    }

    pub(super) fn wrapped(&self) -> Result<Vec<u8>> {
        STANDARD
            .decode(&self.wrapped)
            .map_err(|cause| unreadable("wrapped").with_source(cause))
    }
}

/// Names one key: of which version of which file, and for what.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct KeyName {
    /// The file, by an id that is never used again.
    pub file: String,
    /// Its version.
    pub version: String,
    /// What the key seals.
    pub purpose: Purpose,
}

impl KeyName {
    /// Names a key.
    #[must_use]
    pub fn new(file: impl Into<String>, version: impl Into<String>, purpose: Purpose) -> Self {
        Self {
            file: file.into(),
            version: version.into(),
            purpose,
        }
    }

    /// Returns what everything sealed with this key is bound to.
    ///
    /// # Errors
    /// As [`SealContext::new`].
    pub fn context(&self, organization: &OrganizationId) -> Result<SealContext> {
        SealContext::new(organization, &self.file, &self.version, self.purpose)
    }
}

/// A wrapped key as it is kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct FileKey {
    /// The file.
    pub file: String,
    /// Its version.
    pub version: String,
    /// What it seals: `body`, `thumb`, `message`, `export`.
    pub purpose: String,
    /// The [`WrapRecord`], in hexadecimal.
    pub wrap: String,
}

impl FileKey {
    pub(super) fn new(name: &KeyName, wrap: &WrapRecord) -> Self {
        Self {
            file: name.file.clone(),
            version: name.version.clone(),
            purpose: name.purpose.as_str().to_owned(),
            wrap: to_hex(wrap.as_bytes()),
        }
    }

    pub(super) fn wrap(&self) -> Result<WrapRecord> {
        let bytes = from_hex(&self.wrap).ok_or_else(|| unreadable("wrap"))?;
        WrapRecord::parse(&bytes)
    }
}

/// Contexts can be longer than ids, so the id is a digest.
pub(super) fn id(context: &SealContext) -> Result<RecordId> {
    RecordId::parse(blake3::hash(context.as_bytes()).to_hex().to_string())
}

fn unreadable(field: &'static str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "keys.read",
        "a record of a key cannot be read",
    )
    .with_context("field", field)
}
