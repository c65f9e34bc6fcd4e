//! What a platform answers.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::error::{Error, ErrorKind, Result};

use super::client::{failed, still};

/// The most bytes that an answer may have which is read into memory: a page of a listing, not a file.
const MOST: u64 = 32 << 20;

/// An answer, its body still to come.
pub struct HttpAnswer {
    inner: reqwest::Response,
    idle: Duration,
}

impl fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpAnswer")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl HttpAnswer {
    pub(super) fn new(inner: reqwest::Response, idle: Duration) -> Self {
        Self { inner, idle }
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// Returns the first header of this name that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name)?.to_str().ok()
    }

    /// Returns all headers that are text, in no order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.inner.headers().iter();
        headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// Returns the length of the body that was promised.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// Returns the next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// - [`ErrorKind::Timeout`]: nothing came for too long.
    /// - [`ErrorKind::Unavailable`]: the connection ended before the body did.
    ///
    /// # Cancel safety
    /// Safe to drop; the piece may be lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let next = timeout(self.idle, self.inner.chunk()).await;
        next.map_err(|_| still())?.map_err(failed)
    }

    /// Reads the body, up to 32 MiB.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] if there is more; otherwise as [`chunk`](Self::chunk).
    ///
    /// # Cancel safety
    /// Safe to drop; what was read is lost.
    pub async fn bytes(mut self) -> Result<Bytes> {
        let body = self.up_to(MOST).await?;
        match self.chunk().await? {
            None => Ok(body),
            Some(_) => Err(Error::new(
                ErrorKind::LimitExceeded,
                "http.read",
                "the platform sends more than is allowed",
            )
            .with_context("most", MOST)),
        }
    }

    /// Reads the first bytes of the body, a piece more than `most` at the utmost.
    pub(super) async fn up_to(&mut self, most: u64) -> Result<Bytes> {
        let mut all = BytesMut::new();
        while (all.len() as u64) < most {
            match self.chunk().await? {
                Some(piece) => all.extend_from_slice(&piece),
                None => break,
            }
        }
        Ok(all.freeze())
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`]: it is no JSON, as with a page for people that a gateway sends, or one cut off.
    /// - [`ErrorKind::Unexpected`]: it is JSON of another form than the platform's documentation has.
    /// - As [`bytes`](Self::bytes).
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let body = self.bytes().await?;
        from_json(&body)
    }

    /// Turns the body into a stream, which ends with its first error. With `expected`, a body of another length is one.
    #[must_use]
    pub fn into_stream(self, expected: Option<u64>) -> BoxStream<'static, Result<Bytes>> {
        stream::unfold(Some((self, expected)), |state| async move {
            let (mut answer, left) = state?;
            let wrong = |message: &str| Error::new(ErrorKind::Unavailable, "http.read", message);
            match (answer.chunk().await, left) {
                (Err(error), _) => Some((Err(error), None)),
                (Ok(None), None | Some(0)) => None,
                (Ok(None), Some(left)) => {
                    let short = wrong("the content ended early").with_context("missing", left);
                    Some((Err(short), None))
                }
                (Ok(Some(piece)), None) => Some((Ok(piece), Some((answer, None)))),
                (Ok(Some(piece)), Some(left)) => match left.checked_sub(piece.len() as u64) {
                    Some(left) => Some((Ok(piece), Some((answer, Some(left))))),
                    None => Some((Err(wrong("more content came than there is")), None)),
                },
            }
        })
        .boxed()
    }
}

/// Reads JSON of a platform. The fault tells where, not what: answers hold secrets.
pub(super) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|cause| {
        let (kind, message) = if cause.is_data() {
            let message = "the platform answered in another form than documented";
            (ErrorKind::Unexpected, message)
        } else {
            (ErrorKind::Unavailable, "the platform's answer is no JSON")
        };
        Error::new(kind, "http.read", message)
            .with_context("line", cause.line())
            .with_context("column", cause.column())
    })
}
