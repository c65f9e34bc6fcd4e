//! A fake on a port of its own, and accounts on it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::Result;
use garland::connector::kit::{AccessToken, BaseUrl, Bearer, HttpClient, HttpOptions};
use garland::connector::{
    ContentHasher, Expect, FileEntry, FilePath, FileStore, HashAlgorithm, Hashes, ListPage,
    PlatformConnector as _, ReadOptions, UploadRequest, WebhookSecret,
};
use garland::platforms::{Dropbox, DropboxBuilder};

use super::fake::{Fake, TOKEN, World};
use crate::support::{Recorder, Server, serve};

/// The secret of the app.
pub(super) const APP_SECRET: &str = "dropbox_app_secret_test";

/// The chunks of a large file here, and the most that goes in one call.
pub(super) const CHUNK: u64 = 64 << 10;

/// An account and what is behind it.
pub(super) struct Setup {
    pub(super) fake: Fake,
    pub(super) recorder: Recorder,
    pub(super) server: Server,
    pub(super) dropbox: Dropbox,
}

impl Setup {
    /// An empty account.
    pub(super) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(super) async fn with(configure: impl FnOnce(DropboxBuilder) -> DropboxBuilder) -> Self {
        let fake = Fake::new(World::new());
        let recorder = Recorder::default();
        let server = serve(recorder.around(fake.routes())).await;
        let dropbox = configure(builder(&server.base(""))).build().unwrap();
        Self {
            fake,
            recorder,
            server,
            dropbox,
        }
    }

    /// The same account, as another process would make it.
    pub(super) fn elsewhere(&self) -> Dropbox {
        builder(&self.server.base("")).build().unwrap()
    }

    pub(super) fn files(&self) -> &dyn FileStore {
        self.dropbox.files().unwrap()
    }

    /// How many requests `work` costs.
    pub(super) async fn cost<T>(&self, work: impl Future<Output = T>) -> (T, usize) {
        let before = self.recorder.count();
        let done = work.await;
        (done, self.recorder.count() - before)
    }
}

pub(super) fn builder(base: &BaseUrl) -> DropboxBuilder {
    let options = HttpOptions::default().with_idle(Duration::from_secs(20));
    Dropbox::builder(Bearer::new(AccessToken::new(TOKEN)))
        .base_url(base.clone())
        .content_base_url(base.clone())
        .notify_base_url(base.clone())
        .client(HttpClient::new(options).unwrap())
        .app_secret(WebhookSecret::new(APP_SECRET))
        .chunk_size(CHUNK)
        .whole_up_to(CHUNK / 2)
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
    let mut hasher = ContentHasher::new([HashAlgorithm::Dropbox, HashAlgorithm::Sha256]);
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
    read_with(files, at, ReadOptions::default()).await
}

pub(super) async fn read_with(
    files: &dyn FileStore,
    at: &str,
    options: ReadOptions,
) -> Result<Vec<u8>> {
    let reader = files.read(&path(at), options).await?;
    let pieces: Vec<Bytes> = reader.bytes.try_collect().await?;
    Ok(pieces.concat())
}

/// All pages as one.
pub(super) async fn list(files: &dyn FileStore) -> Result<ListPage> {
    let mut all = ListPage::default();
    let mut pages = files.list();
    while let Some(page) = pages.try_next().await? {
        all.entries.extend(page.entries);
        all.skipped.extend(page.skipped);
    }
    Ok(all)
}

/// The paths that are listed.
pub(super) async fn listed(files: &dyn FileStore) -> Vec<String> {
    let entries = list(files).await.unwrap().entries;
    entries.iter().map(|entry| entry.path.to_string()).collect()
}

/// Bytes that differ at every place.
pub(super) fn content(size: u64) -> Bytes {
    let word = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    let size = usize::try_from(size).unwrap();
    (0..).flat_map(word).take(size).collect()
}
