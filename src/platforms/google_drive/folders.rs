//! Folders by path.

use std::sync::Arc;

use async_trait::async_trait;

use crate::connector::FilePath;
use crate::connector::kit::{Folders, HttpRequest};
use crate::error::{ErrorKind, Result};

use super::account::GoogleDrive;
use super::calls::{Calls, for_all_drives, holder, quoted};
use super::model::{FIELDS, FOLDER, Kind, Metadata, Remote};

/// The folders of an account, one level at a time.
#[derive(Debug)]
pub(super) struct DriveFolders(pub(super) Arc<Calls>);

#[async_trait]
impl Folders for DriveFolders {
    async fn find(&self, parent: &str, name: &str) -> Result<Option<Arc<str>>> {
        let found = self.0.named("google_drive.folder", parent, name).await?;
        Ok(holder(found, Kind::Folder).map(|folder| folder.id.into()))
    }

    async fn make(&self, parent: &str, name: &str) -> Result<Arc<str>> {
        let operation = "google_drive.make_folder";
        let calls = &self.0;
        let id = calls.fresh_id(operation).await?;
        let metadata = Metadata {
            id: Some(&id),
            name: Some(name),
            parents: Some([parent]),
            mime_type: Some(FOLDER),
            ..Metadata::default()
        };
        let request = for_all_drives(HttpRequest::post(calls.at("/files")));
        let request = request.query("fields", FIELDS).json(&metadata);
        let made: Remote = calls.api.json(operation, request).await?;
        let mut all = calls.named(operation, parent, name).await?;
        if all.iter().all(|folder| folder.id != made.id) {
            all.push(made);
        }
        let Some(keeper) = holder(all, Kind::Folder) else {
            return Ok(id.into());
        };
        if keeper.id != id {
            // Somebody else made one in the same moment. Ours goes, unless something is in it already.
            let query = format!("'{}' in parents and trashed = false", quoted(&id));
            if calls.search(operation, query).await?.is_empty() {
                calls.remove_if_there(operation, &id).await?;
            }
        }
        Ok(keeper.id.into())
    }
}

impl GoogleDrive {
    /// Returns all of the name of `path` in its folder; nothing if the folder is not there.
    pub(super) async fn all_at(
        &self,
        operation: &'static str,
        path: &FilePath,
    ) -> Result<Vec<Remote>> {
        let Some(folder) = self.folders.find(path.parent()).await? else {
            return Ok(Vec::new());
        };
        match self.calls.named(operation, &folder, path.name()).await {
            // The folder was deleted for good since it was found.
            Err(error) if error.kind() == ErrorKind::NotFound && path.parent().is_some() => {
                self.forget_folder_of(path);
                Ok(Vec::new())
            }
            found => found,
        }
    }

    /// Returns the file at a path.
    pub(super) async fn at(
        &self,
        operation: &'static str,
        path: &FilePath,
    ) -> Result<Option<Remote>> {
        let found = self.all_at(operation, path).await?;
        Ok(holder(found, Kind::Content))
    }

    pub(super) fn forget_folder_of(&self, path: &FilePath) {
        if let Some(folder) = path.parent() {
            // What is wrong may be any folder on the way down.
            let top = folder.split('/').next().unwrap_or(folder);
            self.folders.forget(top);
        }
    }
}
