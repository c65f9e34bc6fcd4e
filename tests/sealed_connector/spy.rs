//! An account that notes every byte that it was ever given, and what was asked of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use garland::Result;
use garland::connector::{
    Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, Hashes, Health,
    ListPage, Platform, PlatformConnector, ReadOptions, UploadRequest, UploadSession, UploadToken,
};

/// Bytes that were sent to one upload, and where.
type Sent = Arc<Mutex<BTreeMap<String, Vec<(u64, Bytes)>>>>;

/// What somebody else does in the middle of an operation, once.
#[derive(Clone, Default)]
struct Meanwhile(Arc<Mutex<Option<Act>>>);

/// When, and what.
type Act = (Moments, BoxFuture<'static, ()>);

/// In the middle of what somebody else acts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Moments {
    BeforeRead,
    AfterRename,
    AfterFinish,
}

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl Meanwhile {
    async fn happen(&self, moment: Moments) {
        let act = self.0.lock().unwrap().take_if(|(when, _)| *when == moment);
        if let Some((_, act)) = act {
            act.await;
        }
    }
}

/// Wraps an account whose uploads have tokens.
#[derive(Clone, Debug)]
pub(crate) struct Spy {
    inner: Arc<dyn PlatformConnector>,
    sent: Sent,
    asked: Arc<Mutex<Vec<Option<Range<u64>>>>>,
    meanwhile: Meanwhile,
}

impl Spy {
    pub(crate) fn new(inner: Arc<dyn PlatformConnector>) -> Self {
        Self {
            inner,
            sent: Sent::default(),
            asked: Arc::default(),
            meanwhile: Meanwhile::default(),
        }
    }

    /// Lets somebody else act at the next such moment.
    pub(crate) fn meanwhile(&self, when: Moments, act: impl Future<Output = ()> + Send + 'static) {
        *self.meanwhile.0.lock().unwrap() = Some((when, Box::pin(act)));
    }

    /// Holds that no two objects begin alike, and that nothing was ever sent in two versions to one
    /// place of an object. Objects that begin otherwise have other keys, so this is what there is to
    /// hold: no nonce was used for two contents. Returns how many bytes were sent twice.
    pub(crate) fn no_nonce_was_used_twice(&self) -> u64 {
        let sent = self.sent.lock().unwrap();
        let (mut headers, mut twice) = (BTreeMap::new(), 0);
        for (upload, pieces) in &*sent {
            let mut object: Vec<Option<u8>> = Vec::new();
            for (offset, bytes) in pieces {
                let start = usize::try_from(*offset).unwrap();
                object.resize(object.len().max(start + bytes.len()), None);
                for (slot, byte) in object[start..].iter_mut().zip(bytes) {
                    assert!(
                        slot.is_none_or(|sent| sent == *byte),
                        "{upload} at {offset}"
                    );
                    twice += u64::from(slot.is_some());
                    *slot = Some(*byte);
                }
            }
            let header: Vec<u8> = object
                .iter()
                .take(72)
                .copied()
                .map_while(|byte| byte)
                .collect();
            if header.len() == 72 {
                let other = headers.insert(header, upload);
                assert_eq!(other, None, "two uploads begin alike");
            }
        }
        twice
    }

    /// What was asked of reads since the last time.
    pub(crate) fn take_asked(&self) -> Vec<Option<Range<u64>>> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn files_inside(&self) -> &dyn FileStore {
        self.inner.files().unwrap()
    }

    fn session(&self, inner: Box<dyn UploadSession>) -> Box<dyn UploadSession> {
        let upload = inner.token().unwrap().as_str().to_owned();
        let sent = Arc::clone(&self.sent);
        Box::new(Session {
            offset: inner.offset(),
            inner,
            upload,
            sent,
            meanwhile: self.meanwhile.clone(),
        })
    }
}

#[async_trait]
impl PlatformConnector for Spy {
    fn platform(&self) -> &'static Platform {
        self.inner.platform()
    }

    async fn check(&self) -> Result<Health> {
        self.inner.check().await
    }

    fn files(&self) -> Option<&dyn FileStore> {
        Some(self)
    }
}

#[async_trait]
impl FileStore for Spy {
    fn facts(&self) -> &FileFacts {
        self.files_inside().facts()
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        self.files_inside().list()
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        self.files_inside().stat(path).await
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        self.asked.lock().unwrap().push(options.range.clone());
        self.meanwhile.happen(Moments::BeforeRead).await;
        self.files_inside().read(path, options).await
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        let inner = self.files_inside().upload(request).await?;
        Ok(self.session(inner))
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        let inner = self.files_inside().resume_upload(token).await?;
        Ok(self.session(inner))
    }

    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        self.files_inside().copy(from, version, to, expect).await
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        let renamed = self.files_inside().rename(from, expect, to).await;
        self.meanwhile.happen(Moments::AfterRename).await;
        renamed
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        self.files_inside().delete(path, expect).await
    }

    async fn persist(&self) -> Result<()> {
        self.files_inside().persist().await
    }
}

#[derive(Debug)]
struct Session {
    inner: Box<dyn UploadSession>,
    /// Where this session stands, whatever others do to the upload.
    offset: u64,
    upload: String,
    sent: Sent,
    meanwhile: Meanwhile,
}

#[async_trait]
impl UploadSession for Session {
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
        let note = (self.offset, chunk.clone());
        {
            let mut sent = self.sent.lock().unwrap();
            sent.entry(self.upload.clone()).or_default().push(note);
        }
        let before = self.inner.offset();
        let written = self.inner.write(chunk).await;
        self.offset += self.inner.offset().saturating_sub(before);
        written
    }

    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry> {
        let finished = self.inner.finish(computed).await;
        self.meanwhile.happen(Moments::AfterFinish).await;
        finished
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
