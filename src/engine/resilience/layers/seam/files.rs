//! Files with a layer around each call, listings and readers item by item.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::connector::{
    Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, ListPage,
    ReadOptions, UploadRequest, UploadSession, UploadToken,
};
use crate::error::{Error, ErrorKind, Result};

use super::around::{Around, once};
use super::call::{self, Call};
use super::patient::patiently;
use super::session::WrappedSession;
use super::wrapped::{Wrapped, held};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: Around> FileStore for Wrapped<A> {
    fn facts(&self) -> &FileFacts {
        &self.facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        match held(self.inner.files()) {
            Ok(files) => through(self.around.clone(), call::FILES_LIST, files.list()),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        let inner = held(self.inner.files())?;
        let make = || inner.stat(path);
        self.around.around(&call::FILES_STAT, make).await
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        let inner = held(self.inner.files())?;
        let make = || inner.read(path, options.clone());
        let opened = self.around.around(&Call::open(&options), make).await?;
        let bytes = through(self.around.clone(), call::FILES_PIECE, opened.bytes);
        Ok(FileReader::new(opened.version, bytes))
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        let inner = held(self.inner.files())?;
        let make = || inner.upload(request.clone());
        let begun = self.around.around(&call::FILES_UPLOAD, make).await?;
        Ok(Box::new(WrappedSession::new(begun, self.around.clone())))
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        let inner = held(self.inner.files())?;
        let make = || inner.resume_upload(token);
        let resumed = self.around.around(&call::FILES_RESUME, make).await?;
        Ok(Box::new(WrappedSession::new(resumed, self.around.clone())))
    }

    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        let inner = held(self.inner.files())?;
        let make = || inner.copy(from, version, to, expect);
        self.around.around(&Call::copy(expect), make).await
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        let inner = held(self.inner.files())?;
        let make = || inner.rename(from, expect, to);
        self.around.around(&call::FILES_RENAME, make).await
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        let inner = held(self.inner.files())?;
        let make = || inner.delete(path, expect);
        self.around.around(&call::FILES_DELETE, make).await
    }

    async fn persist(&self) -> Result<()> {
        let inner = held(self.inner.files())?;
        let make = || inner.persist();
        self.around.around(&call::FILES_PERSIST, make).await
    }
}

/// Leads each item of a stream past the layer. After an error the stream is over, but for refusals of the
/// layer once it has begun: then it waits and goes on, for nobody could take it up where it broke. After
/// the last item nobody is asked for leave to learn that nothing follows.
fn through<A: Around, T: Item>(
    around: A,
    call: Call,
    items: BoxStream<'static, Result<T>>,
) -> BoxStream<'static, Result<T>> {
    stream::unfold(Some((items, false)), move |state| {
        let around = around.clone();
        async move {
            let (mut items, has_begun) = state?;
            let next = Box::pin(async { items.next().await.unwrap_or_else(|| Err(ended())) });
            let answer = if has_begun {
                patiently(&around, &call, next).await
            } else {
                around.around(&call, once(next)).await
            };
            match answer {
                Ok(item) if item.is_last() => Some((Ok(item), None)),
                Ok(item) => Some((Ok(item), Some((items, true)))),
                Err(error) if error.operation() == ENDED => None,
                Err(error) => Some((Err(error), None)),
            }
        }
    })
    .boxed()
}

/// What streams carry.
trait Item: Send + 'static {
    /// Whether it is known that nothing follows.
    fn is_last(&self) -> bool;
}

impl Item for ListPage {
    fn is_last(&self) -> bool {
        self.is_last
    }
}

impl Item for Bytes {
    /// The end of a file is no request of its own, so it costs nothing to ask for it.
    fn is_last(&self) -> bool {
        false
    }
}

/// The operation of the error by which layers see the end of a stream: as a word of our own, for it is
/// no answer of the platform and shows neither that it is well nor how fast it is.
const ENDED: &str = "resilience.end";

fn ended() -> Error {
    Error::new(ErrorKind::Cancelled, ENDED, "the stream is over")
}
