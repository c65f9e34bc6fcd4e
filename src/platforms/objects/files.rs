//! Files of a bucket.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt as _};

use crate::connector::kit::Uploads;
use crate::connector::{
    Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, ListPage,
    ReadOptions, UploadRequest, UploadSession, UploadToken,
};
use crate::error::{Error, ErrorKind, Result};

use super::bucket::{Bucket, Opened};
use super::guard::Guard;
use super::keys::Keys;
use super::list::{entry, list};
use super::uploads::BucketUploads;

/// A bucket, or all below a prefix of one, as files.
#[derive(Debug)]
pub(in crate::platforms) struct BucketFiles<B: Bucket> {
    pub(super) bucket: Arc<B>,
    pub(super) keys: Keys,
    uploads: Uploads<BucketUploads<B>>,
}

impl<B: Bucket> BucketFiles<B> {
    pub(in crate::platforms) fn new(bucket: Arc<B>, keys: Keys) -> Self {
        let uploads = BucketUploads::new(Arc::clone(&bucket), keys.clone());
        Self {
            bucket,
            keys,
            uploads: Uploads::new(uploads),
        }
    }

    /// The key of a path that is to be written.
    pub(super) fn writable(&self, path: &FilePath) -> Result<String> {
        self.keys.writable(path, &self.bucket.facts().names)
    }
}

/// No such file.
pub(super) fn missing(path: &FilePath) -> Error {
    Error::new(ErrorKind::NotFound, "files.look", "no such file").with_context("path", path)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Bucket> FileStore for BucketFiles<B> {
    fn facts(&self) -> &FileFacts {
        self.bucket.facts()
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        list(Arc::clone(&self.bucket), self.keys.clone())
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        let object = self.bucket.look(&self.keys.key(path)).await;
        let object = object.map_err(|error| error.with_context("path", path))?;
        Ok(object.map(|object| entry(path.clone(), object)))
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        let opened = self.bucket.open(&self.keys.key(path), options.range).await;
        let Opened { object, bytes } = opened.map_err(|error| match error.kind() {
            ErrorKind::NotFound => missing(path),
            _ => error.with_context("path", path),
        })?;
        if let Some(version) = &options.version
            && object.is_other_than(version)
        {
            let message = "another version is there than asked for";
            return Err(
                Error::new(ErrorKind::Changed, "files.read", message).with_context("path", path)
            );
        }
        Ok(FileReader::new(object.version, bytes.boxed()))
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        self.writable(&request.path)?;
        let most = self.facts().max_file_size;
        if most.is_some_and(|most| request.size > most) {
            let message = "the file is larger than the platform takes";
            return Err(
                Error::new(ErrorKind::LimitExceeded, "files.upload", message)
                    .with_context("path", &request.path)
                    .with_context("size", request.size),
            );
        }
        self.uploads.begin(request).await
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        self.uploads.resume(token).await
    }

    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        self.copy_version(from, version, to, expect).await
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        self.move_to(from, expect, to).await
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        let key = self.keys.key(path);
        let now = self.bucket.look(&key).await?;
        let now = now.ok_or_else(|| missing(path))?;
        let guard = Guard::before_change(&now, path, expect, self.bucket.acts().delete)?;
        let gone = self.bucket.delete(&key, &guard).await;
        gone.map_err(|error| guard.explain(path, error))
    }

    /// An answer of the server means that the file is safe there.
    async fn persist(&self) -> Result<()> {
        Ok(())
    }
}
