//! The files of a sealed account.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::connector::{
    Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, ListPage,
    ReadOptions, UploadRequest, UploadSession, UploadToken,
};
use crate::error::Result;

use super::account::SealedConnector;
use super::place::foreign;
use super::{listing, read, resume, upload};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FileStore for SealedConnector {
    fn facts(&self) -> &FileFacts {
        &self.place.facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        listing::list(Arc::clone(&self.place))
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        let place = &*self.place;
        let object = place.object(path).await?;
        let Some(entry) = place.files()?.stat(&object).await? else {
            return Ok(None);
        };
        let Some(found) = place.owner(path).await? else {
            return match place.files()?.stat(&object).await? {
                Some(_) => Err(foreign(path)),
                // It went between two looks.
                None => Ok(None),
            };
        };
        let spelled = place.spelled(&entry.path, path).await?;
        let secrets = place.secrets().await?;
        Ok(Some(place.entry(spelled, &entry.version, &found, secrets)))
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        read::read(&self.place, path, options)
            .await
            .map_err(|error| error.with_context("file", path))
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        upload::begin(&self.place, request).await
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        resume::resume(&self.place, token).await
    }

    async fn copy(
        &self,
        _from: &FilePath,
        _version: &FileVersion,
        _to: &FilePath,
        _expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        Ok(None)
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        self.place.rename(from, expect, to).await
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        self.place.delete(path, expect).await
    }

    async fn persist(&self) -> Result<()> {
        self.place.files()?.persist().await
    }
}
