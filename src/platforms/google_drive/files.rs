//! The files of an account.

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::connector::kit::{HttpRequest, Uploads};
use crate::connector::{
    Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, ListPage,
    ReadOptions, UploadRequest, UploadSession, UploadToken,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::GoogleDrive;
use super::calls::{for_all_drives, holder};
use super::model::{FIELDS, Kind, Metadata, Remote, written};
use super::upload::DriveUploads;
use super::write::{check, check_there, is_other, missing, taken};

#[async_trait]
impl FileStore for GoogleDrive {
    fn facts(&self) -> &FileFacts {
        &self.facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        self.clone().listing()
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        let found = self.at("google_drive.stat", path).await?;
        Ok(found.map(|file| file.entry(path.clone())))
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        self.open(path, options).await
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        let operation = "google_drive.upload";
        self.check_name(operation, &request.path)?;
        if self
            .facts
            .max_file_size
            .is_some_and(|most| request.size > most)
        {
            let message = "the file is larger than Drive takes";
            return Err(Error::new(ErrorKind::LimitExceeded, operation, message)
                .with_context("path", &request.path)
                .with_context("size", request.size));
        }
        Uploads::new(DriveUploads(self.clone()))
            .begin(request)
            .await
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        Uploads::new(DriveUploads(self.clone())).resume(token).await
    }

    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        let operation = "google_drive.copy";
        self.check_name(operation, to)?;
        let source = self.at(operation, from).await?;
        let source = source.ok_or_else(|| missing(operation, from))?;
        if is_other(version, &source) {
            return Err(changed(operation, from));
        }
        let there = self.at(operation, to).await?;
        check(operation, to, expect, there.as_ref())?;
        if there.as_ref().is_some_and(|there| there.id == source.id) {
            return Ok(Some(source.entry(to.clone())));
        }
        let folder = self.folders.find_or_make(to.parent()).await?;
        let copy = self.copy_into(operation, &source, &folder, to).await?;
        if copy.version().size != source.version().size
            || copy.hashes().contradict(&source.hashes())
        {
            // The source was written to in the last moment.
            self.calls.remove_if_there(operation, &copy.id).await?;
            return Err(changed(operation, from));
        }
        if let Some(there) = there {
            // As long as both are there the older holds the name, so that one of them is always at the path.
            self.calls.remove_if_there(operation, &there.id).await?;
        }
        self.settle(operation, to, expect, &folder, &copy).await?;
        Ok(Some(copy.entry(to.clone())))
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        let operation = "google_drive.rename";
        self.check_name(operation, to)?;
        let there = self.at(operation, from).await?;
        let file = check_there(operation, from, expect, there)?;
        if self.at(operation, to).await?.is_some() {
            return Err(taken(operation, to));
        }
        let folder = self.folders.find_or_make(to.parent()).await?;
        let old = file.parent().unwrap_or_default();
        let moved = self
            .move_to(operation, &file, (old, &folder), to.name())
            .await?;
        let others = self.calls.named(operation, &folder, to.name()).await?;
        let mut others = others.iter().filter(|other| other.kind() == Kind::Content);
        if others.any(|other| other.id != file.id) {
            // Somebody wrote a file there in the same moment; it stays, whichever of the two is older.
            let new = moved.parent().unwrap_or(&folder);
            let back = self.move_to(operation, &moved, (new, old), from.name());
            back.await?;
            return Err(taken(operation, to));
        }
        Ok(moved.entry(to.clone()))
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        let operation = "google_drive.delete";
        let there = self.at(operation, path).await?;
        let file = check_there(operation, path, expect, there)?;
        self.calls.remove(operation, &file.id).await
    }

    /// Drive answers once a file is stored.
    async fn persist(&self) -> Result<()> {
        Ok(())
    }
}

impl GoogleDrive {
    fn check_name(&self, operation: &'static str, path: &FilePath) -> Result<()> {
        if self.facts.names.allows_path(path) {
            return Ok(());
        }
        let message = "a name is longer than is written";
        Err(Error::new(ErrorKind::InvalidInput, operation, message).with_context("path", path))
    }

    async fn copy_into(
        &self,
        operation: &'static str,
        source: &Remote,
        folder: &str,
        to: &FilePath,
    ) -> Result<Remote> {
        let id = self.calls.fresh_id(operation).await?;
        let metadata = Metadata {
            id: Some(&id),
            name: Some(to.name()),
            parents: Some([folder]),
            modified_time: source.version().modified.and_then(written),
            ..Metadata::default()
        };
        let request = HttpRequest::post(self.calls.file_at(&source.id, "/copy"));
        let request = for_all_drives(request)
            .query("fields", FIELDS)
            .json(&metadata);
        self.calls.api.json(operation, request).await
    }

    /// Moves a file between folders under a new name. Its time is written along, so that Drive does not set it.
    async fn move_to(
        &self,
        operation: &'static str,
        file: &Remote,
        between: (&str, &str),
        name: &str,
    ) -> Result<Remote> {
        let metadata = Metadata {
            name: Some(name),
            modified_time: file.version().modified.and_then(written),
            ..Metadata::default()
        };
        let (old, new) = between;
        let root = self.calls.root_id().await?;
        let new = if new == &*self.calls.root { root } else { new };
        let moved = self
            .calls
            .change(operation, &file.id, &metadata, Some((old, new)));
        moved.await
    }

    /// Returns the file, the document or the folder at a path, in this order.
    pub(super) async fn any_at(
        &self,
        operation: &'static str,
        path: &FilePath,
    ) -> Result<Option<Remote>> {
        let all = self.all_at(operation, path).await?;
        let kinds = [Kind::Content, Kind::Native, Kind::Folder];
        Ok(kinds.into_iter().find_map(|kind| holder(all.clone(), kind)))
    }
}

pub(super) fn changed(operation: &'static str, path: &FilePath) -> Error {
    let message = "another version is there";
    Error::new(ErrorKind::Changed, operation, message).with_context("path", path)
}
