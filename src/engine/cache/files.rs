//! Files whose `stat` is remembered, and forgotten when they are changed.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::connector::{
    Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, ListPage,
    PlatformConnector, ReadOptions, UploadRequest, UploadSession, UploadToken,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::MetadataCache;
use super::session::Session;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FileStore for MetadataCache {
    fn facts(&self) -> &FileFacts {
        &self.facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        match files(&*self.inner) {
            Ok(files) => files.list(),
            Err(error) => Box::pin(futures_util::stream::once(async { Err(error) })),
        }
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        let (inner, asked) = (Arc::clone(&self.inner), path.clone());
        let ask = async move { files(&*inner)?.stat(&asked).await.map(Arc::new) };
        let told = self.told(path, ask).await?;
        Ok(Option::clone(&told))
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        files(&*self.inner)?.read(path, options).await
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        let path = request.path.clone();
        let session = files(&*self.inner)?.upload(request).await?;
        Ok(Box::new(Session::new(session, self.clone(), Some(path))))
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        let session = files(&*self.inner)?.resume_upload(token).await?;
        Ok(Box::new(Session::new(session, self.clone(), None)))
    }

    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        let _changed = Changed::new(self, [Some(to), None]);
        let copied = files(&*self.inner)?.copy(from, version, to, expect).await?;
        if let Some(entry) = &copied {
            self.forget(&entry.path);
        }
        Ok(copied)
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        let _changed = Changed::new(self, [Some(from), Some(to)]);
        let entry = files(&*self.inner)?.rename(from, expect, to).await?;
        self.forget(&entry.path);
        Ok(entry)
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        let _changed = Changed::new(self, [Some(path), None]);
        files(&*self.inner)?.delete(path, expect).await
    }

    async fn persist(&self) -> Result<()> {
        files(&*self.inner)?.persist().await
    }
}

/// Forgets what was said of some files when a call about them is over, however it ends: it may also be dropped.
struct Changed<'a> {
    near: &'a MetadataCache,
    paths: [Option<&'a FilePath>; 2],
}

impl<'a> Changed<'a> {
    fn new(near: &'a MetadataCache, paths: [Option<&'a FilePath>; 2]) -> Self {
        Self { near, paths }
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        for path in self.paths.iter().flatten() {
            self.near.forget(path);
        }
    }
}

fn files(account: &dyn PlatformConnector) -> Result<&dyn FileStore> {
    account.files().ok_or_else(|| {
        let message = "this account has no files";
        Error::new(ErrorKind::Unsupported, "cache.files", message)
    })
}
