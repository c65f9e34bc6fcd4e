//! Content on a connector, read by work that blocks.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, ErrorKind, Result};

use super::parts::Parts;
use super::records::UploadRecord;

/// A question of the blocking side: a range, and where the answer goes.
type Question = (Range<u64>, oneshot::Sender<Result<Bytes>>);

/// Runs blocking `work` on a thread for it and fetches for it, here, what it reads.
///
/// Dropped, it answers no more questions, so that the work ends at its next one.
pub(super) async fn with_content<T: Send + 'static>(
    parts: &Parts,
    record: &UploadRecord,
    work: impl FnOnce(Content) -> T + Send + 'static,
) -> Result<T> {
    let (ask, mut questions) = mpsc::channel::<Question>(1);
    let content = Content {
        ask,
        size: record.bytes,
        at: 0,
    };
    let work = tokio::task::spawn_blocking(move || work(content));
    while let Some((range, answer)) = questions.recv().await {
        let stream = parts.read(record.id, record.part_size, range);
        let fetched = stream
            .try_fold(Vec::new(), |mut all, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            })
            .await;
        // Nobody waits for an answer after the work has ended.
        drop(answer.send(fetched.map(Bytes::from)));
    }
    work.await.map_err(|cause| {
        Error::new(
            ErrorKind::Unexpected,
            "upload.check",
            "the check was broken off",
        )
        .with_source(cause)
    })
}

/// Content as the standard library reads it. Blocks; not for a thread of the runtime.
#[derive(Debug)]
pub(super) struct Content {
    ask: mpsc::Sender<Question>,
    size: u64,
    at: u64,
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.at.saturating_add(buffer.len() as u64).min(self.size);
        if self.at >= end {
            return Ok(0);
        }
        let gone = || io::Error::other("nobody fetches content any more");
        let (answer, fetched) = oneshot::channel();
        self.ask
            .blocking_send((self.at..end, answer))
            .map_err(|_| gone())?;
        let bytes = fetched.blocking_recv().map_err(|_| gone())?;
        let bytes = bytes.map_err(io::Error::other)?;
        let taken = bytes.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..taken), bytes.get(..taken)) {
            to.copy_from_slice(from);
        }
        self.at += taken as u64;
        Ok(taken)
    }
}

impl Seek for Content {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
