//! Keeping a copy of what is passed on.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

/// Passes bytes on and keeps a copy of them, unless they are too many.
#[derive(Debug)]
pub(super) struct Tee<'a, W> {
    to: &'a mut W,
    /// `None` once they were too many.
    copy: Option<Vec<u8>>,
    most: usize,
}

impl<'a, W> Tee<'a, W> {
    pub(super) fn new(to: &'a mut W, most: usize) -> Self {
        Self {
            to,
            copy: Some(Vec::new()),
            most,
        }
    }

    pub(super) fn into_copy(self) -> Option<Vec<u8>> {
        self.copy
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Tee<'_, W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut *self.to).poll_write(context, bytes))?;
        let most = self.most;
        let written = bytes.get(..count).unwrap_or_default();
        self.copy = self.copy.take().and_then(|mut copy| {
            copy.extend_from_slice(written);
            (copy.len() <= most).then_some(copy)
        });
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.to).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.to).poll_shutdown(context)
    }
}
