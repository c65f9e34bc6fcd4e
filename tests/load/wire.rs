//! A platform with a wire of its own: writes take their time, reads are closed by the server, answers come late.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use garland::connector::{
    ChunkRules, Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, Hashes,
    Health, ListPage, Platform, PlatformConnector, ReadOptions, UploadRequest, UploadSession,
    UploadToken,
};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::{Error, ErrorKind, Result};
use tokio::time::Instant;

use crate::account::Drive;

/// An account on a platform, which takes parts of so many bytes and reports no hash.
pub(crate) fn parts(bytes: u64) -> MemoryPlatform {
    let facts = FileFacts::default().with_chunks(ChunkRules::new(1, 1, bytes, bytes));
    MemoryPlatform::new(MemoryOptions::new(facts))
}

/// The account behind its wire.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    account: MemoryPlatform,
    /// Seconds that each byte written takes.
    byte: f64,
    /// How long the server keeps a read open.
    open: Option<Duration>,
    /// How long it takes to make a file appear.
    finish: Duration,
    /// How long the platform asks to wait after the first write.
    busy: Option<Duration>,
    was_busy: Arc<AtomicBool>,
}

impl Wire {
    pub(crate) fn to(account: &MemoryPlatform) -> Self {
        Self {
            account: account.clone(),
            byte: 0.0,
            open: None,
            finish: Duration::ZERO,
            busy: None,
            was_busy: Arc::default(),
        }
    }

    pub(crate) fn carrying(mut self, bytes_per_second: f64) -> Self {
        self.byte = 1.0 / bytes_per_second;
        self
    }

    pub(crate) fn closing_after(mut self, open: Duration) -> Self {
        self.open = Some(open);
        self
    }

    pub(crate) fn finishing_in(mut self, finish: Duration) -> Self {
        self.finish = finish;
        self
    }

    pub(crate) fn busy_for(mut self, busy: Duration) -> Self {
        self.busy = Some(busy);
        self
    }

    fn files(&self) -> &dyn FileStore {
        self.account.files().unwrap()
    }

    fn session(&self, inner: Box<dyn UploadSession>) -> Box<dyn UploadSession> {
        let wire = self.clone();
        Box::new(WiredSession { wire, inner })
    }
}

#[async_trait]
impl PlatformConnector for Wire {
    fn platform(&self) -> &'static Platform {
        Drive(Arc::new(self.account.clone())).platform()
    }

    async fn check(&self) -> Result<Health> {
        self.account.check().await
    }

    fn files(&self) -> Option<&dyn FileStore> {
        Some(self)
    }
}

#[async_trait]
impl FileStore for Wire {
    fn facts(&self) -> &FileFacts {
        self.files().facts()
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        self.files().list()
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        self.files().stat(path).await
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        let reader = self.files().read(path, options).await?;
        let closes = self.open.map(|open| Instant::now() + open);
        let pieces = stream::unfold(reader.bytes, move |mut pieces| async move {
            if closes.is_some_and(|closes| Instant::now() > closes) {
                let closed = Error::new(ErrorKind::Unavailable, "wire.read", "closed");
                return Some((Err(closed), pieces));
            }
            Some((pieces.next().await?, pieces))
        });
        Ok(FileReader::new(reader.version, pieces.boxed()))
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        Ok(self.session(self.files().upload(request).await?))
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        Ok(self.session(self.files().resume_upload(token).await?))
    }

    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        self.files().copy(from, version, to, expect).await
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        self.files().rename(from, expect, to).await
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        self.files().delete(path, expect).await
    }

    async fn persist(&self) -> Result<()> {
        self.files().persist().await
    }
}

#[derive(Debug)]
struct WiredSession {
    wire: Wire,
    inner: Box<dyn UploadSession>,
}

#[async_trait]
impl UploadSession for WiredSession {
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
        let bytes = u32::try_from(chunk.len()).unwrap();
        tokio::time::sleep(Duration::from_secs_f64(f64::from(bytes) * self.wire.byte)).await;
        if let Some(busy) = self.wire.busy
            && !self.wire.was_busy.swap(true, Ordering::Relaxed)
        {
            let error = Error::new(ErrorKind::RateLimited, "wire.write", "busy");
            return Err(error.with_retry_after(busy));
        }
        self.inner.write(chunk).await
    }

    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry> {
        tokio::time::sleep(self.wire.finish).await;
        self.inner.finish(computed).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
