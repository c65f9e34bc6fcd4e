//! The files of an account.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::connector::{
    Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, ListPage,
    ReadOptions, UploadRequest, UploadSession, UploadToken,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::WebDav;
use super::config::WebDavProfile;
use super::list::list;
use super::session::Session;

impl WebDav {
    fn check_name(&self, operation: &'static str, path: &FilePath) -> Result<()> {
        if self.facts.names.allows_path(path) {
            return Ok(());
        }
        let message = "the server does not take such a name";
        Err(Error::new(ErrorKind::InvalidInput, operation, message).with_context("path", path))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FileStore for WebDav {
    fn facts(&self) -> &FileFacts {
        &self.facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        list(Arc::clone(&self.dav))
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        let seen = self.dav.look("webdav.stat", path).await?;
        Ok(seen.file().map(|file| file.entry))
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        self.open(path, options).await
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        self.check_name("webdav.upload", &request.path)?;
        match &self.uploads {
            Some(uploads) => uploads.begin(request).await,
            None => Ok(Box::new(Session::new(self.clone(), request)?)),
        }
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        match &self.uploads {
            Some(uploads) => uploads.resume(token).await,
            None => {
                let message = "this server cannot go on with an upload";
                Err(Error::new(
                    ErrorKind::InvalidInput,
                    "webdav.resume_upload",
                    message,
                ))
            }
        }
    }

    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        // Its copies get a time of their own, and no call gives them another.
        if self.dav.profile == WebDavProfile::Rclone {
            return Ok(None);
        }
        self.check_name("webdav.copy", to)?;
        self.duplicate(from, version, to, expect).await.map(Some)
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        self.check_name("webdav.rename", to)?;
        self.shift_file(from, expect, to).await
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        self.remove(path, expect).await
    }

    async fn persist(&self) -> Result<()> {
        // An answer is all that a server says of it.
        Ok(())
    }
}
