//! How Nextcloud takes files: small ones in one call, large ones in chunks that it puts together
//! ([chunked upload, version 2](https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/chunking.html)).

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::connector::kit::{BaseUrl, Begun, HttpRequest, UploadProtocol};
use crate::connector::{
    ChunkRules, Expect, FileEntry, FileVersion, HashAlgorithm, Hashes, UploadRequest,
};
use crate::error::{Error, ErrorKind, Result};

use super::calls::{Dav, Seen};
use super::place::{Shift, conflict, exists, may_lack_folder};
use super::session::{named, sha1, with_time};
use super::xml::multistatus;

const SIZES: &str = r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:"><d:prop><d:getcontentlength/></d:prop></d:propfind>"#;

/// Uploads of one account.
#[derive(Debug)]
pub(super) struct Chunked {
    dav: Arc<Dav>,
    /// Where the folders of uploads lie.
    base: BaseUrl,
    rules: ChunkRules,
}

/// What has to be known to go on.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Parts {
    /// The folder of the chunks.
    id: String,
    /// The size of each chunk but the last.
    chunk: u64,
}

impl Chunked {
    pub(super) fn new(dav: Arc<Dav>, base: BaseUrl, rules: ChunkRules) -> Self {
        Self { dav, base, rules }
    }

    /// The address of something in the folder of an upload.
    fn at(&self, parts: &Parts, name: &str) -> Result<String> {
        // A token comes from outside: it must not lead to another folder.
        let is_own = !parts.id.is_empty() && parts.id.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_own || parts.chunk == 0 {
            let message = "not a token of this account";
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "webdav.resume",
                message,
            ));
        }
        Ok(self.base.at(&format!("/{}/{name}", parts.id)))
    }

    /// Every call says where the file is to be, and most how long it is.
    fn about(&self, request: HttpRequest, of: &UploadRequest) -> HttpRequest {
        request
            .header("destination", self.dav.url(&of.path))
            .header("oc-total-length", of.size.to_string())
    }

    /// How many bytes are there from the first chunk on without a gap.
    async fn has(&self, request: &UploadRequest, parts: &Parts) -> Result<u64> {
        let operation = "webdav.resume";
        let propfind = HttpRequest::new("PROPFIND", self.at(parts, "")?)
            .header("depth", "1")
            .body("application/xml; charset=utf-8", SIZES);
        let answer = self.dav.api.call_for(operation, propfind, &[404]).await?;
        if answer.status() == 404 {
            let message = "the server no longer knows the upload";
            return Err(Error::new(ErrorKind::Expired, operation, message));
        }
        let told = multistatus(&answer.bytes().await?)?;
        let sizes: BTreeMap<u64, u64> = told
            .iter()
            .filter_map(|told| {
                let name = std::str::from_utf8(told.segments.last()?).ok()?;
                Some((name.parse().ok()?, told.size?))
            })
            .collect();
        let (mut has, mut number) = (0_u64, 1);
        while has < request.size {
            let whole = parts.chunk.min(request.size.saturating_sub(has));
            if sizes.get(&number) != Some(&whole) {
                break;
            }
            has = has.saturating_add(whole);
            number += 1;
        }
        Ok(has)
    }

    fn same(expected: &FileVersion, now: &FileVersion) -> bool {
        !expected
            .as_ref()
            .changed(now.as_ref(), std::time::Duration::from_secs(1))
    }

    /// The condition under which a file is written, in a header.
    async fn condition(&self, request: &UploadRequest) -> Result<Option<(&'static str, String)>> {
        let operation = "webdav.finish";
        let Expect::Version(expected) = &request.expect else {
            let absent = request.expect == Expect::Absent;
            return Ok(absent.then(|| ("if-none-match", "*".to_owned())));
        };
        let there = self.dav.look(operation, &request.path).await?.file();
        let there = there.filter(|there| Self::same(expected, &there.entry.version));
        let there = there.ok_or_else(|| conflict(operation, &request.path))?;
        Ok(there.etag.map(|etag| ("if-match", etag)))
    }

    async fn put_once(&self, request: &UploadRequest, content: Bytes, sum: &str) -> Result<()> {
        let operation = "webdav.finish";
        let mut put = HttpRequest::put(self.dav.url(&request.path)).header("oc-checksum", sum);
        if let Some((name, value)) = self.condition(request).await? {
            put = put.header(name, value);
        }
        let put = with_time(put, request.modified);
        let media_type = request.media_type.as_deref();
        let answer = self.dav.put(operation, put, media_type, content, &[412]);
        if answer.await?.status() != 412 {
            return Ok(());
        }
        Err(match request.expect {
            Expect::Absent => exists(operation, &request.path),
            _ => conflict(operation, &request.path),
        })
    }

    /// What a refusal means: that the folder is missing, that another thing is in the way, or what it says.
    async fn put_in_folder(
        &self,
        request: &UploadRequest,
        content: Bytes,
        sum: &str,
    ) -> Result<()> {
        let error = match self.put_once(request, content.clone(), sum).await {
            Err(error) if may_lack_folder(&error) => error,
            other => return other,
        };
        if request.expect == Expect::Absent || request.expect == Expect::Anything {
            let there = self.dav.look("webdav.finish", &request.path).await?;
            if matches!(there, Seen::Folder) {
                return Err(exists("webdav.finish", &request.path));
            }
        } else if error.kind() == ErrorKind::Conflict {
            return Err(error);
        }
        if self.dav.ensure_folder_of(&request.path).await? {
            return self.put_once(request, content, sum).await;
        }
        Err(error)
    }
}

/// An upload that is gone is one that has expired.
fn expired(error: Error) -> Error {
    if error.kind() == ErrorKind::NotFound {
        let message = "the server no longer knows the upload";
        return Error::new(ErrorKind::Expired, "webdav.upload", message).with_source(error);
    }
    error
}

#[async_trait]
impl UploadProtocol for Chunked {
    type State = Parts;

    fn account(&self) -> String {
        format!("webdav {}", self.dav.base)
    }

    fn rules(&self) -> ChunkRules {
        self.rules
    }

    fn whole_up_to(&self) -> u64 {
        self.rules.preferred
    }

    fn ends_with_last_chunk(&self) -> bool {
        false
    }

    async fn put(
        &self,
        request: &UploadRequest,
        content: Bytes,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        let operation = "webdav.finish";
        let own = match computed.get(HashAlgorithm::Sha1) {
            Some(_) => computed.clone(),
            None => sha1(&content),
        };
        let sum = named(&own).unwrap_or_default();
        let size = content.len() as u64;
        let _turn = self.dav.turn(&request.path).await;
        if let Err(error) = self.put_in_folder(request, content, &sum).await {
            if !error.is_retryable() {
                return Err(error);
            }
            // The answer may be lost of a file that was written.
            let there = self.dav.look(operation, &request.path).await;
            let there = there.ok().and_then(Seen::file);
            let ours = there.filter(|there| {
                let shared = there
                    .entry
                    .version
                    .hashes
                    .as_ref()
                    .strongest_shared(own.as_ref());
                there.entry.version.size == size && matches!(shared, Some((_, true)))
            });
            return ours.map(|ours| ours.entry).ok_or(error);
        }
        self.dav.appeared(operation, &request.path).await
    }

    async fn begin(&self, request: &UploadRequest) -> Result<Begun<Parts>> {
        let chunk = self.rules.size_for(request.size).ok_or_else(|| {
            let message = "the server takes no file of this size in so many chunks";
            Error::new(ErrorKind::LimitExceeded, "webdav.upload", message)
                .with_context("path", &request.path)
        })?;
        let parts = Parts {
            id: self.dav.name(),
            chunk,
        };
        let make = HttpRequest::new("MKCOL", self.at(&parts, "")?);
        self.dav
            .act("webdav.upload", self.about(make, request), &[])
            .await?;
        Ok(Begun::new(parts).with_chunk(chunk))
    }

    async fn send(
        &self,
        request: &UploadRequest,
        state: &mut Parts,
        at: u64,
        chunk: Bytes,
    ) -> Result<u64> {
        let end = at.saturating_add(chunk.len() as u64);
        let number = (at / state.chunk.max(1)).saturating_add(1);
        let put = HttpRequest::put(self.at(state, &format!("{number:05}"))?);
        let put = self.about(put, request);
        let sent = self.dav.put("webdav.write", put, None, chunk, &[]).await;
        sent.map_err(expired)?;
        Ok(end)
    }

    async fn offset(&self, request: &UploadRequest, state: &mut Parts, _: u64) -> Result<u64> {
        self.has(request, state).await
    }

    async fn commit(
        &self,
        request: &UploadRequest,
        state: &mut Parts,
        _: Option<(u64, Bytes)>,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        let operation = "webdav.finish";
        let mut headers = vec![("oc-total-length", request.size.to_string())];
        if let Some(modified) = request.modified {
            let seconds = modified.as_millis().div_euclid(1_000);
            headers.push(("x-oc-mtime", seconds.to_string()));
        }
        headers.extend(named(computed).map(|sum| ("oc-checksum", sum)));
        let shift = Shift {
            operation,
            method: "MOVE",
            from: self.at(state, ".file")?,
            source: None,
            headers,
        };
        let placed = self
            .dav
            .place(&shift, &request.path, &request.expect, &Self::same)
            .await;
        if let Err(error) = placed {
            let is_gone = |has: &Result<u64>| {
                has.as_ref()
                    .is_err_and(|error| error.kind() == ErrorKind::Expired)
            };
            if !error.is_retryable() || !is_gone(&self.has(request, state).await) {
                return Err(expired(error));
            }
            // Nobody else knows the name of the upload: it went where it should.
            let there = self.dav.look(operation, &request.path).await?.file();
            let ours = there.filter(|there| there.entry.version.size == request.size);
            return ours.map(|ours| ours.entry).ok_or(error);
        }
        self.dav.appeared(operation, &request.path).await
    }

    async fn abort(&self, _: &UploadRequest, state: &Parts) -> Result<()> {
        let delete = HttpRequest::delete(self.at(state, "")?);
        self.dav
            .act("webdav.abort", delete, &[404])
            .await
            .map(|_| ())
    }
}
