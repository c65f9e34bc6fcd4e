//! An upload after which the file is asked about anew.

use async_trait::async_trait;
use bytes::Bytes;

use crate::connector::{FileEntry, FilePath, Hashes, UploadSession, UploadToken};
use crate::error::Result;

use super::account::MetadataCache;

/// An upload through a [`MetadataCache`].
#[derive(Debug)]
pub(super) struct Session {
    inner: Box<dyn UploadSession>,
    written: Written,
}

/// Forgets the file when it is dropped, which is after the call that may have made it appear.
#[derive(Debug)]
struct Written {
    near: MetadataCache,
    /// Where it was to be. Not known of an upload that goes on from before; any file may be it.
    asked: Option<FilePath>,
    /// Where it is, once that is known: not every account says the same.
    found: Option<FilePath>,
}

impl Session {
    pub(super) fn new(
        inner: Box<dyn UploadSession>,
        near: MetadataCache,
        path: Option<FilePath>,
    ) -> Self {
        let written = Written {
            near,
            asked: path,
            found: None,
        };
        Self { inner, written }
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let paths = [&self.asked, &self.found];
        if paths.iter().all(|path| path.is_none()) {
            self.near.forget_all();
        }
        for path in paths.into_iter().flatten() {
            self.near.forget(path);
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
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
        self.inner.write(chunk).await
    }

    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry> {
        let Self { inner, mut written } = *self;
        let entry = inner.finish(computed).await?;
        // Only now is it known which file went on from before.
        written.found = Some(entry.path.clone());
        Ok(entry)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
