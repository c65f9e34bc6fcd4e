//! An upload with a layer around each call.

use async_trait::async_trait;
use bytes::Bytes;

use crate::connector::{FileEntry, Hashes, UploadSession, UploadToken};
use crate::error::Result;

use super::around::{Around, once};
use super::call;
use super::patient::patiently;

/// An upload session whose calls go through an [`Around`].
///
/// Its end takes the session along, so no layer can refuse it for good: it waits instead.
#[derive(Debug)]
pub(super) struct WrappedSession<A> {
    inner: Box<dyn UploadSession>,
    around: A,
}

impl<A: Around> WrappedSession<A> {
    pub(super) fn new(inner: Box<dyn UploadSession>, around: A) -> Self {
        Self { inner, around }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: Around> UploadSession for WrappedSession<A> {
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
        let Self { inner, around } = self;
        let write = inner.write(chunk);
        around.around(&call::UPLOAD_WRITE, once(write)).await
    }

    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry> {
        let Self { inner, around } = *self;
        let finish = inner.finish(computed);
        patiently(&around, &call::UPLOAD_FINISH, finish).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let Self { inner, around } = *self;
        patiently(&around, &call::UPLOAD_ABORT, inner.abort()).await
    }
}
