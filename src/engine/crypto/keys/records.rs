//! What is kept of keys: never one in clear.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{from_hex, to_hex};
use crate::engine::crypto::sealed::{Purpose, SealContext};
use crate::engine::crypto::wrap::{KekId, WrapRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{
    Batch, Collection, IndexKey, IndexName, Precondition, Query, RecordId, Store, Versioned,
};

/// The collection of an organization's key epochs.
pub const KEY_EPOCHS: Collection<KeyEpoch> = Collection::new("key_epochs");

/// The collection of wrapped keys, one a file version and purpose.
pub const FILE_KEYS: Collection<FileKey> = Collection::new("file_keys");

/// Finds the keys that are wrapped under one epoch.
pub(super) const BY_EPOCH: IndexName = IndexName::new("epoch");

/// Finds the keys of one file, by a digest, as its id can be longer than a key of an index.
pub(super) const BY_FILE: IndexName = IndexName::new("file");

/// Finds an epoch by the id of its key.
pub(super) const BY_KEK: IndexName = IndexName::new("kek");

/// One epoch of an organization's keys.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct KeyEpoch {
    /// Its number: 1, 2, 3 … The highest is the current one.
    pub number: u64,
    /// Names its key, in hexadecimal.
    pub kek: String,
    /// Its key as the [`KeyProvider`](super::KeyProvider) wrapped it, in base64; empty once it is
    /// retired.
    pub wrapped: String,
    /// When it began.
    pub begun: Timestamp,
    /// What may be done with it.
    #[serde(default)]
    pub state: EpochState,
}

/// What may be done with an epoch.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EpochState {
    /// Its key opens; if it is the current one, new keys are wrapped under it.
    #[default]
    Open,
    /// Its key opens. Nothing is wrapped under it any more, so that it can be retired.
    Closed,
    /// Its key is destroyed.
    Retired,
}

impl KeyEpoch {
    pub(super) fn new(number: u64, kek: KekId, wrapped: &[u8], begun: Timestamp) -> Self {
        Self {
            number,
            kek: kek.to_string(),
            wrapped: STANDARD.encode(wrapped),
            begun,
            state: EpochState::Open,
        }
    }

    /// Adds the epoch to `batch`, if its record is as it was.
    pub(super) fn put(&self, batch: &mut Batch, precondition: Precondition) -> Result<()> {
        let index = (BY_KEK, IndexKey::parse(self.kek.as_str())?);
        let id = Self::id(self.number)?;
        batch.put_with(&KEY_EPOCHS, id, self, precondition, vec![index])?;
        Ok(())
    }

    pub(super) fn wrap_anew(&mut self, wrapped: &[u8]) {
        self.wrapped = STANDARD.encode(wrapped);
    }

    /// Destroys its key.
    pub(super) fn retire(&mut self) {
        self.wrapped = String::new();
        self.state = EpochState::Retired;
    }

    /// Tells whether keys may still be under it.
    pub(super) fn is_live(&self) -> bool {
        self.state != EpochState::Retired
    }

    /// Reads every epoch, the oldest first.
    pub(super) async fn all(store: &Store) -> Result<Vec<Versioned<Self>>> {
        let query = Query::all(KEY_EPOCHS.name().clone());
        store.all(&KEY_EPOCHS, query).try_collect().await
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

/// A wrapped key as it is kept, or the mark that it was destroyed.
///
/// The mark stays, and says nothing of the file: it keeps an import from bringing a destroyed key
/// back, and the version of its record from beginning anew, by which a rotation could take a new key
/// for the one it has read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FileKey {
    /// The file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// What it seals: `body`, `thumb`, `message`, `export`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// The [`WrapRecord`], in hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wrap: String,
    /// When it was destroyed; nothing else is left then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroyed: Option<Timestamp>,
}

impl FileKey {
    pub(super) fn new(name: &KeyName, wrap: &WrapRecord) -> Self {
        Self {
            file: name.file.clone(),
            version: name.version.clone(),
            purpose: name.purpose.as_str().to_owned(),
            wrap: to_hex(wrap.as_bytes()),
            destroyed: None,
        }
    }

    fn gone(at: Timestamp) -> Self {
        Self {
            file: String::new(),
            version: String::new(),
            purpose: String::new(),
            wrap: String::new(),
            destroyed: Some(at),
        }
    }

    /// Adds the key to `batch`, if its record is as it was.
    pub(super) fn put(
        &self,
        batch: &mut Batch,
        id: RecordId,
        kek: KekId,
        precondition: Precondition,
    ) -> Result<()> {
        let indexes = vec![
            (BY_EPOCH, IndexKey::parse(kek.to_string())?),
            (BY_FILE, file_index(&self.file)?),
        ];
        batch.put_with(&FILE_KEYS, id, self, precondition, indexes)?;
        Ok(())
    }

    /// Adds the mark of a destroyed key to `batch`, whatever is there now.
    pub(super) fn put_gone(batch: &mut Batch, id: RecordId) -> Result<()> {
        let gone = Self::gone(batch.at());
        batch.put(&FILE_KEYS, id, &gone)?;
        Ok(())
    }

    pub(super) fn wrap_anew(&mut self, wrap: &WrapRecord) {
        self.wrap = to_hex(wrap.as_bytes());
    }

    pub(super) fn name(&self) -> Result<KeyName> {
        let purpose = PURPOSES
            .into_iter()
            .find(|purpose| purpose.as_str() == self.purpose)
            .ok_or_else(|| unreadable("purpose"))?;
        Ok(KeyName::new(&*self.file, &*self.version, purpose))
    }

    pub(super) fn wrap(&self) -> Result<WrapRecord> {
        let bytes = from_hex(&self.wrap).ok_or_else(|| unreadable("wrap"))?;
        WrapRecord::parse(&bytes)
    }
}

const PURPOSES: [Purpose; 4] = [
    Purpose::Body,
    Purpose::Thumb,
    Purpose::Message,
    Purpose::Export,
];

pub(super) fn file_index(file: &str) -> Result<IndexKey> {
    IndexKey::parse(blake3::hash(file.as_bytes()).to_hex().to_string())
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
