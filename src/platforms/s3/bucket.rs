//! The calls of a bucket.

use std::ops::Range;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use crate::clock::Timestamp;
use crate::connector::kit::{Api, HttpAnswer, HttpRequest, encode_segment};
use crate::connector::{FileFacts, HashAlgorithm, Hashes, UploadRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Acts, Bucket, Guard, Listed, Object, Opened, read_xml};

use super::config::S3Options;
use super::model::{Telling, lacks, proof};
use super::parts::S3Upload;

/// The media type of a file of which none is known, as S3 itself has it.
pub(super) const ANY: &str = "binary/octet-stream";

/// A bucket.
#[derive(Debug)]
pub(super) struct S3Bucket {
    pub(super) api: Api,
    /// Where keys begin, without a slash at its end.
    pub(super) url: String,
    pub(super) options: S3Options,
    pub(super) facts: FileFacts,
    pub(super) telling: Telling,
}

impl S3Bucket {
    pub(super) fn new(api: Api, url: String, options: S3Options) -> Self {
        Self {
            api,
            url,
            facts: options.facts(),
            telling: Telling::new(&options),
            options,
        }
    }

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
        // Without a slash the bucket is a file of its host.
        let call = HttpRequest::get(format!("{}/", self.url))
            .query("list-type", "2")
            .query("max-keys", most.to_string())
            .query("prefix", prefix);
        if self.options.encodes_listings {
            call.query("encoding-type", "url")
        } else {
            call
        }
    }

    /// Looks again at what was written, where its time is to be told.
    pub(super) async fn written(&self, key: &str, object: Object) -> Result<Object> {
        if !self.options.tells_upload_times {
            return Ok(object);
        }
        let now = self.look(key).await?;
        match now.filter(|now| now.version.revision == object.version.revision) {
            Some(now) => Ok(Object {
                proof: object.proof,
                ..now
            }),
            // Another was written over it in the meantime.
            None => Ok(object),
        }
    }

    /// What a read has found.
    fn opened(&self, answer: HttpAnswer, range: Option<Range<u64>>) -> Result<Opened> {
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
            return Err(Error::new(ErrorKind::Unavailable, "s3.get", message)
                .with_context("asked", asked)
                .with_context("sent", length));
        }
        let object = self.telling.told(&answer, total)?;
        Ok(Opened {
            object,
            bytes: answer.into_stream(Some(length)),
        })
    }

    /// A read of nothing, which servers take for an error.
    async fn opened_empty(&self, key: &str) -> Result<Opened> {
        let object = self.look(key).await?.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "s3.get",
                "the platform has no such thing",
            )
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

/// The headers that are kept with a file, besides its media type: its modified time as
/// [rclone](https://rclone.org/s3/#modification-times-and-hashes) keeps it, for whoever reads the bucket with it.
pub(super) fn kept(call: HttpRequest, request: &UploadRequest) -> HttpRequest {
    let millis = request.modified.map(Timestamp::as_millis);
    match millis.filter(|millis| *millis >= 0) {
        Some(millis) => {
            let text = format!("{}.{:03}", millis / 1000, millis % 1000);
            call.header("x-amz-meta-mtime", text)
        }
        None => call,
    }
}

/// The checksums of a whole object that a call was answered with.
pub(super) fn proof_of(answer: &HttpAnswer) -> Hashes {
    let is_composite = answer.header("x-amz-checksum-type") == Some("COMPOSITE");
    proof(
        |name| answer.header(&format!("x-amz-checksum-{name}")),
        is_composite,
    )
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Bucket for S3Bucket {
    type Upload = S3Upload;

    fn account(&self) -> String {
        format!("s3 {}", self.url)
    }

    fn facts(&self) -> &FileFacts {
        &self.facts
    }

    fn acts(&self) -> Acts {
        self.options.acts
    }

    fn guards_when_begun(&self) -> bool {
        false
    }

    fn ends_with_last_part(&self) -> bool {
        false
    }

    async fn page(&self, prefix: &str, at: Option<&str>) -> Result<Listed> {
        let mut call = self.listing(prefix, 1000);
        if let Some(at) = at {
            call = call.query("continuation-token", at);
        }
        let body = self.api.call("s3.list", call).await?.bytes().await?;
        let is_encoded = self.options.encodes_listings;
        read_xml(&body, |root| self.telling.listed(root, is_encoded))
    }

    async fn look(&self, key: &str) -> Result<Option<Object>> {
        let call = HttpRequest::new("HEAD", self.at(key));
        let answer = self.api.call_for("s3.look", call, &[404]).await?;
        if answer.status() == 404 {
            return Ok(None);
        }
        let size = answer
            .content_length()
            .ok_or_else(|| lacks("Content-Length"))?;
        self.telling.told(&answer, size).map(Some)
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
        let answer = self.api.call_for("s3.get", call, &[416]).await?;
        if answer.status() == 416 {
            return self.opened_empty(key).await;
        }
        self.opened(answer, range)
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
        let media_type = request.media_type.as_deref().unwrap_or(ANY);
        let mut call = kept(guarded(HttpRequest::put(self.at(key)), guard), request);
        // Computed where the file was read: what is spoiled on the way to here is refused too.
        if let Some(md5) = computed.get(HashAlgorithm::Md5) {
            call = call.header("content-md5", STANDARD.encode(md5));
        }
        if let Some((name, digest)) = self.checksum_of(&content, Some(computed)).await? {
            call = call.header(format!("x-amz-checksum-{name}"), digest);
        }
        let call = call.body(media_type, content);
        let answer = self.api.call("s3.put", call).await?;
        let etag = answer.header("etag").ok_or_else(|| lacks("ETag"))?;
        let mut object = self.telling.object(size, etag, None);
        object.proof = proof_of(&answer);
        self.written(key, object).await
    }

    async fn begin(&self, key: &str, _: &Guard, request: &UploadRequest) -> Result<S3Upload> {
        self.begin_parts(key, request).await
    }

    async fn part(
        &self,
        key: &str,
        _: &UploadRequest,
        upload: &mut S3Upload,
        at: u64,
        chunk: Bytes,
    ) -> Result<u64> {
        let end = at.saturating_add(chunk.len() as u64);
        self.send_part(key, upload, at, chunk).await?;
        Ok(end)
    }

    async fn arrived(&self, key: &str, _: &UploadRequest, upload: &mut S3Upload) -> Result<u64> {
        self.find_parts(key, upload).await
    }

    async fn complete(
        &self,
        key: &str,
        guard: &Guard,
        _: &UploadRequest,
        upload: &S3Upload,
        _: Option<(u64, Bytes)>,
        computed: &Hashes,
    ) -> Result<Object> {
        self.join_parts(key, guard, upload, computed).await
    }

    async fn abandon(&self, key: &str, upload: &S3Upload) -> Result<()> {
        self.drop_parts(key, upload).await
    }

    async fn copy(
        &self,
        from: &str,
        source: &Object,
        to: &str,
        guard: &Guard,
    ) -> Result<Option<Object>> {
        self.copy_object(from, source, to, guard).await.map(Some)
    }

    async fn delete(&self, key: &str, guard: &Guard) -> Result<()> {
        let call = guarded(HttpRequest::delete(self.at(key)), guard);
        self.api.call("s3.delete", call).await.map(drop)
    }
}
