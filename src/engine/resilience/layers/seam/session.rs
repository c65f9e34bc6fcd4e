//! An upload with a layer around each call.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;

use crate::connector::{FileEntry, Hashes, UploadSession, UploadToken};
use crate::error::{Error, ErrorKind, Result};

use super::around::{Around, once};
use super::call;
use super::patient::patiently;

/// An upload session whose calls go through an [`Around`].
///
/// Its end takes the session along, so no layer can refuse it for good: it waits instead.
///
/// Once a write was dropped on its way, be it by a layer that then answers with an error, nobody here knows how
/// much of it has arrived. From then on the session is only good for its token and for being aborted.
#[derive(Debug)]
pub(super) struct WrappedSession<A> {
    inner: Box<dyn UploadSession>,
    around: A,
    /// Whether a write has begun and not ended.
    is_torn: bool,
}

impl<A: Around> WrappedSession<A> {
    pub(super) fn new(inner: Box<dyn UploadSession>, around: A) -> Self {
        Self {
            inner,
            around,
            is_torn: false,
        }
    }

    fn check(&self) -> Result<()> {
        if !self.is_torn {
            return Ok(());
        }
        let message = "a write was given up on its way, so the upload has to be resumed";
        // As a word of our own: it is no answer of the platform.
        Err(Error::new(ErrorKind::Expired, "resilience.upload", message))
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
        self.check()?;
        let Self {
            inner,
            around,
            is_torn,
        } = self;
        let write = Write {
            write: inner.write(chunk),
            is_torn,
        };
        around.around(&call::UPLOAD_WRITE, once(write)).await
    }

    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry> {
        self.check()?;
        let Self { inner, around, .. } = *self;
        let finish = inner.finish(computed);
        patiently(&around, &call::UPLOAD_FINISH, finish).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let Self { inner, around, .. } = *self;
        patiently(&around, &call::UPLOAD_ABORT, inner.abort()).await
    }
}

/// A write that notes whether it has ended.
struct Write<'a, Fut> {
    write: Fut,
    is_torn: &'a mut bool,
}

impl<Fut: Future + Unpin> Future for Write<'_, Fut> {
    type Output = Fut::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        *self.is_torn = true;
        let ended = Pin::new(&mut self.write).poll(context);
        *self.is_torn = ended.is_pending();
        ended
    }
}
