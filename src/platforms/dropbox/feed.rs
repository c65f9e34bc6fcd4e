//! The feed of changes, and waiting for one
//! ([detecting changes](https://developers.dropbox.com/detecting-changes-guide)).

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::connector::{
    Change, ChangeCursor, ChangeFeed, ChangePage, FilePath, SkipReason, Skipped,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::Dropbox;
use super::calls::Answer;
use super::list::skipped;
use super::model::{Cursor, CursorArg, ListArg, Listed, Metadata, Remote};
use super::place::At;

const OPERATION: &str = "dropbox.changes";

/// How many digits of its account and folder a cursor begins with.
const MARK: usize = 16;

/// What came of waiting for a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DropboxNews {
    /// Whether something changed after the cursor: follow the feed.
    pub changed: bool,
    /// How long Dropbox asks not to be waited on again.
    pub backoff: Option<Duration>,
}

#[derive(Debug, Serialize)]
struct WaitArg<'a> {
    cursor: &'a str,
    timeout: u64,
}

#[derive(Debug, Deserialize)]
struct Waited {
    changes: bool,
    #[serde(default)]
    backoff: Option<u64>,
}

/// What a page of the feed comes to.
#[derive(Debug, Default)]
struct Told {
    changes: Vec<Change>,
    /// Folders that were told anew with all below them, each with a `/` at its end.
    renewed: Vec<String>,
}

#[async_trait]
impl ChangeFeed for Dropbox {
    async fn start(&self) -> Result<ChangeCursor> {
        let mark = self.mark().await?;
        let route = "files/list_folder/get_latest_cursor";
        let arg = ListArg::below(&self.top.path);
        let now: Cursor = self.calls.call(OPERATION, route, &arg).await?;
        Ok(ChangeCursor::new(format!("{mark}.{}", now.cursor)))
    }

    async fn changes(&self, cursor: &ChangeCursor) -> Result<ChangePage> {
        let mark = self.mark().await?;
        let own = own_part(cursor, &mark)?;
        let arg = CursorArg { cursor: own };
        let route = "files/list_folder/continue";
        let page: Answer<Listed> = match self.calls.ask(OPERATION, route, &arg).await {
            // A cursor that cannot even be read is refused in another way.
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                return Err(expired().with_source(error));
            }
            page => page?,
        };
        let page = page.map_err(|fault| match fault.kind() {
            // The folder itself may be gone: a listing then says so.
            ErrorKind::Expired | ErrorKind::NotFound => {
                expired().with_source(fault.into_error(OPERATION))
            }
            _ => fault.into_error(OPERATION),
        })?;
        if page.has_more && *page.cursor == *own {
            let message = "the platform's feed goes in a circle";
            return Err(Error::new(ErrorKind::Unavailable, OPERATION, message));
        }
        let mut told = Told::default();
        for entry in page.entries {
            self.tell(&mut told, entry).await?;
        }
        let next = ChangeCursor::new(format!("{mark}.{}", page.cursor));
        Ok(ChangePage::new(told.changes, next, page.has_more))
    }
}

impl Dropbox {
    /// Waits until something changes after `cursor`, one of the [feed](ChangeFeed) of this account and folder, or until the
    /// time is over: 30 s to 480 s, to which Dropbox adds up to 90 s by chance. The call carries no credentials.
    ///
    /// # Errors
    /// - [`ErrorKind::Expired`]: Dropbox no longer knows the cursor, or it is another's.
    /// - [`ErrorKind::Timeout`]: the client has less patience; see
    ///   [`waiting_client`](super::DropboxBuilder::waiting_client).
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn wait_for_changes(
        &self,
        cursor: &ChangeCursor,
        timeout: Duration,
    ) -> Result<DropboxNews> {
        let operation = "dropbox.wait_for_changes";
        let mark = self.mark().await?;
        let arg = WaitArg {
            cursor: own_part(cursor, &mark)?,
            timeout: timeout.as_secs().clamp(30, 480),
        };
        let route = "files/list_folder/longpoll";
        let waited: Answer<Waited> = self.calls.wait(operation, route, &arg).await?;
        let waited = waited.map_err(|fault| fault.into_error(operation))?;
        Ok(DropboxNews {
            changed: waited.changes,
            backoff: waited.backoff.map(Duration::from_secs),
        })
    }

    /// What tells the account and the folder of a cursor from others.
    async fn mark(&self) -> Result<String> {
        let account = self.identity(OPERATION).await?;
        let mut hasher = blake3::Hasher::new_derive_key("garland 2026 dropbox cursor");
        let namespace = self.top.namespace.as_deref().unwrap_or_default();
        let folder = self.names().key(&self.top.path);
        for part in [account, namespace, &folder] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let digest = hasher.finalize().to_hex();
        Ok(digest.chars().take(MARK).collect())
    }

    /// Tells an entry of the feed.
    async fn tell(&self, told: &mut Told, entry: Metadata) -> Result<()> {
        match entry {
            Metadata::File(file) => {
                let at = self.local(file.path_display.as_deref());
                told.changes.extend(present(&file, at));
            }
            Metadata::Deleted(place) => match self.local(place.path_display.as_deref()) {
                At::Here(path) if !path.is_internal() => told.changes.push(Change::Gone(path)),
                At::Top => return Err(expired()),
                _ => {}
            },
            Metadata::Folder(place) => match self.local(place.path_display.as_deref()) {
                At::Here(path) if !path.is_internal() => self.renew(told, path).await?,
                _ => {}
            },
            Metadata::Other => {}
        }
        Ok(())
    }

    /// Tells what is in a folder.
    ///
    /// That a file was there before, or another folder with other files, is not told where all of that happened since the
    /// last look. So whatever was there is gone, and what is there now is told anew.
    async fn renew(&self, told: &mut Told, folder: FilePath) -> Result<()> {
        let key = format!("{}/", self.key(&folder));
        if told.renewed.iter().any(|above| key.starts_with(above)) {
            return Ok(());
        }
        let found = self.everything(OPERATION, self.remote(&folder)).await;
        let (files, passed) = match found {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            found => found?.into_parts(),
        };
        told.renewed.push(key);
        told.changes.push(Change::Gone(folder));
        told.changes.extend(files.into_iter().map(Change::Present));
        told.changes.extend(passed.into_iter().map(Change::Skipped));
        Ok(())
    }
}

fn present(file: &Remote, at: At) -> Option<Change> {
    match at {
        At::Here(path) if path.is_internal() => None,
        At::Here(path) => Some(match file.skip() {
            None => Change::Present(file.entry(path)),
            Some(reason) => Change::Skipped(skipped(path.as_str(), reason, file)),
        }),
        At::Nameless(name) => {
            let passed = Skipped::new(name, SkipReason::InvalidName);
            Some(Change::Skipped(passed.with_id(file.id.clone())))
        }
        At::Top | At::Nowhere => None,
    }
}

/// Dropbox's part of a cursor of this account and folder.
fn own_part<'a>(cursor: &'a ChangeCursor, mark: &str) -> Result<&'a str> {
    let parts = cursor.as_str().split_once('.');
    let own = parts.filter(|(of, own)| *of == mark && !own.is_empty());
    own.map(|(_, own)| own).ok_or_else(expired)
}

fn expired() -> Error {
    let message = "the cursor is not known, or is not of this account and folder";
    Error::new(ErrorKind::Expired, OPERATION, message)
}
