//! Resumable uploads ([how](https://cloud.google.com/storage/docs/performing-resumable-uploads)).

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::connector::kit::{HttpAnswer, HttpRequest};
use crate::connector::{Hashes, UploadRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Guard, Object};

use super::bucket::GcsBucket;
use super::model::{ANY, Told, describe};

/// The status of an upload that goes on.
const GOES_ON: u16 = 308;

/// An upload as its token has it. Whoever has its address may write the file, so it is not printed.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct GcsUpload {
    session: String,
}

impl GcsBucket {
    pub(super) async fn begin_session(
        &self,
        key: &str,
        guard: &Guard,
        request: &UploadRequest,
    ) -> Result<GcsUpload> {
        let media_type = request.media_type.as_deref().unwrap_or(ANY);
        let call = self
            .uploading("resumable", key, guard)
            .header("x-upload-content-type", media_type)
            .header("x-upload-content-length", request.size.to_string())
            .json(&describe(
                key,
                request,
                self.api.clock().now(),
                &Hashes::new(),
            ));
        let answer = self.api.call("gcs.begin", call).await?;
        let session = answer.header("location").unwrap_or_default();
        if !self.base.is_origin_of(session) {
            let message = "the platform sends the upload elsewhere, where it does not go";
            return Err(Error::new(ErrorKind::Refused, "gcs.begin", message));
        }
        Ok(GcsUpload {
            session: session.to_owned(),
        })
    }

    pub(super) async fn send_chunk(
        &self,
        request: &UploadRequest,
        upload: &GcsUpload,
        at: u64,
        chunk: Bytes,
    ) -> Result<u64> {
        let end = at.saturating_add(chunk.len() as u64);
        let range = format!("bytes {at}-{}/{}", end.saturating_sub(1), request.size);
        let answer = self
            .session_call("gcs.chunk", upload, &range, chunk)
            .await?;
        if answer.status() == GOES_ON {
            return arrived(&answer);
        }
        // The last chunk is sent by another call, so that there is no good end here.
        Err(forgotten())
    }

    pub(super) async fn ask_session(
        &self,
        request: &UploadRequest,
        upload: &GcsUpload,
    ) -> Result<u64> {
        let range = format!("bytes */{}", request.size);
        let answer = self
            .session_call("gcs.offset", upload, &range, Bytes::new())
            .await?;
        if answer.status() == GOES_ON {
            return arrived(&answer);
        }
        // It has appeared.
        Err(forgotten())
    }

    pub(super) async fn end_session(
        &self,
        request: &UploadRequest,
        upload: &GcsUpload,
        last: Option<(u64, Bytes)>,
    ) -> Result<Object> {
        let total = request.size;
        let (range, chunk) = match last {
            Some((at, chunk)) => {
                let end = at.saturating_add(chunk.len() as u64).saturating_sub(1);
                (format!("bytes {at}-{end}/{total}"), chunk)
            }
            None => (format!("bytes */{total}"), Bytes::new()),
        };
        let answer = self
            .session_call("gcs.complete", upload, &range, chunk)
            .await?;
        if answer.status() == GOES_ON {
            let message = "the platform has not taken all of the last chunk";
            return Err(Error::new(ErrorKind::Unavailable, "gcs.complete", message));
        }
        let told: Told = answer.json().await?;
        told.into_object()
    }

    pub(super) async fn drop_session(&self, upload: &GcsUpload) -> Result<()> {
        let call = HttpRequest::delete(&upload.session).unsigned();
        // 499 is how the platform says that it is done.
        let done = self.api.call_for("gcs.abort", call, &[404, 410, 499]).await;
        done.map(drop)
    }

    /// A call to the address of an upload, which is a credential itself.
    async fn session_call(
        &self,
        operation: &'static str,
        upload: &GcsUpload,
        range: &str,
        chunk: Bytes,
    ) -> Result<HttpAnswer> {
        if !self.base.is_origin_of(&upload.session) {
            let message = "not a token of this account";
            return Err(Error::new(ErrorKind::InvalidInput, operation, message));
        }
        let mut call = HttpRequest::put(&upload.session)
            .unsigned()
            .header("content-range", range);
        if !chunk.is_empty() {
            call = call.body(ANY, chunk);
        }
        let answer = self
            .api
            .call_for(operation, call, &[GOES_ON, 404, 410])
            .await?;
        match answer.status() {
            404 | 410 => Err(forgotten()),
            _ => Ok(answer),
        }
    }
}

/// How many bytes the platform has; without a range it has none.
fn arrived(answer: &HttpAnswer) -> Result<u64> {
    let Some(range) = answer.header("range") else {
        return Ok(0);
    };
    let last = range
        .strip_prefix("bytes=0-")
        .and_then(|last| last.parse::<u64>().ok());
    last.and_then(|last| last.checked_add(1)).ok_or_else(|| {
        let message = "the platform answered in another form than documented";
        Error::new(ErrorKind::Unexpected, "gcs.offset", message)
    })
}

fn forgotten() -> Error {
    let message = "the platform no longer knows the upload";
    Error::new(ErrorKind::Expired, "gcs.offset", message)
}
