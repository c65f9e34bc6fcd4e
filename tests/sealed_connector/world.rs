//! An account that is sealed, its keys, and ways to look at both from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::backends::Memory;
use garland::connector::{
    FileEntry, FilePath, FileStore, Hashes, ListPage, PlatformConnector, ReadOptions,
    UploadRequest, UploadSession,
};
use garland::crypto::{ChunkSize, KeyRing, SealedConnector, SealedNames, SealedOptions};
use garland::storage::{StorageBackend, Store};
use garland::testing::{Faults, FaultyStorage, PausedClock};
use garland::{ErrorKind, OrganizationId, Result, Timestamp};

use crate::dice::Dice;
use crate::root::Root;

/// The plaintext bytes of a chunk in tests.
pub(crate) const CHUNK: u64 = 1 << 14;

/// Somebody's database, keys and clock.
#[derive(Clone, Debug)]
pub(crate) struct Studio {
    pub(crate) database: Arc<dyn StorageBackend>,
    pub(crate) organization: OrganizationId,
    pub(crate) clock: PausedClock,
    seeds: Arc<AtomicU64>,
}

impl Studio {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(Memory::new()), "studio")
    }

    pub(crate) fn on(database: Arc<dyn StorageBackend>, organization: &str) -> Self {
        Self {
            database,
            organization: organization.parse().unwrap(),
            clock: PausedClock::starting(Timestamp::from_millis(1_750_000_000_000)),
            seeds: Arc::default(),
        }
    }

    /// The same studio, whose database fails as told. Chance goes on: no two processes draw the same.
    pub(crate) fn through(&self, faults: &Faults) -> Self {
        let database = FaultyStorage::new(Arc::clone(&self.database), faults.clone());
        Self {
            database: Arc::new(database),
            ..self.clone()
        }
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(Arc::clone(&self.database), self.organization.clone())
    }

    /// The keys as a process that has just begun has them.
    pub(crate) fn keys(&self) -> KeyRing {
        let seed = self.seeds.fetch_add(1, Ordering::Relaxed);
        let clock = Arc::new(self.clock);
        KeyRing::new(
            self.store(),
            Arc::new(Root { binds: true }),
            clock,
            Arc::new(Dice::new(seed)),
        )
    }

    /// The account, as a process that has just begun wraps it.
    pub(crate) fn sealed(
        &self,
        account: Arc<dyn PlatformConnector>,
        options: SealedOptions,
    ) -> SealedConnector {
        SealedConnector::wrap("vault".parse().unwrap(), account, self.keys(), options)
    }

    /// Everything in the database, as text.
    pub(crate) async fn records(&self) -> Vec<garland::crypto::SealedFile> {
        let query = garland::storage::Query::all(garland::crypto::SEALED_FILES.name().clone());
        let all = self.store().all(&garland::crypto::SEALED_FILES, query);
        let all: Vec<_> = all.try_collect().await.unwrap();
        all.into_iter().map(|record| record.value).collect()
    }

    /// How many keys of files there are; those of the organization itself do not count.
    pub(crate) async fn file_keys(&self) -> usize {
        let query = garland::storage::Query::all(garland::crypto::FILE_KEYS.name().clone());
        let all = self.store().all(&garland::crypto::FILE_KEYS, query);
        let all: Vec<_> = all.try_collect().await.unwrap();
        let bodies = all.iter().filter(|record| record.value.purpose == "body");
        bodies.count()
    }
}

/// Small chunks, and every upload can be resumed.
pub(crate) fn options() -> SealedOptions {
    SealedOptions::default()
        .with_chunk(ChunkSize::from_log2(14).unwrap())
        .with_resume_from(0)
}

pub(crate) fn sealed_names() -> SealedOptions {
    options().with_names(SealedNames::Sealed)
}

pub(crate) fn path(text: &str) -> FilePath {
    FilePath::parse(text.to_owned()).unwrap()
}

/// Bytes that differ at every place and for every seed.
pub(crate) fn content(size: u64, seed: u64) -> Bytes {
    let mut bytes = vec![0; usize::try_from(size).unwrap()];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes.into()
}

pub(crate) async fn send(session: &mut dyn UploadSession, content: &Bytes) -> Result<()> {
    while session.next_chunk() > 0 {
        let from = usize::try_from(session.offset()).unwrap();
        let size = usize::try_from(session.next_chunk()).unwrap();
        session.write(content.slice(from..from + size)).await?;
    }
    Ok(())
}

pub(crate) async fn put_as(
    files: &dyn FileStore,
    request: UploadRequest,
    content: &Bytes,
) -> Result<FileEntry> {
    let mut session = files.upload(request).await?;
    send(&mut *session, content).await?;
    let mut hasher =
        garland::connector::ContentHasher::new([garland::connector::HashAlgorithm::Blake3]);
    hasher.update(content);
    session.finish(&hasher.finish()).await
}

pub(crate) async fn put(files: &dyn FileStore, name: &str, content: &Bytes) -> Result<FileEntry> {
    let request = UploadRequest::new(path(name), content.len() as u64);
    put_as(files, request, content).await
}

pub(crate) async fn read_with(
    files: &dyn FileStore,
    name: &str,
    options: ReadOptions,
) -> Result<Bytes> {
    let reader = files.read(&path(name), options).await?;
    let pieces: Vec<Bytes> = reader.bytes.try_collect().await?;
    Ok(pieces.concat().into())
}

pub(crate) async fn read(files: &dyn FileStore, name: &str) -> Result<Bytes> {
    read_with(files, name, ReadOptions::default()).await
}

pub(crate) async fn list(files: &dyn FileStore) -> Result<ListPage> {
    let pages: Vec<ListPage> = files.list().try_collect().await?;
    let mut entries: Vec<_> = pages.iter().flat_map(|page| page.entries.clone()).collect();
    let skipped = pages.into_iter().flat_map(|page| page.skipped).collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(ListPage::new(entries).with_skipped(skipped))
}

pub(crate) async fn names(files: &dyn FileStore) -> Vec<String> {
    let page = list(files).await.unwrap();
    page.entries
        .iter()
        .map(|entry| entry.path.to_string())
        .collect()
}

#[track_caller]
pub(crate) fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().expect("it must not succeed").kind()
}

/// No hashes.
pub(crate) fn none() -> Hashes {
    Hashes::new()
}
