//! Uploads into a bucket: small files in one call, others in parts.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::connector::kit::{Begun, UploadProtocol};
use crate::connector::{ChunkRules, FileEntry, Hashes, UploadRequest};
use crate::error::{Error, ErrorKind, Result};

use super::bucket::{Bucket, Object};
use super::guard::Guard;
use super::keys::Keys;
use super::list::entry;

#[derive(Debug)]
pub(super) struct BucketUploads<B> {
    bucket: Arc<B>,
    keys: Keys,
}

impl<B: Bucket> BucketUploads<B> {
    pub(super) fn new(bucket: Arc<B>, keys: Keys) -> Self {
        Self { bucket, keys }
    }

    async fn guard(&self, request: &UploadRequest, takes_conditions: bool) -> Result<Guard> {
        let key = self.keys.key(&request.path);
        let (path, expect) = (&request.path, &request.expect);
        Guard::before_write(&*self.bucket, &key, path, expect, takes_conditions).await
    }

    /// Holds what the server says it has against what was sent. What is not the file is removed again.
    async fn verify(
        &self,
        request: &UploadRequest,
        object: Object,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        let has = &object.version;
        let told = has.hashes.or(&object.proof);
        if has.size == request.size && !told.contradict(computed) {
            return Ok(entry(request.path.clone(), object));
        }
        let message = "the platform has other bytes than were sent";
        let error = Error::new(ErrorKind::Corrupt, "upload.finish", message)
            .with_context("path", &request.path)
            .with_context("sent", computed)
            .with_context("stored", &told);
        let guard = match &has.revision {
            Some(revision) if self.bucket.acts().delete => Guard::Revision(revision.clone()),
            _ => Guard::Free,
        };
        let key = self.keys.key(&request.path);
        match self.bucket.delete(&key, &guard).await {
            Ok(()) => Err(error),
            Err(left) => Err(error.with_source(left)),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Bucket> UploadProtocol for BucketUploads<B> {
    type State = B::Upload;

    fn account(&self) -> String {
        format!("{}/{}", self.bucket.account(), self.keys.prefix())
    }

    fn rules(&self) -> ChunkRules {
        self.bucket.facts().chunks
    }

    fn whole_up_to(&self) -> u64 {
        self.rules().preferred
    }

    fn ends_with_last_chunk(&self) -> bool {
        self.bucket.ends_with_last_part()
    }

    async fn put(
        &self,
        request: &UploadRequest,
        content: Bytes,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        let guard = self.guard(request, self.bucket.acts().put).await?;
        let key = self.keys.key(&request.path);
        let object = self
            .bucket
            .put(&key, &guard, request, content, computed)
            .await;
        let object = object.map_err(|error| guard.explain(&request.path, error))?;
        self.verify(request, object, computed).await
    }

    async fn begin(&self, request: &UploadRequest) -> Result<Begun<B::Upload>> {
        let key = self.keys.key(&request.path);
        let guard = if self.bucket.guards_when_begun() {
            self.guard(request, true).await?
        } else {
            Guard::Free
        };
        let begun = self.bucket.begin(&key, &guard, request).await;
        let state = begun.map_err(|error| guard.explain(&request.path, error))?;
        Ok(Begun::new(state))
    }

    async fn send(
        &self,
        request: &UploadRequest,
        state: &mut B::Upload,
        at: u64,
        chunk: Bytes,
    ) -> Result<u64> {
        let key = self.keys.key(&request.path);
        self.bucket.part(&key, request, state, at, chunk).await
    }

    async fn offset(&self, request: &UploadRequest, state: &mut B::Upload, _: u64) -> Result<u64> {
        let key = self.keys.key(&request.path);
        self.bucket.arrived(&key, request, state).await
    }

    async fn commit(
        &self,
        request: &UploadRequest,
        state: &mut B::Upload,
        last: Option<(u64, Bytes)>,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        let guard = self.guard(request, self.bucket.acts().complete).await?;
        let key = self.keys.key(&request.path);
        let done = self
            .bucket
            .complete(&key, &guard, request, state, last, computed);
        let object = done.await.map_err(|error| {
            if self.bucket.guards_when_begun() {
                Guard::given(&request.expect).explain(&request.path, error)
            } else {
                guard.explain(&request.path, error)
            }
        })?;
        self.verify(request, object, computed).await
    }

    async fn abort(&self, request: &UploadRequest, state: &B::Upload) -> Result<()> {
        let key = self.keys.key(&request.path);
        self.bucket.abandon(&key, state).await
    }
}
