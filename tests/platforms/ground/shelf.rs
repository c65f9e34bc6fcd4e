//! A small platform with a connector to it, sound or careless, to try the bad days on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use garland::connector::kit::{Api, BaseUrl, HttpRequest, encode_segment};
use garland::connector::{
    AuthKind, Category, ChunkRules, Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore,
    FileVersion, Hashes, Health, ListPage, Platform, PlatformConnector, ReadOptions, UploadRequest,
    UploadSession, UploadToken,
};
use garland::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::support::{Server, hasty, serve};

static PLATFORM: Platform = Platform::new("shelf", "Shelf", Category::Cloud, AuthKind::None);
/// How many files a page of a listing has.
const PAGE: usize = 1;

type Files = Arc<Mutex<BTreeMap<String, (Bytes, u64)>>>;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Row {
    path: String,
    size: u64,
    revision: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Page {
    rows: Vec<Row>,
    next: Option<String>,
}

/// Serves the platform.
pub(super) async fn shelf() -> Server {
    let file = get(read).put(write).delete(remove);
    let routes = Router::new()
        .route("/rows", get(rows))
        .route("/rows/{path}", get(row))
        .route("/files/{path}", file)
        .with_state(Files::default());
    serve(routes).await
}

fn told(path: &str, (content, revision): &(Bytes, u64)) -> Row {
    Row {
        path: path.to_owned(),
        size: content.len() as u64,
        revision: revision.to_string(),
    }
}

async fn rows(
    State(files): State<Files>,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Json<Page> {
    let files = files.lock().unwrap();
    let after = asked.get("after").cloned().unwrap_or_default();
    let later = files.iter().filter(|(path, _)| **path > after);
    let rows: Vec<_> = later
        .take(PAGE)
        .map(|(path, file)| told(path, file))
        .collect();
    let next = rows.last().map(|row| row.path.clone());
    Json(Page { rows, next })
}

async fn row(State(files): State<Files>, Path(path): Path<String>) -> Response {
    match files.lock().unwrap().get(&path) {
        Some(file) => Json(told(&path, file)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn read(State(files): State<Files>, Path(path): Path<String>) -> Response {
    match files.lock().unwrap().get(&path) {
        Some((content, revision)) => {
            ([("etag", revision.to_string())], content.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn write(State(files): State<Files>, Path(path): Path<String>, content: Bytes) -> Json<Row> {
    let mut files = files.lock().unwrap();
    let revision = files.get(&path).map_or(1, |(_, revision)| revision + 1);
    let file = (content, revision);
    let row = told(&path, &file);
    files.insert(path, file);
    Json(row)
}

async fn remove(State(files): State<Files>, Path(path): Path<String>) -> Response {
    match files.lock().unwrap().remove(&path) {
        Some(file) => Json(told(&path, &file)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A connector to it. A careless one takes any good status for the deed, and does not look at what it reads.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    api: Api,
    base: BaseUrl,
    facts: FileFacts,
    is_careless: bool,
}

impl Shelf {
    pub(super) fn new(address: &str, is_careless: bool) -> Self {
        Self {
            api: Api::new("shelf", hasty()),
            base: address.parse().unwrap(),
            facts: FileFacts::default().with_chunks(ChunkRules::new(1, 1, 1 << 20, 1 << 20)),
            is_careless,
        }
    }

    fn url(&self, area: &str, path: &FilePath) -> String {
        self.base
            .at(&format!("/{area}/{}", encode_segment(path.as_str())))
    }

    async fn page(&self, after: Option<String>) -> Result<(ListPage, Option<String>)> {
        let request = HttpRequest::get(self.base.at("/rows"));
        let request = request.query("after", after.as_deref().unwrap_or_default());
        let page: Page = self.api.json("files.list", request).await?;
        if after.is_some() && page.next == after {
            let message = "the listing goes in a circle";
            return Err(Error::new(ErrorKind::Unexpected, "files.list", message));
        }
        let entries = page
            .rows
            .into_iter()
            .map(Row::entry)
            .collect::<Result<_>>()?;
        Ok((ListPage::new(entries), page.next))
    }
}

impl Row {
    fn entry(self) -> Result<FileEntry> {
        let version = FileVersion::new(self.size).with_revision(self.revision);
        Ok(FileEntry::new(FilePath::parse(self.path)?, version))
    }
}

#[async_trait]
impl PlatformConnector for Shelf {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    async fn check(&self) -> Result<Health> {
        Ok(Health::Healthy)
    }

    fn files(&self) -> Option<&dyn FileStore> {
        Some(self)
    }
}

#[async_trait]
impl FileStore for Shelf {
    fn facts(&self) -> &FileFacts {
        &self.facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        let begin = Some((self.clone(), None));
        stream::unfold(begin, |state| async move {
            let (shelf, after) = state?;
            match shelf.page(after).await {
                Ok((page, Some(next))) => Some((Ok(page), Some((shelf, Some(next))))),
                Ok((page, None)) => Some((Ok(page), None)),
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        let request = HttpRequest::get(self.url("rows", path));
        match self.api.json::<Row>("files.stat", request).await {
            Ok(row) => row.entry().map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        let request = HttpRequest::get(self.url("files", path));
        let answer = self.api.call("files.read", request).await?;
        let length = answer.content_length();
        let Some(revision) = answer.header("etag").map(str::to_owned) else {
            if self.is_careless {
                let version = FileVersion::new(length.unwrap_or(0));
                return Ok(FileReader::new(version, answer.into_stream(None)));
            }
            let message = "the answer is of no version";
            return Err(Error::new(ErrorKind::Unavailable, "files.read", message));
        };
        let version = FileVersion::new(length.unwrap_or(0)).with_revision(revision);
        let other = options
            .version
            .is_some_and(|own| own.size != version.size || own.revision != version.revision);
        if other && !self.is_careless {
            let message = "another version is there";
            return Err(Error::new(ErrorKind::Changed, "files.read", message));
        }
        Ok(FileReader::new(version, answer.into_stream(length)))
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        Ok(Box::new(Session {
            shelf: self.clone(),
            request,
            sent: Vec::new(),
        }))
    }

    async fn resume_upload(&self, _: &UploadToken) -> Result<Box<dyn UploadSession>> {
        Err(Error::new(
            ErrorKind::Expired,
            "files.resume",
            "nothing is kept",
        ))
    }

    async fn copy(
        &self,
        _: &FilePath,
        _: &FileVersion,
        _: &FilePath,
        _: &Expect,
    ) -> Result<Option<FileEntry>> {
        Ok(None)
    }

    async fn rename(&self, _: &FilePath, _: &Expect, _: &FilePath) -> Result<FileEntry> {
        Err(Error::new(
            ErrorKind::Unsupported,
            "files.rename",
            "files stay where they are",
        ))
    }

    async fn delete(&self, path: &FilePath, _: &Expect) -> Result<()> {
        let request = HttpRequest::delete(self.url("files", path));
        if self.is_careless {
            return self.api.call("files.delete", request).await.map(drop);
        }
        self.api
            .json::<Row>("files.delete", request)
            .await
            .map(drop)
    }

    async fn persist(&self) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct Session {
    shelf: Shelf,
    request: UploadRequest,
    sent: Vec<u8>,
}

#[async_trait]
impl UploadSession for Session {
    fn offset(&self) -> u64 {
        self.sent.len() as u64
    }

    fn next_chunk(&self) -> u64 {
        self.request.size - self.offset()
    }

    fn token(&self) -> Option<UploadToken> {
        None
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.sent.extend_from_slice(&chunk);
        Ok(())
    }

    async fn finish(self: Box<Self>, _: &Hashes) -> Result<FileEntry> {
        let url = self.shelf.url("files", &self.request.path);
        let request = HttpRequest::put(url).body("application/octet-stream", self.sent);
        if self.shelf.is_careless {
            self.shelf.api.call("files.write", request).await?;
            let version = FileVersion::new(self.request.size);
            return Ok(FileEntry::new(self.request.path, version));
        }
        let row: Row = self.shelf.api.json("files.write", request).await?;
        row.entry()
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
