//! The bytes of a request, and how far they are gone.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// How much of a body is handed on at a time, in bytes, so that one can see that it moves.
const PIECE: usize = 64 << 10;

/// A body that lies in memory in some pieces.
#[derive(Clone, Debug, Default)]
pub(super) struct Body(pub(super) Vec<Bytes>);

impl Body {
    pub(super) fn len(&self) -> u64 {
        let lengths = self.0.iter().map(|piece| piece.len() as u64);
        lengths.sum()
    }
}

/// How many bytes were taken from a body.
#[derive(Clone, Debug, Default)]
pub(super) struct Gone(Arc<AtomicU64>);

impl Gone {
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
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
        self.gone.0.fetch_add(length, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
