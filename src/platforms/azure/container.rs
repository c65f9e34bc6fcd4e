//! The calls of a container.

use std::ops::Range;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use tokio::task::spawn_blocking;

use crate::clock::Timestamp;
use crate::connector::kit::{Api, HttpRequest, encode_segment};
use crate::connector::{
    ContentHasher, FileFacts, FileVersion, HashAlgorithm, Hashes, UploadRequest,
};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Chance;
use crate::platforms::objects::{Acts, Bucket, Guard, Listed, Object, Opened, read_xml};

use super::blocks::AzureUpload;
use super::model::{lacks, listed, told};

/// The media type of a blob of which none is known, as Azure itself has it.
pub(super) const ANY: &str = "application/octet-stream";

/// A container.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) api: Api,
    /// Where keys begin, without a slash at its end.
    pub(super) url: String,
    pub(super) facts: FileFacts,
    pub(super) chance: Chance,
}

impl Container {
    /// The address of a key.
    pub(super) fn at(&self, key: &str) -> String {
        let mut url = self.url.clone();
        for segment in key.split('/') {
            url.push('/');
            url.push_str(&encode_segment(segment));
        }
        url
    }

    /// A call that lists, of at most so many keys.
    pub(super) fn listing(&self, prefix: &str, most: u32) -> HttpRequest {
        HttpRequest::get(&self.url)
            .query("restype", "container")
            .query("comp", "list")
            .query("include", "metadata")
            .query("maxresults", most.to_string())
            .query("prefix", prefix)
    }

    /// Looks again at what was written: an answer to a write tells neither all hashes nor all times.
    pub(super) async fn written(&self, key: &str, etag: &str, size: u64) -> Result<Object> {
        let etag = etag.trim_matches('"');
        match self.look(key).await? {
            Some(now) if now.version.revision.as_deref() == Some(etag) => Ok(now),
            // Another was written over it in the meantime.
            _ => {
                let version = FileVersion::new(size).with_revision(etag);
                Ok(Object::new(version))
            }
        }
    }

    async fn opened_empty(&self, key: &str) -> Result<Opened> {
        let object = self.look(key).await?.ok_or_else(|| {
            let message = "the platform has no such thing";
            Error::new(ErrorKind::NotFound, "azure.get", message)
        })?;
        Ok(Opened {
            object,
            bytes: stream::empty().boxed(),
        })
    }
}

/// Adds a condition to a call that writes.
pub(super) fn guarded(call: HttpRequest, guard: &Guard) -> HttpRequest {
    match guard {
        Guard::Free => call,
        Guard::Absent => call.header("if-none-match", "*"),
        Guard::Revision(etag) => call.header("if-match", format!("\"{etag}\"")),
    }
}

/// What is kept with a file: its media type, its modified time, and its MD5 where it is known. One without a time has that of
/// its upload, which a copy then keeps too.
pub(super) fn kept(
    call: HttpRequest,
    request: &UploadRequest,
    now: Timestamp,
    md5: Option<&[u8]>,
) -> HttpRequest {
    let media_type = request.media_type.as_deref().unwrap_or(ANY);
    let modified = request.modified.unwrap_or(now);
    let call = call
        .header("x-ms-blob-content-type", media_type)
        .header("x-ms-meta-mtime", modified.to_string());
    match md5 {
        Some(md5) => call.header("x-ms-blob-content-md5", STANDARD.encode(md5)),
        None => call,
    }
}

/// The MD5 of a body, which the server checks.
pub(super) async fn md5_of(content: &Bytes) -> Result<String> {
    let content = content.clone();
    let task = spawn_blocking(move || {
        let mut hasher = ContentHasher::new([HashAlgorithm::Md5]);
        hasher.update(&content);
        hasher.finish()
    });
    let hashes = task.await.map_err(|cause| {
        let message = "the hash of the body was not computed";
        Error::new(ErrorKind::Unexpected, "azure.put", message).with_source(cause)
    })?;
    Ok(STANDARD.encode(hashes.get(HashAlgorithm::Md5).unwrap_or_default()))
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Bucket for Container {
    type Upload = AzureUpload;

    fn account(&self) -> String {
        format!("azure {}", self.url)
    }

    fn facts(&self) -> &FileFacts {
        &self.facts
    }

    fn acts(&self) -> Acts {
        Acts::ALL
    }

    fn guards_when_begun(&self) -> bool {
        false
    }

    fn ends_with_last_part(&self) -> bool {
        false
    }

    async fn page(&self, prefix: &str, at: Option<&str>) -> Result<Listed> {
        let mut call = self.listing(prefix, 5000);
        if let Some(at) = at {
            call = call.query("marker", at);
        }
        let body = self.api.call("azure.list", call).await?.bytes().await?;
        read_xml(&body, listed)
    }

    async fn look(&self, key: &str) -> Result<Option<Object>> {
        let call = HttpRequest::new("HEAD", self.at(key));
        let answer = self.api.call_for("azure.look", call, &[404]).await?;
        let is_folder = answer.header("x-ms-meta-hdi_isfolder") == Some("true");
        if answer.status() == 404 || is_folder {
            return Ok(None);
        }
        let size = answer
            .content_length()
            .ok_or_else(|| lacks("Content-Length"))?;
        told(&answer, size).map(Some)
    }

    async fn open(&self, key: &str, range: Option<Range<u64>>) -> Result<Opened> {
        let mut call = HttpRequest::get(self.at(key));
        if let Some(range) = &range {
            if range.is_empty() {
                return self.opened_empty(key).await;
            }
            let last = range.end.saturating_sub(1);
            call = call.header("range", format!("bytes={}-{last}", range.start));
        }
        let answer = self.api.call_for("azure.get", call, &[416]).await?;
        if answer.status() == 416 {
            return self.opened_empty(key).await;
        }
        let length = answer
            .content_length()
            .ok_or_else(|| lacks("Content-Length"))?;
        let total = match answer.header("content-range") {
            Some(text) => {
                let total = text
                    .rsplit_once('/')
                    .and_then(|(_, total)| total.parse().ok());
                total.ok_or_else(|| lacks("Content-Range"))?
            }
            None => length,
        };
        let asked = range.map_or(total, |range| {
            range.end.min(total).saturating_sub(range.start)
        });
        if asked != length {
            let message = "the platform sends another part of the file than was asked for";
            return Err(Error::new(ErrorKind::Unavailable, "azure.get", message)
                .with_context("asked", asked)
                .with_context("sent", length));
        }
        Ok(Opened {
            object: told(&answer, total)?,
            bytes: answer.into_stream(Some(length)),
        })
    }

    async fn put(
        &self,
        key: &str,
        guard: &Guard,
        request: &UploadRequest,
        content: Bytes,
        computed: &Hashes,
    ) -> Result<Object> {
        let size = content.len() as u64;
        // Computed where the file was read: what is spoiled on the way to here is refused too.
        let md5 = match computed.get(HashAlgorithm::Md5) {
            Some(md5) => STANDARD.encode(md5),
            None => md5_of(&content).await?,
        };
        let call = guarded(HttpRequest::put(self.at(key)), guard)
            .header("x-ms-blob-type", "BlockBlob")
            .header("content-md5", md5);
        let call = kept(call, request, self.api.clock().now(), None).body(ANY, content);
        let answer = self.api.call("azure.put", call).await?;
        let etag = answer.header("etag").ok_or_else(|| lacks("ETag"))?;
        self.written(key, etag, size).await
    }

    async fn begin(&self, _: &str, _: &Guard, _: &UploadRequest) -> Result<AzureUpload> {
        Ok(AzureUpload::new(self.api.clock().now(), self.chance.word()))
    }

    async fn part(
        &self,
        key: &str,
        _: &UploadRequest,
        upload: &mut AzureUpload,
        at: u64,
        chunk: Bytes,
    ) -> Result<u64> {
        let end = at.saturating_add(chunk.len() as u64);
        self.send_block(key, upload, at, chunk).await?;
        Ok(end)
    }

    async fn arrived(&self, key: &str, _: &UploadRequest, upload: &mut AzureUpload) -> Result<u64> {
        self.find_blocks(key, upload).await
    }

    async fn complete(
        &self,
        key: &str,
        guard: &Guard,
        request: &UploadRequest,
        upload: &AzureUpload,
        _: Option<(u64, Bytes)>,
        computed: &Hashes,
    ) -> Result<Object> {
        self.join_blocks(key, guard, request, upload, computed)
            .await
    }

    /// There is no such call: blocks that nobody commits are gone after a week, or when others are.
    async fn abandon(&self, _: &str, _: &AzureUpload) -> Result<()> {
        Ok(())
    }

    async fn copy(
        &self,
        from: &str,
        source: &Object,
        to: &str,
        guard: &Guard,
    ) -> Result<Option<Object>> {
        self.copy_blob(from, source, to, guard).await.map(Some)
    }

    async fn delete(&self, key: &str, guard: &Guard) -> Result<()> {
        let call = guarded(HttpRequest::delete(self.at(key)), guard)
            .header("x-ms-delete-snapshots", "include");
        self.api.call("azure.delete", call).await.map(drop)
    }
}
