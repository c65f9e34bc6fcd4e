//! A fake on a port of its own, and accounts on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::connector::kit::{AccessToken, Bearer, HttpClient, HttpOptions};
use garland::connector::{
    Expect, FileEntry, FilePath, FileStore, Hashes, ListPage, PlatformConnector as _, ReadOptions,
    UploadRequest,
};
use garland::platforms::{GoogleDrive, GoogleDriveBuilder};
use garland::{Clock, Result, Timestamp};

use super::fake::{Fake, TOKEN, World};
use crate::support::{Recorder, Server, serve};

/// A clock that goes on by a millisecond whenever somebody looks at it.
#[derive(Clone, Debug)]
pub(super) struct Ticking(Arc<AtomicI64>);

impl Ticking {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_750_000_000_000)))
    }

    pub(super) fn advance(&self, by: Duration) -> Timestamp {
        let by = i64::try_from(by.as_millis()).unwrap();
        Timestamp::from_millis(self.0.fetch_add(by, Ordering::SeqCst) + by)
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.advance(Duration::from_millis(1))
    }

    fn elapsed(&self) -> Duration {
        let now = self.0.fetch_add(1, Ordering::SeqCst);
        Duration::from_millis(u64::try_from(now).unwrap())
    }
}

/// An account and what is behind it.
pub(super) struct Setup {
    pub(super) fake: Fake,
    pub(super) clock: Ticking,
    pub(super) recorder: Recorder,
    pub(super) server: Server,
    pub(super) drive: GoogleDrive,
}

impl Setup {
    /// My Drive, empty.
    pub(super) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(super) async fn with(
        configure: impl FnOnce(GoogleDriveBuilder) -> GoogleDriveBuilder + Send,
    ) -> Self {
        let clock = Ticking::new();
        let fake = Fake::new(World::new(Arc::new(clock.clone())));
        let recorder = Recorder::default();
        let server = serve(recorder.around(fake.routes())).await;
        let drive = configure(builder(&server, &clock)).build().unwrap();
        Self {
            fake,
            clock,
            recorder,
            server,
            drive,
        }
    }

    pub(super) fn files(&self) -> &dyn FileStore {
        self.drive.files().unwrap()
    }

    /// How many requests `work` costs.
    pub(super) async fn cost<T>(&self, work: impl Future<Output = T>) -> (T, usize) {
        let before = self.recorder.count();
        let done = work.await;
        (done, self.recorder.count() - before)
    }
}

pub(super) fn builder(server: &Server, clock: &Ticking) -> GoogleDriveBuilder {
    let options = HttpOptions::default().with_idle(Duration::from_secs(20));
    GoogleDrive::builder(Bearer::new(AccessToken::new(TOKEN)))
        .base_url(server.base(""))
        .client(HttpClient::new(options).unwrap())
        .clock(Arc::new(clock.clone()))
        .organization_domain("studio.example")
        .chunk_size(256 << 10)
        .whole_up_to(128 << 10)
}

pub(super) fn path(text: &str) -> FilePath {
    FilePath::parse(text.to_owned()).unwrap()
}

/// Uploads a file as `request` says.
pub(super) async fn upload(
    files: &dyn FileStore,
    request: UploadRequest,
    content: &Bytes,
) -> Result<FileEntry> {
    let mut session = files.upload(request).await?;
    while session.next_chunk() > 0 {
        let from = usize::try_from(session.offset()).unwrap();
        let size = usize::try_from(session.next_chunk()).unwrap();
        session.write(content.slice(from..from + size)).await?;
    }
    session.finish(&hashes(content)).await
}

pub(super) fn hashes(content: &[u8]) -> Hashes {
    let mut hasher = garland::connector::ContentHasher::new([
        garland::connector::HashAlgorithm::Md5,
        garland::connector::HashAlgorithm::Sha256,
    ]);
    hasher.update(content);
    hasher.finish()
}

pub(super) async fn put(
    files: &dyn FileStore,
    at: &str,
    content: &'static str,
    expect: Expect,
) -> Result<FileEntry> {
    let request = UploadRequest::new(path(at), content.len() as u64).with_expect(expect);
    upload(files, request, &Bytes::from(content)).await
}

pub(super) async fn read(files: &dyn FileStore, at: &str) -> Result<Vec<u8>> {
    let reader = files.read(&path(at), ReadOptions::default()).await?;
    let pieces: Vec<Bytes> = reader.bytes.try_collect().await?;
    Ok(pieces.concat())
}

/// All pages as one.
pub(super) async fn list(files: &dyn FileStore) -> ListPage {
    let mut all = ListPage::default();
    let mut pages = files.list();
    while let Some(page) = pages.try_next().await.unwrap() {
        all.entries.extend(page.entries);
        all.skipped.extend(page.skipped);
    }
    all
}

/// The paths that are listed.
pub(super) async fn listed(files: &dyn FileStore) -> Vec<String> {
    let entries = list(files).await.entries;
    entries.iter().map(|entry| entry.path.to_string()).collect()
}

/// Bytes that differ at every place.
pub(super) fn content(size: usize) -> Bytes {
    let word = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    (0..).flat_map(word).take(size).collect()
}
