//! Copies on the server.

use crate::connector::Hashes;
use crate::connector::kit::{HttpRequest, encode_segment};
use crate::error::Result;
use crate::platforms::objects::{Guard, Object, read_xml, text_of};

use super::bucket::{S3Bucket, guarded};
use super::config::CopyCondition;
use super::error::code;
use super::model::lacks;
use super::parts::{S3Upload, refused_late};

/// The largest object that is copied in one call
/// ([CopyObject](https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html)).
const WHOLE: u64 = 5 << 30;

/// The size of a part that is copied, in bytes: few calls, and none that is silent for long.
const PART: u64 = 512 << 20;

/// Headers that belong to a file, and go along when it is copied in parts.
const KEPT: [&str; 5] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
];

impl S3Bucket {
    pub(super) async fn copy_object(
        &self,
        from: &str,
        source: &Object,
        to: &str,
        guard: &Guard,
    ) -> Result<Object> {
        let is_large = source.version.size > WHOLE;
        let by_parts =
            *guard != Guard::Free && self.options.copy_condition == CopyCondition::OnePart;
        if !is_large && !by_parts {
            return self.copy_whole(from, source, to, guard).await;
        }
        let kept = self.kept_headers(from).await?;
        if source.version.size == 0 {
            // An upload has at least one byte.
            return self.put_empty(to, kept, guard).await;
        }
        let mut upload = self
            .begin_with(with_headers(HttpRequest::post(self.at(to)), kept))
            .await?;
        let joined = match self.copy_parts(from, source, to, &mut upload).await {
            Ok(()) => self.join_parts(to, guard, &upload, &Hashes::new()).await,
            Err(error) => Err(error),
        };
        if joined.as_ref().is_err_and(|error| !error.is_retryable())
            && let Err(left) = self.drop_parts(to, &upload).await
        {
            // The caller is told why there is no copy; this only means that the rest expires there by itself.
            tracing::debug!(error = %left, "a copy that failed was not thrown away");
        }
        joined
    }

    async fn copy_whole(
        &self,
        from: &str,
        source: &Object,
        to: &str,
        guard: &Guard,
    ) -> Result<Object> {
        let mut call = self.copy_call(HttpRequest::put(self.at(to)), from, source);
        if self.options.copy_condition == CopyCondition::R2Headers {
            call = match guard {
                Guard::Free => call,
                Guard::Absent => call.header("cf-copy-destination-if-none-match", "*"),
                Guard::Revision(etag) => {
                    call.header("cf-copy-destination-if-match", format!("\"{etag}\""))
                }
            };
        }
        let etag = self.copied("s3.copy", call).await?;
        let object = self.telling.object(source.version.size, &etag, None);
        self.written(to, object).await
    }

    async fn copy_parts(
        &self,
        from: &str,
        source: &Object,
        to: &str,
        upload: &mut S3Upload,
    ) -> Result<()> {
        let total = source.version.size;
        // At most 10,000 parts, and one where one will do.
        let size = if total <= WHOLE {
            total
        } else {
            PART.max(total.div_ceil(10_000))
        };
        let (mut at, mut number) = (0_u64, 1_u32);
        while at < total {
            let end = at.saturating_add(size).min(total);
            let call = self
                .upload_call("PUT", to, upload)
                .query("partNumber", number.to_string());
            let mut call = self.copy_call(call, from, source);
            if total > size {
                let last = end.saturating_sub(1);
                call = call.header("x-amz-copy-source-range", format!("bytes={at}-{last}"));
            }
            let etag = self.copied("s3.copy_part", call).await?;
            upload.push(end.saturating_sub(at), etag.trim_matches('"').to_owned());
            (at, number) = (end, number.saturating_add(1));
        }
        Ok(())
    }

    /// Says what is to be copied, and that it must still be this.
    fn copy_call(&self, call: HttpRequest, from: &str, source: &Object) -> HttpRequest {
        let mut path = encode_segment(&self.options.bucket).into_owned();
        for segment in from.split('/') {
            path.push('/');
            path.push_str(&encode_segment(segment));
        }
        let call = call.header("x-amz-copy-source", path);
        match &source.version.revision {
            Some(etag) => call.header("x-amz-copy-source-if-match", format!("\"{etag}\"")),
            None => call,
        }
    }

    /// Makes a copy and returns its `ETag`. An error may come after a good status.
    async fn copied(&self, operation: &'static str, call: HttpRequest) -> Result<String> {
        let body = self.api.call(operation, call).await?.bytes().await?;
        let read = read_xml(&body, |root| {
            Some(match code(root) {
                Some(code) => Err(code),
                None => Ok(text_of(root, "ETag")?.to_owned()),
            })
        })?;
        read.map_err(|code| refused_late(operation, &code))
    }

    async fn kept_headers(&self, key: &str) -> Result<Vec<(String, String)>> {
        let call = HttpRequest::new("HEAD", self.at(key));
        let answer = self.api.call("s3.look", call).await?;
        let headers = answer.headers();
        let kept =
            headers.filter(|(name, _)| KEPT.contains(name) || name.starts_with("x-amz-meta-"));
        Ok(kept
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }

    async fn put_empty(
        &self,
        key: &str,
        kept: Vec<(String, String)>,
        guard: &Guard,
    ) -> Result<Object> {
        let call = guarded(HttpRequest::put(self.at(key)), guard);
        let answer = self.api.call("s3.put", with_headers(call, kept)).await?;
        let etag = answer.header("etag").ok_or_else(|| lacks("ETag"))?;
        let object = self.telling.object(0, etag, None);
        self.written(key, object).await
    }
}

fn with_headers(call: HttpRequest, kept: Vec<(String, String)>) -> HttpRequest {
    kept.into_iter()
        .fold(call, |call, (name, value)| call.header(name, value))
}
