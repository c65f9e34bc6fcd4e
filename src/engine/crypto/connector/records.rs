//! What is kept of sealed files: which object belongs to which path.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{ConnectorName, FilePath, FileVersion, Hashes, from_hex, to_hex};
use crate::engine::crypto::cipher::TAG;
use crate::engine::crypto::keys::KeyName;
use crate::engine::crypto::sealed::{HEADER, Header, Layout, Purpose};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Collection, RecordId};

use super::siv::SivKey;

/// The collection of sealed files: one record for each account and path.
pub const SEALED_FILES: Collection<SealedFile> = Collection::new("sealed_files");

/// What belongs to one path of one account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SealedFile {
    /// The account, by the name it was wrapped under.
    pub connector: ConnectorName,
    /// The path, in clear.
    pub path: FilePath,
    /// The version that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<SealedVersion>,
    /// Versions on their way. Each may be there already, if nobody came to say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<SealedVersion>,
    /// Versions that others have replaced and whose keys are kept. Never handed out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<SealedVersion>,
    /// Since when the object is known not to be there, though nobody here removed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Timestamp>,
}

/// One sealed version of a file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SealedVersion {
    /// The file's id, generated, which renames and new versions do not change.
    pub file: String,
    /// The version's id, generated for every upload.
    pub version: String,
    /// The 72 bytes that its object begins with, in hexadecimal.
    pub header: String,
    /// Its size in bytes, of the plaintext.
    pub size: u64,
    /// When it was last heard of: begun, gone on, come to its place, or been replaced.
    pub at: Timestamp,
    /// The object as the account has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<FileVersion>,
    /// What else is known of the file, sealed under a key of the organization, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<String>,
    /// What of its object has been sent that may not be sent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<SentChunks>,
    /// Since when its object is known not to be there, of one on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent_since: Option<Timestamp>,
    /// The record that held it before, while a rename is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<RecordId>,
    /// The record that will hold it, while a rename is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving_to: Option<RecordId>,
}

/// Chunks of an object that may have left this process: what is sealed in their place has to be the same.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SentChunks {
    /// The first of them. Those before it are with the account for good.
    pub first: u64,
    /// Their tags, one after the other, in hexadecimal.
    pub tags: String,
}

/// What is kept sealed of a version.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Facts {
    #[serde(default, skip_serializing_if = "Hashes::is_empty")]
    pub(super) hashes: Hashes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<Box<str>>,
}

impl SealedFile {
    pub(super) fn new(connector: ConnectorName, path: FilePath) -> Self {
        Self {
            connector,
            path,
            current: None,
            pending: Vec::new(),
            replaced: Vec::new(),
            missing_since: None,
        }
    }

    /// The id of the version that is there.
    pub(super) fn current_id(&self) -> Option<&str> {
        self.current.as_ref().map(|version| &*version.version)
    }

    /// Tells whether nothing is left to know.
    pub(super) fn is_empty(&self) -> bool {
        self.current.is_none() && self.pending.is_empty() && self.replaced.is_empty()
    }

    /// Every version whose object may be there.
    pub(super) fn possible(&self) -> impl Iterator<Item = &SealedVersion> {
        self.current.iter().chain(&self.pending)
    }

    /// The version whose object begins so.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: none that may be there.
    pub(super) fn recognise(&self, header: &Header) -> Result<&SealedVersion> {
        if let Some(version) = self.possible().find(|version| version.has_salt(header)) {
            return Ok(version);
        }
        let old = self.replaced.iter().any(|version| version.has_salt(header));
        let why = if old {
            "an older version of the file was put back in its place"
        } else {
            "the object is not one that was sealed for this path"
        };
        Err(Error::new(ErrorKind::Corrupt, "sealed.read", why).with_context("path", &self.path))
    }

    /// Takes out the version with this id.
    pub(super) fn take_pending(&mut self, version: &str) -> Option<SealedVersion> {
        let at = self.pending.iter().position(|one| one.version == version)?;
        Some(self.pending.remove(at))
    }
}

impl SealedVersion {
    pub(super) fn new(
        file: String,
        version: String,
        header: &Header,
        size: u64,
        at: Timestamp,
    ) -> Self {
        Self {
            file,
            version,
            header: to_hex(&header.to_bytes()),
            size,
            at,
            object: None,
            facts: None,
            sent: None,
            absent_since: None,
            moved_from: None,
            moving_to: None,
        }
    }

    pub(super) fn key_name(&self) -> KeyName {
        KeyName::new(&*self.file, &*self.version, Purpose::Body)
    }

    pub(super) fn header(&self) -> Result<Header> {
        let bytes = from_hex(&self.header).and_then(|bytes| <[u8; HEADER]>::try_from(bytes).ok());
        Header::parse(&bytes.ok_or_else(unreadable)?)
    }

    pub(super) fn layout(&self) -> Result<Layout> {
        Layout::of_plain(self.header()?.chunk_size(), self.size)
    }

    pub(super) fn has_salt(&self, header: &Header) -> bool {
        self.header().is_ok_and(|ours| ours.salt() == header.salt())
    }

    /// Keeps what else is known, sealed and bound to this version.
    pub(super) fn keep_facts(&mut self, key: &SivKey, facts: &Facts) -> Result<()> {
        if *facts == Facts::default() {
            self.facts = None;
            return Ok(());
        }
        let text = serde_json::to_vec(facts).map_err(|cause| unreadable().with_source(cause))?;
        let sealed = key.seal(&self.facts_context(), &text)?;
        self.facts = Some(STANDARD.encode(sealed));
        Ok(())
    }

    /// Returns what else is known; nothing where the record was bent.
    pub(super) fn open_facts(&self, key: &SivKey) -> Facts {
        let Some(text) = &self.facts else {
            return Facts::default();
        };
        let sealed = STANDARD.decode(text).ok();
        let opened = sealed.and_then(|sealed| key.open(&self.facts_context(), &sealed));
        opened
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_else(|| {
                tracing::warn!(sealed.version = %self.version, "what is known of a sealed file cannot be read");
                Facts::default()
            })
    }

    fn facts_context(&self) -> [&[u8]; 3] {
        let words: &[u8] = b"garland/sealed-facts/v1";
        [words, self.file.as_bytes(), self.version.as_bytes()]
    }
}

impl SentChunks {
    pub(super) fn new(first: u64, tags: &[[u8; TAG]]) -> Self {
        Self {
            first,
            tags: to_hex(tags.as_flattened()),
        }
    }

    pub(super) fn tags(&self) -> Result<Vec<[u8; TAG]>> {
        let bytes = from_hex(&self.tags).ok_or_else(unreadable)?;
        match bytes.as_chunks::<TAG>() {
            (tags, []) => Ok(tags.to_vec()),
            _ => Err(unreadable()),
        }
    }
}

pub(super) fn unreadable() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "sealed.record",
        "a record of a sealed file cannot be read",
    )
}
