//! A desk to run syncs from, and an account that lets a test in between any two of its calls.

use std::collections::BTreeMap;
use std::fmt;
#[cfg(feature = "local")]
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use garland::backends::Memory;
use garland::connector::{
    ChangeFeed, Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, Hashes, Health,
    LinkSharing, ListPage, Platform, PlatformConnector, ReadOptions, UploadRequest, UploadSession,
    UploadToken,
};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::storage::{Collection, Query, StorageBackend, Store};
use garland::sync::{BaseRecord, Relation, SYNC_BASES, SyncOptions, SyncReport};
use garland::testing::{Faults, FaultyConnector, FaultyStorage, PausedClock};
use garland::transfer::{RetryPolicy, TransferOptions};
use garland::{Chance, Clock, Orchestrator, OrganizationId, Result, SyncRequest, Timestamp};
use serde::de::DeserializeOwned;

use crate::world::{Lines, START};

/// A clock whose wall time a test can set, while intervals go on.
#[derive(Clone, Debug)]
pub(crate) struct WallClock {
    steady: PausedClock,
    shift: Arc<AtomicI64>,
}

impl WallClock {
    pub(crate) fn new() -> Self {
        Self {
            steady: PausedClock::starting(Timestamp::from_millis(START)),
            shift: Arc::default(),
        }
    }

    /// Sets the wall clock back.
    pub(crate) fn set_back(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.shift.fetch_sub(by, Ordering::Relaxed);
    }
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let shift = self.shift.load(Ordering::Relaxed);
        Timestamp::from_millis(self.steady.now().as_millis() + shift)
    }

    fn elapsed(&self) -> Duration {
        self.steady.elapsed()
    }
}

/// Some places, a database, and how they are synced.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) places: Vec<(String, Arc<dyn PlatformConnector>)>,
    pub(crate) database: Arc<dyn StorageBackend>,
    pub(crate) relation: Relation,
    pub(crate) options: SyncOptions,
    pub(crate) clock: WallClock,
}

impl Desk {
    pub(crate) fn new(relation: Relation) -> Self {
        let retry = RetryPolicy::default().with_base(Duration::from_millis(1));
        Self {
            places: Vec::new(),
            database: Arc::new(Memory::new()),
            relation,
            options: SyncOptions::default()
                .with_transfer(TransferOptions::default().with_retry(retry))
                .with_merger(Lines),
            clock: WallClock::new(),
        }
    }

    pub(crate) fn peers() -> Self {
        Self::new(Relation::Peers)
    }

    pub(crate) fn place(mut self, name: &str, place: impl PlatformConnector) -> Self {
        self.places.push((name.into(), Arc::new(place)));
        self
    }

    pub(crate) fn options(mut self, change: impl FnOnce(SyncOptions) -> SyncOptions) -> Self {
        self.options = change(self.options);
        self
    }

    pub(crate) fn transfer(
        mut self,
        change: impl FnOnce(TransferOptions) -> TransferOptions,
    ) -> Self {
        self.options.transfer = change(self.options.transfer);
        self
    }

    pub(crate) fn database(mut self, database: impl StorageBackend) -> Self {
        self.database = Arc::new(database);
        self
    }

    /// The sync as a program sees it.
    pub(crate) async fn request(&self) -> SyncRequest {
        let database = Arc::clone(&self.database);
        let mut builder = Orchestrator::builder()
            .storage(FaultyStorage::new(database, Faults::none()))
            .clock(self.clock.clone())
            .chance(Chance::system());
        for (name, place) in &self.places {
            let organization = OrganizationId::default();
            builder = builder.connector_of(&organization, name, Arc::clone(place));
        }
        let studio = builder.build().await.unwrap();
        let (first, others) = self.places.split_first().unwrap();
        let first = studio.sync(&first.0);
        let request = others
            .iter()
            .fold(first, |request, (name, _)| request.with(name));
        request
            .relation(self.relation)
            .options(self.options.clone())
    }

    pub(crate) async fn run(&self) -> Result<SyncReport> {
        self.request().await.run().await
    }

    /// Runs, and expects that everything could be done.
    pub(crate) async fn settle(&self) -> SyncReport {
        let report = self.run().await.unwrap();
        assert!(report.is_complete(), "{report}");
        report
    }

    /// Runs, and expects that there is nothing left to do.
    pub(crate) async fn at_rest(&self) {
        let report = self.settle().await;
        assert_eq!(report.plan.actions, [], "{report}");
        assert_eq!(report.done, garland::sync::Counts::default(), "{report}");
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(Arc::clone(&self.database), OrganizationId::default())
    }

    /// Every record of a collection, by id.
    pub(crate) async fn records<T>(&self, collection: &Collection<T>) -> BTreeMap<String, T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let query = Query::all(collection.name().clone());
        let all = self.store().all(collection, query);
        let all: Vec<_> = all.try_collect().await.unwrap();
        all.into_iter()
            .map(|record| (record.id.as_str().to_owned(), record.value))
            .collect()
    }

    /// The paths that the places are known to agree on.
    pub(crate) async fn agreed(&self) -> Vec<String> {
        let bases: BTreeMap<String, BaseRecord> = self.records(&SYNC_BASES).await;
        let path = |id: String| id.split_once('/').unwrap().1.to_owned();
        bases.into_keys().map(path).collect()
    }
}

/// An account in memory without hashes.
pub(crate) fn plain() -> MemoryPlatform {
    MemoryPlatform::new(MemoryOptions::new(FileFacts::default()))
}

/// An account through which faults can come.
pub(crate) fn shaky(
    label: &str,
    account: &impl PlatformConnectorClone,
    faults: &Faults,
) -> FaultyConnector {
    FaultyConnector::new(label, account.shared(), faults.clone())
}

/// What [`shaky`] takes.
pub(crate) trait PlatformConnectorClone {
    fn shared(&self) -> Arc<dyn PlatformConnector>;
}

impl<T: PlatformConnector + Clone> PlatformConnectorClone for T {
    fn shared(&self) -> Arc<dyn PlatformConnector> {
        Arc::new(self.clone())
    }
}

/// What an account lists, as text.
pub(crate) fn listed(account: &MemoryPlatform) -> BTreeMap<String, String> {
    let files = account.listed().into_iter();
    files
        .map(|(path, content)| (path.into(), text(&content)))
        .collect()
}

/// Files and their contents, to compare with.
pub(crate) fn files<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<String, String> {
    let files = files.into_iter();
    files
        .map(|(path, content)| (path.into(), content.into()))
        .collect()
}

pub(crate) fn text(content: &[u8]) -> String {
    String::from_utf8(content.to_vec()).unwrap()
}

pub(crate) fn path(text: &str) -> FilePath {
    text.parse().unwrap()
}

/// Every file below a folder with its content, garland's own left out.
#[cfg(feature = "local")]
pub(crate) fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = whole_tree(root);
    all.retain(|path, _| !path.starts_with(".garland/"));
    all
}

/// Every file below a folder with its content; links are not followed.
#[cfg(feature = "local")]
pub(crate) fn whole_tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                let name = entry.path().strip_prefix(root).unwrap().to_owned();
                let name = name.to_string_lossy().into_owned();
                all.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    all
}

/// A call that a [`Hooked`] account is about to make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Call {
    List,
    /// A file is opened from this offset on.
    Open(String, u64),
    /// The next piece of a file is read; the first has number 0.
    Piece(String, u64),
    Upload(String),
    Resume,
    /// So many bytes are sent.
    Write(u64),
    Finish,
    Rename(String),
    Delete(String),
}

type Hook = Arc<dyn Fn(Call) -> BoxFuture<'static, ()> + Send + Sync>;

/// An account that lets a test in before each call, and writes the calls down.
#[derive(Clone)]
pub(crate) struct Hooked {
    inner: Arc<dyn PlatformConnector>,
    facts: FileFacts,
    calls: Arc<Mutex<Vec<Call>>>,
    hook: Option<Hook>,
    credulous: bool,
    pages: Option<Vec<ListPage>>,
}

impl Hooked {
    pub(crate) fn new(inner: impl PlatformConnector) -> Self {
        Self {
            facts: inner.files().unwrap().facts().clone(),
            inner: Arc::new(inner),
            calls: Arc::default(),
            hook: None,
            credulous: false,
            pages: None,
        }
    }

    /// Runs `hook` before each call.
    pub(crate) fn before<F>(mut self, hook: impl Fn(Call) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.hook = Some(Arc::new(move |call| hook(call).boxed()));
        self
    }

    /// Never looks whether what has arrived is what was sent, nor whether what is read is what was asked for.
    pub(crate) fn credulous(mut self) -> Self {
        self.credulous = true;
        self
    }

    /// Lists this, whatever there is.
    pub(crate) fn listing(mut self, pages: Vec<ListPage>) -> Self {
        self.pages = Some(pages);
        self
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Bytes sent so far.
    pub(crate) fn sent(&self) -> u64 {
        let calls = self.calls().into_iter();
        calls
            .map(|call| {
                if let Call::Write(bytes) = call {
                    bytes
                } else {
                    0
                }
            })
            .sum()
    }

    async fn step(&self, call: Call) {
        self.calls.lock().unwrap().push(call.clone());
        if let Some(hook) = &self.hook {
            hook(call).await;
        }
    }

    fn files(&self) -> &dyn FileStore {
        self.inner.files().unwrap()
    }

    fn session(&self, inner: Box<dyn UploadSession>) -> Box<dyn UploadSession> {
        let account = self.clone();
        Box::new(HookedSession { account, inner })
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hooked").field(&self.inner).finish()
    }
}

#[async_trait]
impl PlatformConnector for Hooked {
    fn platform(&self) -> &'static Platform {
        self.inner.platform()
    }

    async fn check(&self) -> Result<Health> {
        self.inner.check().await
    }

    fn files(&self) -> Option<&dyn FileStore> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn ChangeFeed> {
        None
    }

    fn links(&self) -> Option<&dyn LinkSharing> {
        None
    }
}

#[async_trait]
impl FileStore for Hooked {
    fn facts(&self) -> &FileFacts {
        &self.facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        let pages = match &self.pages {
            Some(pages) => stream::iter(pages.clone().into_iter().map(Ok)).boxed(),
            None => self.files().list(),
        };
        let account = self.clone();
        let first = async move {
            account.step(Call::List).await;
            pages
        };
        first.flatten_stream().boxed()
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        self.files().stat(path).await
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        let start = options.range.as_ref().map_or(0, |range| range.start);
        self.step(Call::Open(path.to_string(), start)).await;
        let mut options = options;
        if self.credulous {
            options.version = None;
        }
        let reader = self.files().read(path, options).await?;
        let (account, name) = (self.clone(), path.to_string());
        let start = (reader.bytes, 0);
        let pieces = stream::unfold(start, move |(mut pieces, number)| {
            let (account, name) = (account.clone(), name.clone());
            async move {
                account.step(Call::Piece(name, number)).await;
                let piece = pieces.next().await?;
                Some((piece, (pieces, number + 1)))
            }
        });
        Ok(FileReader::new(reader.version, pieces.boxed()))
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        self.step(Call::Upload(request.path.to_string())).await;
        Ok(self.session(self.files().upload(request).await?))
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        self.step(Call::Resume).await;
        Ok(self.session(self.files().resume_upload(token).await?))
    }

    async fn copy(
        &self,
        from: &FilePath,
        version: &garland::connector::FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        self.files().copy(from, version, to, expect).await
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        self.step(Call::Rename(from.to_string())).await;
        self.files().rename(from, expect, to).await
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        self.step(Call::Delete(path.to_string())).await;
        self.files().delete(path, expect).await
    }

    async fn persist(&self) -> Result<()> {
        self.files().persist().await
    }
}

#[derive(Debug)]
struct HookedSession {
    account: Hooked,
    inner: Box<dyn UploadSession>,
}

#[async_trait]
impl UploadSession for HookedSession {
    fn offset(&self) -> u64 {
        self.inner.offset()
    }

    fn next_chunk(&self) -> u64 {
        self.inner.next_chunk()
    }

    fn token(&self) -> Option<UploadToken> {
        self.inner.token()
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.account.step(Call::Write(chunk.len() as u64)).await;
        self.inner.write(chunk).await
    }

    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry> {
        self.account.step(Call::Finish).await;
        let nothing = Hashes::new();
        let told = if self.account.credulous {
            &nothing
        } else {
            computed
        };
        self.inner.finish(told).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
