//! What changed on a sealed account, in the names that it has here.

use async_trait::async_trait;

use crate::connector::{Change, ChangeCursor, ChangeFeed, ChangePage, FilePath};
use crate::error::{Error, ErrorKind, Result};

use super::account::SealedConnector;
use super::listing::passed_over;
use super::place::Secrets;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChangeFeed for SealedConnector {
    async fn start(&self) -> Result<ChangeCursor> {
        self.feed()?.start().await
    }

    async fn changes(&self, cursor: &ChangeCursor) -> Result<ChangePage> {
        let page = self.feed()?.changes(cursor).await?;
        let secrets = self.place.secrets().await?;
        let mut changes = Vec::with_capacity(page.changes.len());
        for change in page.changes {
            changes.extend(self.translate(change, secrets).await?);
        }
        Ok(ChangePage::new(changes, page.next, page.more))
    }
}

impl SealedConnector {
    fn feed(&self) -> Result<&dyn ChangeFeed> {
        self.place.account.changes().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "sealed.changes",
                "the account has no feed of changes",
            )
        })
    }

    async fn translate(&self, change: Change, secrets: &Secrets) -> Result<Option<Change>> {
        match change {
            Change::Present(entry) => {
                let path = secrets.names.file(&entry.path);
                let Some(path) = path.filter(|path| !path.is_internal()) else {
                    return Ok(None);
                };
                let file = self.place.owner(&path).await?;
                Ok(file.map(|file| {
                    Change::Present(self.place.entry(path, &entry.version, &file, secrets))
                }))
            }
            Change::Gone(object) => match secrets.names.file(&object) {
                Some(path) => Ok(Some(Change::Gone(path))),
                None => self.folder_gone(&object, secrets).await,
            },
            Change::Skipped(skipped) => Ok(Some(Change::Skipped(passed_over(&skipped, secrets)))),
            // Ids are those of the account.
            Change::GoneById(id) => Ok(Some(Change::GoneById(id))),
        }
    }

    /// Something is gone that was no object of ours: a foreign file, or a folder.
    async fn folder_gone(&self, object: &FilePath, secrets: &Secrets) -> Result<Option<Change>> {
        let Some(folder) = secrets.names.folder(object) else {
            return Ok(None);
        };
        // "Gone" would be said of a file of that name too, which is still there.
        if self.place.book.get(&folder).await?.is_some() {
            return Err(Error::new(
                ErrorKind::Expired,
                "sealed.changes",
                "only a listing tells what has become of the files below a folder",
            )
            .with_context("folder", folder));
        }
        Ok(Some(Change::Gone(folder)))
    }
}
