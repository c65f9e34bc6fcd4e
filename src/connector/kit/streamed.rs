//! Content that is written while it is being sent.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

use crate::error::{Error, ErrorKind, Result};

use super::body::{Gone, PIECE};

/// Where the content of a request under way is written to, made by
/// [`HttpRequest::streamed`](super::HttpRequest::streamed).
///
/// Dropped before all was written, it ends the request: the platform gets less than it was promised, and the call fails.
#[derive(Debug)]
pub struct BodySender {
    to: mpsc::Sender<Bytes>,
    left: u64,
}

impl BodySender {
    /// Hands on the next bytes, and returns when the last 64 KiB of them at most are not yet taken.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`]: the call has ended; what it returned tells why.
    /// - [`ErrorKind::InvalidInput`]: more than was promised.
    ///
    /// # Cancel safety
    /// After a drop nobody knows how much was handed on: drop the sender too.
    pub async fn send(&mut self, mut bytes: Bytes) -> Result<()> {
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            let message = "the content is longer than was promised";
            return Err(Error::new(ErrorKind::InvalidInput, "http.send", message));
        };
        while !bytes.is_empty() {
            let piece = bytes.split_to(PIECE.min(bytes.len()));
            if self.to.send(piece).await.is_err() {
                let message = "the platform takes no more of the content";
                return Err(Error::new(ErrorKind::Unavailable, "http.send", message));
            }
        }
        self.left = left;
        Ok(())
    }
}

/// The other end, taken by the first who sends the request.
#[derive(Clone)]
pub(super) struct Streamed {
    pub(super) length: u64,
    from: Arc<Mutex<Option<mpsc::Receiver<Bytes>>>>,
}

impl Streamed {
    pub(super) fn new(length: u64) -> (Self, BodySender) {
        let (to, from) = mpsc::channel(1);
        let from = Arc::new(Mutex::new(Some(from)));
        (Self { length, from }, BodySender { to, left: length })
    }

    /// The body on its way; only once.
    pub(super) fn take(&self, gone: Gone) -> Option<Flowing> {
        let mut from = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Flowing {
            from: from.take()?,
            left: self.length,
            gone,
        })
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// A body that is given piece by piece.
#[derive(Debug)]
pub(super) struct Flowing {
    from: mpsc::Receiver<Bytes>,
    left: u64,
    gone: Gone,
}

/// Whoever wrote the content stopped before its end.
#[derive(Debug)]
pub(super) struct CutShort;

impl fmt::Display for CutShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the content was not written to its end")
    }
}

impl std::error::Error for CutShort {}

impl http_body::Body for Flowing {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, CutShort>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let next = self.from.poll_recv(context);
        self.gone.starve(next.is_pending());
        match next {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(Some(Err(CutShort))),
            Poll::Ready(Some(piece)) => {
                // INVARIANT: the sender counts, so that no piece is longer than what is left.
                self.left = self.left.saturating_sub(piece.len() as u64);
                self.gone.add(piece.len());
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
