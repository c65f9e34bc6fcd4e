//! Calls that the others are made of.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use lru::LruCache;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::connector::kit::{Api, BaseUrl, HttpAnswer, HttpRequest, encode_path};
use crate::connector::{FileEntry, FilePath, FileVersion};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Chance;

use super::config::WebDavProfile;
use super::error::inner_fault;
use super::xml::{Told, multistatus};

/// Where unfinished uploads lie.
const UPLOADS: &str = ".garland/uploads";

/// How many folders are remembered as being there.
const FOLDERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(8_191);

/// How many paths can be written to at the same moment without waiting for each other, as long as they fall apart.
const TURNS: usize = 64;

const STANDARD: &str = r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:"><d:prop><d:resourcetype/><d:getcontentlength/><d:getlastmodified/><d:getetag/><d:getcontenttype/></d:prop></d:propfind>"#;

const CLOUD: &str = r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:resourcetype/><d:getcontentlength/><d:getlastmodified/><d:getetag/><d:getcontenttype/><oc:fileid/><oc:checksums/></d:prop></d:propfind>"#;

const ROOM: &str = r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:"><d:prop><d:resourcetype/><d:quota-available-bytes/></d:prop></d:propfind>"#;

/// An account's way to its server.
pub(super) struct Dav {
    pub(super) api: Api,
    /// The top of the account.
    pub(super) base: BaseUrl,
    /// The segments of its path, decoded.
    top: Vec<Vec<u8>>,
    pub(super) profile: WebDavProfile,
    pub(super) is_deep: bool,
    pub(super) listings: usize,
    /// Where shares are made.
    pub(super) shares: Option<BaseUrl>,
    /// Where the top of the account is among the files of its user.
    pub(super) folder: Option<FilePath>,
    chance: Chance,
    folders: Mutex<LruCache<String, ()>>,
    turns: Vec<Semaphore>,
    /// Folders are made one after the other: some servers lock what two make at once.
    making: Semaphore,
}

/// What is at a path.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    Nothing,
    Folder,
    File(Box<SeenFile>),
}

#[derive(Clone, Debug)]
pub(super) struct SeenFile {
    pub(super) entry: FileEntry,
    /// The `ETag` for conditions.
    pub(super) etag: Option<String>,
}

impl Seen {
    pub(super) fn file(self) -> Option<SeenFile> {
        match self {
            Self::File(file) => Some(*file),
            Self::Nothing | Self::Folder => None,
        }
    }
}

impl Dav {
    pub(super) fn new(
        api: Api,
        base: BaseUrl,
        profile: WebDavProfile,
        is_deep: bool,
        listings: usize,
        chance: Chance,
    ) -> Self {
        let segments = base.path().split('/').filter(|part| !part.is_empty());
        let top = segments.map(|part| percent_encoding::percent_decode_str(part).collect());
        Self {
            top: top.collect(),
            api,
            base,
            profile,
            is_deep,
            listings,
            shares: None,
            folder: None,
            chance,
            folders: Mutex::new(LruCache::new(FOLDERS)),
            turns: std::iter::repeat_with(|| Semaphore::new(1))
                .take(TURNS)
                .collect(),
            making: Semaphore::new(1),
        }
    }

    pub(super) fn with_shares(mut self, at: Option<BaseUrl>, folder: Option<FilePath>) -> Self {
        self.shares = at;
        self.folder = folder;
        self
    }

    /// The address of a file.
    pub(super) fn url(&self, path: &FilePath) -> String {
        self.base.at(&format!("/{}", encode_path(path)))
    }

    /// The address of a folder; of the top one without a path.
    fn folder_url(&self, folder: Option<&FilePath>) -> String {
        folder.map_or_else(
            || self.base.at("/"),
            |folder| format!("{}/", self.url(folder)),
        )
    }

    /// A new name.
    pub(super) fn name(&self) -> String {
        format!("{:016x}{:016x}", self.chance.word(), self.chance.word())
    }

    /// A path for a file on its way.
    pub(super) fn temp(&self) -> Result<FilePath> {
        FilePath::parse(format!("{UPLOADS}/{}", self.name()))
    }

    /// Makes the folder for files on their way.
    pub(super) async fn ensure_uploads(&self) -> Result<()> {
        self.ensure_folder(&FilePath::parse(UPLOADS)?)
            .await
            .map(|_| ())
    }

    /// Waits until nobody else here puts something at this path. What a server promises of `Overwrite: F` is too often a
    /// look before the move.
    pub(super) async fn turn(&self, path: &FilePath) -> Option<SemaphorePermit<'_>> {
        let hash = path.as_str().bytes().fold(0_usize, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        let turn = self.turns.get(hash % TURNS)?;
        // It is never closed.
        turn.acquire().await.ok()
    }

    /// Tells of the top folder itself, its room included; `None` if it is not there.
    pub(super) async fn top(&self, operation: &'static str) -> Result<Option<Told>> {
        let request = HttpRequest::new("PROPFIND", self.folder_url(None))
            .header("depth", "0")
            .body("application/xml; charset=utf-8", ROOM);
        let answer = self.api.call(operation, request).await?;
        Ok(self.told(operation, answer).await?.into_iter().next())
    }

    /// Tells of what is in a folder, and below it where the server goes deep; itself included.
    pub(super) async fn list(&self, folder: Option<&FilePath>, depth: &str) -> Result<Vec<Told>> {
        let operation = "webdav.list";
        let request = self.propfind(self.folder_url(folder), depth);
        let answer = self.api.call(operation, request).await?;
        self.told(operation, answer).await
    }

    fn propfind(&self, url: String, depth: &str) -> HttpRequest {
        let wanted = if self.profile.is_cloud() {
            CLOUD
        } else {
            STANDARD
        };
        HttpRequest::new("PROPFIND", url)
            .header("depth", depth)
            .body("application/xml; charset=utf-8", wanted)
    }

    async fn told(&self, operation: &'static str, answer: HttpAnswer) -> Result<Vec<Told>> {
        let status = answer.status();
        if status != 207 {
            let message = "the server does not answer as WebDAV does";
            return Err(Error::new(ErrorKind::Unavailable, operation, message)
                .with_context("status", status));
        }
        let body = answer.bytes().await?;
        multistatus(&body).map_err(|error| error.with_context("of", operation))
    }

    /// What follows the folder in the path of what was told; `None` if it does not lie in there.
    pub(super) fn below<'a>(
        &self,
        folder: Option<&FilePath>,
        told: &'a Told,
    ) -> Option<&'a [Vec<u8>]> {
        let mut rest = told.segments.as_slice();
        let own = self.top.iter().map(Vec::as_slice);
        let names = folder.into_iter().flat_map(FilePath::components);
        for expected in own.chain(names.map(str::as_bytes)) {
            let (first, others) = rest.split_first()?;
            if first != expected {
                return None;
            }
            rest = others;
        }
        Some(rest)
    }

    /// Looks at what is at a path.
    pub(super) async fn look(&self, operation: &'static str, path: &FilePath) -> Result<Seen> {
        match self.look_once(operation, path).await {
            // Apache's word for what would lie in a file.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Denied) => {
                match path.parent() {
                    Some(parent) => {
                        let parent = FilePath::parse(parent.to_owned())?;
                        match Box::pin(self.look(operation, &parent)).await? {
                            Seen::Folder => Err(error),
                            Seen::Nothing | Seen::File(_) => Ok(Seen::Nothing),
                        }
                    }
                    None => Err(error),
                }
            }
            other => other,
        }
    }

    async fn look_once(&self, operation: &'static str, path: &FilePath) -> Result<Seen> {
        let request = self.propfind(self.url(path), "0");
        let also = [301, 302, 307, 308, 404];
        let answer = self.api.call_for(operation, request, &also).await?;
        match answer.status() {
            404 => return Ok(Seen::Nothing),
            // Some send to the same address with a slash at its end.
            300..=399
                if answer
                    .header("location")
                    .is_some_and(|to| to.ends_with('/')) =>
            {
                return Ok(Seen::Folder);
            }
            300..=399 => {
                let message = "the server sends the call elsewhere, where it does not go";
                return Err(Error::new(ErrorKind::Refused, operation, message));
            }
            _ => {}
        }
        let told = self.told(operation, answer).await?;
        let Some(told) = told.into_iter().next() else {
            return Ok(Seen::Nothing);
        };
        if told.status == Some(404) {
            return Ok(Seen::Nothing);
        }
        if let Some(error) = inner_fault(std::slice::from_ref(&told), operation) {
            return Err(error.with_context("path", path));
        }
        if told.is_folder {
            return Ok(Seen::Folder);
        }
        let etag = told.etag.clone();
        let Some(entry) = entry(path.clone(), told) else {
            let message = "the server does not tell how long the file is";
            return Err(
                Error::new(ErrorKind::Unexpected, operation, message).with_context("path", path)
            );
        };
        Ok(Seen::File(Box::new(SeenFile { entry, etag })))
    }

    /// Makes a folder and all above it, where they are missing; tells whether it had to be looked at.
    ///
    /// A file in the way is [`ErrorKind::AlreadyExists`].
    pub(super) async fn ensure_folder(&self, folder: &FilePath) -> Result<bool> {
        if self.folders().get(folder.as_str()).is_some() {
            return Ok(false);
        }
        let _turn = self.making.acquire().await.ok();
        // Somebody may have made it meanwhile.
        if self.folders().get(folder.as_str()).is_some() {
            return Ok(true);
        }
        let (mut at, mut missing) = (folder.clone(), Vec::new());
        while let Some(error) = self.make_folder(&at).await? {
            let Some(parent) = at.parent() else {
                return Err(error);
            };
            let parent = FilePath::parse(parent.to_owned())?;
            missing.push(at);
            at = parent;
        }
        for at in missing.iter().rev() {
            if let Some(error) = self.make_folder(at).await? {
                return Err(error);
            }
        }
        self.folders().put(folder.as_str().to_owned(), ());
        Ok(true)
    }

    /// Makes a folder or finds it there; otherwise returns why not, which may be that the one above is missing.
    async fn make_folder(&self, at: &FilePath) -> Result<Option<Error>> {
        let operation = "webdav.make_folder";
        let request = HttpRequest::new("MKCOL", self.folder_url(Some(at)));
        let error = match self.act(operation, request, &[]).await {
            Ok(_) => return Ok(None),
            Err(error) => error,
        };
        let is_passing = matches!(
            error.kind(),
            ErrorKind::Unauthenticated
                | ErrorKind::RateLimited
                | ErrorKind::Timeout
                | ErrorKind::Full
                | ErrorKind::Locked
        );
        if is_passing {
            return Err(error);
        }
        // Servers agree neither on what they call a folder that is there, nor on one that has no place.
        match self.look(operation, at).await? {
            Seen::Folder => Ok(None),
            Seen::File(_) => {
                let message = "a file is where a folder should be";
                Err(Error::new(ErrorKind::AlreadyExists, operation, message)
                    .with_context("path", at))
            }
            Seen::Nothing => Ok(Some(error)),
        }
    }

    /// Believes no more that the folder of a file is there.
    pub(super) fn forget_folder_of(&self, path: &FilePath) {
        if let Some(folder) = path.parent() {
            self.folders().pop(folder);
        }
    }

    /// Makes the folder of a file again, if it was only believed to be there; tells whether a second try makes sense.
    pub(super) async fn ensure_folder_of(&self, path: &FilePath) -> Result<bool> {
        let Some(folder) = path.parent() else {
            return Ok(false);
        };
        let folder = FilePath::parse(folder.to_owned())?;
        self.forget_folder_of(path);
        self.ensure_folder(&folder).await
    }

    /// Makes a call that changes something, and reads what it did if it was not all.
    pub(super) async fn act(
        &self,
        operation: &'static str,
        request: HttpRequest,
        also: &[u16],
    ) -> Result<HttpAnswer> {
        // Source: RFC 4918 §9: what makes or moves something is answered by 201, 204 or 207.
        let may_say_ok = !matches!(request.method(), "MKCOL" | "MOVE" | "COPY");
        let answer = self.api.call_for(operation, request, also).await?;
        let media_type = answer.header("content-type").unwrap_or_default();
        let is_page = media_type.starts_with("text/html") || !may_say_ok;
        if answer.status() == 200 && is_page {
            // No server says that; a gateway that wants somebody to sign in does.
            let message = "the server does not answer as WebDAV does";
            return Err(Error::new(ErrorKind::Unavailable, operation, message));
        }
        if answer.status() != 207 {
            return Ok(answer);
        }
        let told = self.told(operation, answer).await?;
        match inner_fault(&told, operation) {
            Some(error) => Err(error),
            None => {
                let message = "the server did a part of it only";
                Err(Error::new(ErrorKind::Unexpected, operation, message))
            }
        }
    }

    /// Writes content that lies in memory, in one call.
    pub(super) async fn put(
        &self,
        operation: &'static str,
        request: HttpRequest,
        media_type: Option<&str>,
        content: Bytes,
        also: &[u16],
    ) -> Result<HttpAnswer> {
        let media_type = media_type.unwrap_or("application/octet-stream");
        self.act(operation, request.body(media_type, content), also)
            .await
    }

    /// Removes a file on its way. That it is not there is no error.
    pub(super) async fn remove_temp(&self, temp: &FilePath) -> Result<()> {
        let request = HttpRequest::delete(self.url(temp));
        self.act("webdav.abort", request, &[404]).await.map(|_| ())
    }

    fn folders(&self) -> MutexGuard<'_, LruCache<String, ()>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Dav {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dav")
            .field("base", &self.base)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// The entry of a file; `None` if its size was not told.
pub(super) fn entry(path: FilePath, told: Told) -> Option<FileEntry> {
    let mut version = FileVersion::new(told.size?).with_modified(told.modified);
    if let Some(revision) = told.revision() {
        version = version.with_revision(revision);
    }
    if let Some(id) = told.id {
        version = version.with_id(id);
    }
    let mut entry = FileEntry::new(path, version.with_hashes(told.hashes));
    entry.media_type = told.media_type.map(Into::into);
    Some(entry)
}
