//! The calls that several parts make.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use tokio::sync::OnceCell;

use crate::connector::kit::{Api, BaseUrl, HttpRequest, encode_segment, pages};
use crate::error::{Error, ErrorKind, Result};

use super::config::DriveDeletion;
use super::model::{FIELDS, FilePage, GeneratedIds, Kind, Metadata, Remote};

/// How many ids are asked for at once.
const IDS: &str = "64";

/// How many files a page of a listing has at most, which is the most that Drive gives.
pub(super) const PAGE: &str = "1000";

/// One account's calls.
pub(super) struct Calls {
    pub(super) api: Api,
    pub(super) base: BaseUrl,
    pub(super) upload_base: BaseUrl,
    pub(super) shared_drive: Option<Box<str>>,
    pub(super) deletion: DriveDeletion,
    /// The top folder as it was configured, which may be `root`.
    pub(super) root: Box<str>,
    /// The id of the top folder as others name it.
    pub(super) root_id: OnceCell<Box<str>>,
    /// Ids that Drive has made for files that are not there yet.
    pub(super) spare_ids: Mutex<Vec<Box<str>>>,
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls")
            .field("root", &self.root)
            .field("shared_drive", &self.shared_drive)
            .finish_non_exhaustive()
    }
}

impl Calls {
    /// The address of a call, below `/drive/v3`.
    pub(super) fn at(&self, path: &str) -> String {
        self.base.at(&format!("/drive/v3{path}"))
    }

    /// The address of a file, with `rest` behind it.
    pub(super) fn file_at(&self, id: &str, rest: &str) -> String {
        self.at(&format!("/files/{}{rest}", encode_segment(id)))
    }

    /// Returns the id of the top folder.
    pub(super) async fn root_id(&self) -> Result<&str> {
        let find = || async {
            if &*self.root != "root" {
                return Ok(self.root.clone());
            }
            Ok(self.file("google_drive.root", "root").await?.id)
        };
        self.root_id.get_or_try_init(find).await.map(|id| &**id)
    }

    /// Returns what has this id, in the bin or not.
    pub(super) async fn file(&self, operation: &'static str, id: &str) -> Result<Remote> {
        let request = for_all_drives(HttpRequest::get(self.file_at(id, "")));
        let request = request.query("fields", FIELDS);
        self.api.json(operation, request).await
    }

    /// Changes what is known of a file, but not its bytes.
    pub(super) async fn change(
        &self,
        operation: &'static str,
        id: &str,
        metadata: &Metadata<'_>,
        move_between: Option<(&str, &str)>,
    ) -> Result<Remote> {
        let mut request = for_all_drives(HttpRequest::patch(self.file_at(id, "")));
        if let Some((from, to)) = move_between.filter(|(from, to)| from != to) {
            request = request.query("addParents", to).query("removeParents", from);
        }
        let request = request.query("fields", FIELDS).json(metadata);
        self.api.json(operation, request).await
    }

    /// Removes a file, as the account is told to.
    pub(super) async fn remove(&self, operation: &'static str, id: &str) -> Result<()> {
        match self.deletion {
            DriveDeletion::Permanent => {
                let request = for_all_drives(HttpRequest::delete(self.file_at(id, "")));
                self.api.call(operation, request).await?;
            }
            DriveDeletion::Trash => {
                let metadata = Metadata {
                    trashed: Some(true),
                    ..Metadata::default()
                };
                self.change(operation, id, &metadata, None).await?;
            }
        }
        Ok(())
    }

    /// Removes a file; one that is not there any more is no error.
    pub(super) async fn remove_if_there(&self, operation: &'static str, id: &str) -> Result<()> {
        match self.remove(operation, id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Returns everything for which `query` holds, page by page.
    pub(super) fn search_pages(
        self: &Arc<Self>,
        operation: &'static str,
        query: String,
    ) -> BoxStream<'static, Result<Vec<Remote>>> {
        let calls = Arc::clone(self);
        pages(None, move |page: Option<Box<str>>| {
            let (calls, query) = (Arc::clone(&calls), query.clone());
            async move {
                let page = calls.search_page(operation, &query, page.as_deref());
                let page = page.await?;
                Ok((page.files, page.next_page_token.map(Some)))
            }
        })
    }

    /// Returns everything for which `query` holds.
    pub(super) async fn search(
        self: &Arc<Self>,
        operation: &'static str,
        query: String,
    ) -> Result<Vec<Remote>> {
        let pages = self.search_pages(operation, query);
        pages.try_concat().await
    }

    async fn search_page(
        &self,
        operation: &'static str,
        query: &str,
        page: Option<&str>,
    ) -> Result<FilePage> {
        let mut request = HttpRequest::get(self.at("/files"))
            .query("q", query)
            .query("pageSize", PAGE)
            .query("spaces", "drive")
            .query(
                "fields",
                format!("kind,nextPageToken,incompleteSearch,files({FIELDS})"),
            );
        request = match &self.shared_drive {
            Some(drive) => self
                .in_drive(request)
                .query("corpora", "drive")
                .query("driveId", drive),
            None => for_all_drives(request).query("corpora", "user"),
        };
        if let Some(token) = page {
            request = request.query("pageToken", token);
        }
        let page: FilePage = self.api.json(operation, request).await?;
        if page.incomplete_search {
            // What is left out would look as if it had been deleted.
            let message = "the platform has not looked everywhere";
            return Err(Error::new(ErrorKind::Unavailable, operation, message));
        }
        Ok(page)
    }

    /// Says that a call is about the shared drive, if the account is on one.
    pub(super) fn in_drive(&self, request: HttpRequest) -> HttpRequest {
        let includes = if self.shared_drive.is_some() {
            "true"
        } else {
            "false"
        };
        for_all_drives(request).query("includeItemsFromAllDrives", includes)
    }

    /// Returns an id that no file has yet, so that creating one twice is told.
    pub(super) async fn fresh_id(&self, operation: &'static str) -> Result<Box<str>> {
        if let Some(id) = self.spare().pop() {
            return Ok(id);
        }
        let request = HttpRequest::get(self.at("/files/generateIds"))
            .query("count", IDS)
            .query("space", "drive")
            .query("type", "files");
        let mut made: GeneratedIds = self.api.json(operation, request).await?;
        let first = made.ids.pop().ok_or_else(|| {
            let message = "the platform gave no id for a new file";
            Error::new(ErrorKind::Unexpected, operation, message)
        })?;
        self.spare().append(&mut made.ids);
        Ok(first)
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Box<str>>> {
        let spare = self.spare_ids.lock();
        spare.unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all of one name in a folder.
    pub(super) async fn named(
        self: &Arc<Self>,
        operation: &'static str,
        folder: &str,
        name: &str,
    ) -> Result<Vec<Remote>> {
        let query = format!(
            "'{}' in parents and name = '{}' and trashed = false",
            quoted(folder),
            quoted(name)
        );
        let mut found = self.search(operation, query).await?;
        // Drive's `=` takes upper and lower case for the same; its names do not.
        found.retain(|file| &*file.name == name && !file.trashed);
        Ok(found)
    }
}

/// Says that the caller knows of shared drives.
pub(super) fn for_all_drives(request: HttpRequest) -> HttpRequest {
    request.query("supportsAllDrives", "true")
}

/// Returns which of some files of one name holds it: the oldest of this kind.
pub(super) fn holder(files: Vec<Remote>, kind: Kind) -> Option<Remote> {
    let of_kind = files.into_iter().filter(|file| file.kind() == kind);
    of_kind.min_by_key(Remote::rank)
}

/// Escapes a text between quotes of a query
/// ([search](https://developers.google.com/workspace/drive/api/guides/ref-search-terms)).
pub(super) fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}
