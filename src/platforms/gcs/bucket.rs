//! The calls of a bucket.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use tokio::task::spawn_blocking;

use crate::connector::kit::{Api, BaseUrl, HttpRequest, Multipart, Part, encode_segment};
use crate::connector::{ContentHasher, FileFacts, HashAlgorithm, Hashes, UploadRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Acts, Bucket, Guard, Listed, Object, Opened};

use super::model::{ANY, FIELDS, Page, Rewritten, Told, describe};
use super::resumable::GcsUpload;

/// A bucket.
#[derive(Debug)]
pub(super) struct GcsBucket {
    pub(super) api: Api,
    pub(super) base: BaseUrl,
    pub(super) name: String,
    pub(super) facts: FileFacts,
}

impl GcsBucket {
    /// The address of an object; a slash in its name is not one of the address.
    fn at(&self, key: &str) -> String {
        let (bucket, key) = (encode_segment(&self.name), encode_segment(key));
        self.base.at(&format!("/storage/v1/b/{bucket}/o/{key}"))
    }

    /// A call that lists, of at most so many objects.
    pub(super) fn listing(&self, prefix: &str, most: u32) -> HttpRequest {
        let bucket = encode_segment(&self.name);
        HttpRequest::get(self.base.at(&format!("/storage/v1/b/{bucket}/o")))
            .query("prefix", prefix)
            .query("maxResults", most.to_string())
            .query("fields", format!("kind,nextPageToken,items({FIELDS})"))
    }

    /// A call that uploads, in one of the ways there are.
    pub(super) fn uploading(&self, way: &str, key: &str, guard: &Guard) -> HttpRequest {
        let bucket = encode_segment(&self.name);
        let call = HttpRequest::post(self.base.at(&format!("/upload/storage/v1/b/{bucket}/o")))
            .query("uploadType", way)
            .query("name", key);
        guarded(call, guard)
    }
}

/// Adds a condition to a call that writes.
fn guarded(call: HttpRequest, guard: &Guard) -> HttpRequest {
    match guard {
        Guard::Free => call,
        Guard::Absent => call.query("ifGenerationMatch", "0"),
        Guard::Revision(generation) => call.query("ifGenerationMatch", generation),
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Bucket for GcsBucket {
    type Upload = GcsUpload;

    fn account(&self) -> String {
        format!("gcs {}/{}", self.base, self.name)
    }

    fn facts(&self) -> &FileFacts {
        &self.facts
    }

    /// The condition of an upload in chunks is given when it begins; before its end it is looked at once more.
    fn acts(&self) -> Acts {
        Acts {
            complete: false,
            ..Acts::ALL
        }
    }

    fn guards_when_begun(&self) -> bool {
        true
    }

    fn ends_with_last_part(&self) -> bool {
        true
    }

    async fn page(&self, prefix: &str, at: Option<&str>) -> Result<Listed> {
        let mut call = self.listing(prefix, 1000);
        if let Some(at) = at {
            call = call.query("pageToken", at);
        }
        let page: Page = self.api.json("gcs.list", call).await?;
        page.into_listed()
    }

    async fn look(&self, key: &str) -> Result<Option<Object>> {
        let call = HttpRequest::get(self.at(key)).query("fields", FIELDS);
        let answer = self.api.call_for("gcs.look", call, &[404]).await?;
        if answer.status() == 404 {
            return Ok(None);
        }
        let told: Told = answer.json().await?;
        told.into_object().map(Some)
    }

    /// Looks first, and then reads that generation: an answer with content does not tell all of the file.
    async fn open(&self, key: &str, range: Option<Range<u64>>) -> Result<Opened> {
        let object = self.look(key).await?.ok_or_else(|| {
            let message = "the platform has no such thing";
            Error::new(ErrorKind::NotFound, "gcs.get", message)
        })?;
        let size = object.version.size;
        let range = range.unwrap_or(0..size);
        let (from, to) = (range.start, range.end.min(size));
        if from >= to {
            return Ok(Opened {
                object,
                bytes: stream::empty().boxed(),
            });
        }
        let generation = object.version.revision.as_deref().unwrap_or_default();
        let mut call = HttpRequest::get(self.at(key))
            .query("alt", "media")
            .query("generation", generation);
        if to - from < size {
            call = call.header("range", format!("bytes={from}-{}", to.saturating_sub(1)));
        }
        let answer = self.api.call("gcs.get", call).await.map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                let message = "the file was replaced or removed when it was to be read";
                return Error::new(ErrorKind::Changed, "gcs.get", message).with_source(error);
            }
            error
        })?;
        let length = to - from;
        if answer.content_length().is_some_and(|sent| sent != length) {
            let message = "the platform sends another part of the file than was asked for";
            return Err(Error::new(ErrorKind::Unavailable, "gcs.get", message)
                .with_context("asked", length));
        }
        Ok(Opened {
            object,
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
        // Computed where the file was read: what is spoiled on the way to here is refused too.
        let hashes = match computed.get(HashAlgorithm::Crc32c) {
            Some(_) => computed.clone(),
            None => computed.or(&crc_of(&content).await?),
        };
        let about = describe(key, request, self.api.clock().now(), &hashes).to_string();
        let body = Multipart::related([
            Part::new("application/json; charset=UTF-8", about),
            Part::new(request.media_type.as_deref().unwrap_or(ANY), content),
        ]);
        let call = self
            .uploading("multipart", key, guard)
            .query("fields", FIELDS);
        let told: Told = self.api.json("gcs.put", call.multipart(body)).await?;
        told.into_object()
    }

    async fn begin(&self, key: &str, guard: &Guard, request: &UploadRequest) -> Result<GcsUpload> {
        self.begin_session(key, guard, request).await
    }

    async fn part(
        &self,
        _: &str,
        request: &UploadRequest,
        upload: &mut GcsUpload,
        at: u64,
        chunk: Bytes,
    ) -> Result<u64> {
        self.send_chunk(request, upload, at, chunk).await
    }

    async fn arrived(
        &self,
        _: &str,
        request: &UploadRequest,
        upload: &mut GcsUpload,
    ) -> Result<u64> {
        self.ask_session(request, upload).await
    }

    async fn complete(
        &self,
        _: &str,
        _: &Guard,
        request: &UploadRequest,
        upload: &GcsUpload,
        last: Option<(u64, Bytes)>,
        _: &Hashes,
    ) -> Result<Object> {
        self.end_session(request, upload, last).await
    }

    async fn abandon(&self, _: &str, upload: &GcsUpload) -> Result<()> {
        self.drop_session(upload).await
    }

    async fn copy(
        &self,
        from: &str,
        source: &Object,
        to: &str,
        guard: &Guard,
    ) -> Result<Option<Object>> {
        let (bucket, target) = (encode_segment(&self.name), encode_segment(to));
        let address = format!("{}/rewriteTo/b/{bucket}/o/{target}", self.at(from));
        let generation = source.version.revision.as_deref().unwrap_or_default();
        let fields = format!("done,rewriteToken,resource({FIELDS})");
        let mut token: Option<String> = None;
        // Large files are copied in steps.
        loop {
            let mut call = guarded(HttpRequest::post(&address), guard)
                .query("ifSourceGenerationMatch", generation)
                .query("fields", &fields);
            if let Some(token) = &token {
                call = call.query("rewriteToken", token);
            }
            let told: Rewritten = self.api.json("gcs.copy", call).await?;
            match (told.resource, told.rewrite_token) {
                (Some(copy), _) => return copy.into_object().map(Some),
                (None, Some(next)) => token = Some(next),
                (None, None) => {
                    let message = "the platform neither ends the copy nor goes on with it";
                    return Err(Error::new(ErrorKind::Unexpected, "gcs.copy", message));
                }
            }
        }
    }

    async fn delete(&self, key: &str, guard: &Guard) -> Result<()> {
        let call = guarded(HttpRequest::delete(self.at(key)), guard);
        self.api.call("gcs.delete", call).await.map(drop)
    }
}

/// The CRC-32C of a body.
async fn crc_of(content: &Bytes) -> Result<Hashes> {
    let content = content.clone();
    let task = spawn_blocking(move || {
        let mut hasher = ContentHasher::new([HashAlgorithm::Crc32c]);
        hasher.update(&content);
        hasher.finish()
    });
    task.await.map_err(|cause| {
        let message = "the hash of the body was not computed";
        Error::new(ErrorKind::Unexpected, "gcs.put", message).with_source(cause)
    })
}
