//! What every part of a sealed account shares.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt as _;
use tokio::sync::OnceCell;

use crate::connector::{
    ChunkRules, ConnectorName, FileEntry, FileFacts, FilePath, FileStore, FileVersion,
    PlatformConnector, ReadOptions,
};
use crate::engine::crypto::keys::KeyRing;
use crate::engine::crypto::sealed::{HEADER, Header, Layout, ObjectKeys, unlock};
use crate::error::{Error, ErrorKind, Result};

use super::book::Book;
use super::marker;
use super::names::{self, Names};
use super::options::{SealedNames, SealedOptions};
use super::records::{SealedFile, SealedVersion};
use super::siv::SivKey;

const OPERATION: &str = "sealed.read";

/// An account, its keys and its records.
pub(super) struct Place {
    pub(super) account: Arc<dyn PlatformConnector>,
    pub(super) book: Book,
    pub(super) options: SealedOptions,
    /// What the sealed account can do.
    pub(super) facts: FileFacts,
    /// How finely the account keeps times.
    pub(super) precision: Duration,
    secrets: OnceCell<Secrets>,
}

/// Keys that all files share.
pub(super) struct Secrets {
    pub(super) names: Names,
    pub(super) facts: SivKey,
}

/// The beginning of an object that is there.
pub(super) struct Seen {
    pub(super) header: Header,
    pub(super) object: FileVersion,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedPlace")
            .field("account", &self.account)
            .field("name", &self.book.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Place {
    pub(super) fn new(
        name: ConnectorName,
        account: Arc<dyn PlatformConnector>,
        keys: KeyRing,
        options: SealedOptions,
    ) -> Self {
        let inner = account.files().map(|files| files.facts().clone());
        let inner = inner.unwrap_or_default();
        let facts = sealed_facts(&inner, &options);
        Self {
            account,
            book: Book {
                name,
                keys,
                names: facts.names.clone(),
            },
            options,
            facts,
            precision: inner.time_precision.unwrap_or_default(),
            secrets: OnceCell::new(),
        }
    }

    /// The files of the account, as they are.
    pub(super) fn files(&self) -> Result<&dyn FileStore> {
        self.account.files().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "sealed.files",
                "the account has no files",
            )
        })
    }

    pub(super) async fn secrets(&self) -> Result<&Secrets> {
        self.secrets
            .get_or_try_init(|| async {
                let keys = &self.book.keys;
                let names = match self.options.names {
                    SealedNames::Clear => Names::Clear,
                    SealedNames::Sealed => {
                        let label = format!("names/{}", self.book.name);
                        let key = keys.shared(&label).await.map_err(lost)?;
                        Names::Sealed(SivKey::derive(&key, b"garland/sealed-names/v1")?)
                    }
                };
                let facts = keys.shared("sealed-facts").await.map_err(lost)?;
                marker::check(&self.book, self.options.names, &facts).await?;
                let facts = SivKey::derive(&facts, b"garland/sealed-facts/v1")?;
                Ok(Secrets { names, facts })
            })
            .await
    }

    /// Where the object of a file is.
    pub(super) async fn object(&self, path: &FilePath) -> Result<FilePath> {
        self.secrets().await?.names.object(path)
    }

    /// Refuses a name that cannot be spelled on the account.
    pub(super) fn check_name(&self, path: &FilePath, operation: &'static str) -> Result<()> {
        if self.facts.names.allows_path(path) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            operation,
            "the account cannot take this name, sealed as it would be",
        )
        .with_context("path", path))
    }

    /// Reads the beginning of the object at a path; `None` if nothing is there.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: what is there is no sealed object.
    pub(super) async fn look(&self, path: &FilePath) -> Result<Option<Seen>> {
        let object = self.object(path).await?;
        let options = ReadOptions::default().with_range(0..HEADER as u64);
        let mut reader = match self.files()?.read(&object, options).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            reader => reader?,
        };
        let mut bytes = BytesMut::with_capacity(HEADER);
        while bytes.len() < HEADER {
            match reader.bytes.next().await.transpose()? {
                Some(piece) => bytes.extend_from_slice(&piece),
                None => break,
            }
        }
        let header = header_of(&bytes).map_err(|error| error.with_context("path", path))?;
        Ok(Some(Seen {
            header,
            object: reader.version,
        }))
    }

    /// Makes the keys of an object ready.
    pub(super) async fn unlock(
        &self,
        version: &SealedVersion,
        header: &Header,
    ) -> Result<ObjectKeys> {
        let keys = &self.book.keys;
        let name = version.key_name();
        let key = keys.key(&name).await.map_err(lost)?;
        let context = name.context(keys.store().organization())?;
        unlock(header, &key, &context, self.options.cipher)
    }

    /// What the file is, as far as the object tells without being read.
    pub(super) fn view(
        &self,
        object: &FileVersion,
        file: &SealedFile,
        secrets: &Secrets,
    ) -> (FileVersion, Option<Box<str>>) {
        let mut version = FileVersion {
            size: 0,
            hashes: Default::default(),
            ..object.clone()
        };
        if let Some(known) = file.possible().find(|one| self.is_object_of(object, one)) {
            let facts = known.open_facts(&secrets.facts);
            version.size = known.size;
            version.hashes = facts.hashes;
            return (version, facts.media_type);
        }
        version.size = self.size_of(object.size, file);
        (version, None)
    }

    /// As [`view`](Self::view), of an entry.
    pub(super) fn entry(
        &self,
        path: FilePath,
        object: &FileVersion,
        file: &SealedFile,
        secrets: &Secrets,
    ) -> FileEntry {
        let (version, media_type) = self.view(object, file, secrets);
        let mut entry = FileEntry::new(path, version);
        entry.media_type = media_type;
        entry
    }

    /// Tells whether an object is, by all evidence, that of a version.
    pub(super) fn is_object_of(&self, object: &FileVersion, version: &SealedVersion) -> bool {
        version
            .object
            .as_ref()
            .is_some_and(|known| !known.as_ref().changed(object.as_ref(), self.precision))
    }

    /// The size of a file whose object has `sealed` bytes. An object of a length that none can have
    /// counts as that long: another size than the file had, so that nobody takes it for unchanged.
    fn size_of(&self, sealed: u64, file: &SealedFile) -> u64 {
        let known = file.possible().chain(&file.replaced).find(|version| {
            let layout = version.layout();
            layout.is_ok_and(|layout| layout.sealed_length() == sealed)
        });
        if let Some(version) = known {
            return version.size;
        }
        let layout = Layout::of_sealed(self.options.chunk, sealed);
        layout.map_or(sealed, |layout| layout.plain_length())
    }

    /// Returns what must be at the object for the file to be `version`; `None` if it is another.
    pub(super) async fn expected(
        &self,
        path: &FilePath,
        version: &FileVersion,
    ) -> Result<Option<FileVersion>> {
        let Some(file) = self.book.get(path).await? else {
            return Ok(None);
        };
        let secrets = self.secrets().await?;
        let is = |object: &FileVersion| {
            let (now, _) = self.view(object, &file, secrets);
            !version.as_ref().changed(now.as_ref(), self.precision)
        };
        let known = file.current.as_ref().and_then(|one| one.object.as_ref());
        if let Some(object) = known.filter(|object| is(object)) {
            return Ok(Some(object.clone()));
        }
        let there = self.files()?.stat(&secrets.names.object(path)?).await?;
        Ok(there.map(|entry| entry.version).filter(|object| is(object)))
    }
}

/// Reads the header of an object.
pub(super) fn header_of(bytes: &[u8]) -> Result<Header> {
    match bytes.first_chunk() {
        Some(bytes) => Header::parse(bytes),
        None => Err(Error::new(
            ErrorKind::Corrupt,
            OPERATION,
            "the object is shorter than any sealed one",
        )),
    }
}

/// A key that is not found is not a file that is not found: nobody shall take it for deleted.
fn lost(error: Error) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return error;
    }
    Error::new(
        ErrorKind::Corrupt,
        OPERATION,
        "the key of the object is not there, or was destroyed",
    )
    .with_source(error)
}

/// Something is there, but nothing that was sealed here.
pub(super) fn foreign(path: &FilePath) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        OPERATION,
        "what is there was not sealed for this place",
    )
    .with_context("path", path)
}

pub(super) fn not_found(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such file").with_context("path", path)
}

fn sealed_facts(inner: &FileFacts, options: &SealedOptions) -> FileFacts {
    let chunk = options.chunk.bytes() as u64;
    // Whole sealed chunks that fill one of the account's.
    let filling = |bytes: u64| {
        let blocks = bytes.div_ceil(options.chunk.sealed_bytes() as u64).max(1);
        blocks.saturating_mul(chunk)
    };
    let rules = &inner.chunks;
    let by_count = rules
        .max_count
        .map(|count| count.saturating_mul(rules.maximum));
    let room = inner.max_file_size.into_iter().chain(by_count).min();
    let most = Layout::longest_within(options.chunk, room.unwrap_or(u64::MAX));
    inner
        .clone()
        .with_names(names::rules(options.names, &inner.names))
        .with_hashes(&[])
        .with_chunks(ChunkRules::new(
            chunk,
            chunk,
            filling(rules.maximum),
            filling(rules.preferred),
        ))
        // Behind a name stands more than the name.
        .with_lists_in_order(false)
        .with_max_file_size(most)
}
