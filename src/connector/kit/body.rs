//! The bytes of a request, and how far they are gone.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// How much of a body is handed on at a time, in bytes, so that one can see that it moves.
pub(super) const PIECE: usize = 64 << 10;

/// A body that lies in memory in some pieces.
#[derive(Clone, Debug, Default)]
pub(super) struct Body(pub(super) Vec<Bytes>);

impl Body {
    pub(super) fn len(&self) -> u64 {
        let lengths = self.0.iter().map(|piece| piece.len() as u64);
        lengths.sum()
    }
}

/// How many bytes were taken from a body, and whether more of them are waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Gone(Arc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    bytes: AtomicU64,
    is_starved: AtomicBool,
}

impl Gone {
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Tells whether it is not the platform that is waited for, but whoever gives the bytes.
    pub(super) fn is_starved(&self) -> bool {
        self.0.is_starved.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn starve(&self, is_starved: bool) {
        self.0.is_starved.store(is_starved, Ordering::Relaxed);
    }
}

/// A body on its way.
#[derive(Debug)]
pub(super) struct Going {
    /// The last piece first.
    pieces: Vec<Bytes>,
    left: u64,
    gone: Gone,
}

impl Going {
    pub(super) fn new(body: &Body, gone: Gone) -> Self {
        let pieces = body.0.iter().filter(|piece| !piece.is_empty());
        Self {
            pieces: pieces.rev().cloned().collect(),
            left: body.len(),
            gone,
        }
    }
}

impl http_body::Body for Going {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(mut piece) = self.pieces.pop() else {
            return Poll::Ready(None);
        };
        if piece.len() > PIECE {
            let rest = piece.split_off(PIECE);
            self.pieces.push(rest);
        }
        let length = piece.len() as u64;
        self.left = self.left.saturating_sub(length);
        self.gone.add(piece.len());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
