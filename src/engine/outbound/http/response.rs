//! What comes back.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::time::{Instant, timeout_at};

use crate::error::Result;

use super::errors::{failed, late, too_much};
use super::limits::HttpLimits;

/// An answer, its body still to come.
///
/// Content that came compressed is not unpacked, for a few bytes can unpack to a great many.
pub struct Response {
    inner: reqwest::Response,
    left: u64,
    most: u64,
    deadline: Instant,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Response {
    /// Takes an answer whose header is within its bounds.
    pub(super) fn new(
        inner: reqwest::Response,
        limits: &HttpLimits,
        deadline: Instant,
    ) -> Result<Self> {
        let lengths = inner
            .headers()
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len());
        let header: usize = lengths.sum();
        if u32::try_from(header).map_or(true, |header| header > limits.header) {
            return Err(too_much("header", limits.header.into()));
        }
        Ok(Self {
            inner,
            left: limits.body,
            most: limits.body,
            deadline,
        })
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// Returns a header that is there once and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.inner.headers().get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }

    /// Returns the next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// - [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded): more than
    ///   [`HttpLimits::body`], or the server says that there will be.
    /// - [`ErrorKind::Timeout`](crate::ErrorKind::Timeout): nothing came for too long, or all of it takes too
    ///   long.
    /// - [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): the connection ended before the body did.
    ///
    /// # Cancel safety
    /// Safe to drop; the piece may be lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if self
            .inner
            .content_length()
            .is_some_and(|length| length > self.most)
        {
            return Err(too_much("body", self.most));
        }
        let next = timeout_at(self.deadline, self.inner.chunk()).await;
        let Some(piece) = next.map_err(|_| late())?.map_err(failed)? else {
            return Ok(None);
        };
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        match self.left.checked_sub(length) {
            Some(left) => self.left = left,
            None => return Err(too_much("body", self.most)),
        }
        Ok(Some(piece))
    }

    /// Reads the whole body into memory, which is at most [`HttpLimits::body`].
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk).
    ///
    /// # Cancel safety
    /// Safe to drop; what was read is lost.
    pub async fn bytes(mut self) -> Result<Bytes> {
        let mut all = BytesMut::new();
        while let Some(piece) = self.chunk().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// Turns the body into a stream, which ends with its first error.
    #[must_use]
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        stream::unfold(Some(self), |response| async move {
            let mut response = response?;
            match response.chunk().await {
                Ok(None) => None,
                Ok(Some(piece)) => Some((Ok(piece), Some(response))),
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}
