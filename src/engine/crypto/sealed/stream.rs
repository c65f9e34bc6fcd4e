//! Sealing and opening streams, off the threads that drive futures.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};

use crate::error::{Error, ErrorKind, Result};

use super::opener::Opener;
use super::sealer::Sealer;

/// What is cheaper to do at once than to hand to another thread: some 30 µs of work.
const INLINE: usize = 64 << 10;

/// How many pieces are gathered at most, so that tiny ones do not weigh more than their bytes.
const PIECES: usize = 256;

/// What takes bytes in and gives bytes out.
pub(super) trait Machine: Send + 'static {
    /// How many bytes to take at once.
    fn step(&self) -> usize;

    /// How many bytes wait in it.
    fn waiting(&self) -> usize;

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()>;

    fn end(self, out: &mut Vec<u8>) -> Result<()>;
}

impl Machine for Sealer {
    fn step(&self) -> usize {
        2 * self.chunk_size().bytes()
    }

    fn waiting(&self) -> usize {
        Self::waiting(self)
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.update(bytes, out)
    }

    fn end(self, out: &mut Vec<u8>) -> Result<()> {
        self.finish(out).map(|_| ())
    }
}

impl Machine for Opener {
    fn step(&self) -> usize {
        2 * self.chunk_size().unwrap_or_default().sealed_bytes()
    }

    fn waiting(&self) -> usize {
        Self::waiting(self)
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.update(bytes, out)
    }

    fn end(self, out: &mut Vec<u8>) -> Result<()> {
        self.finish(out).map(|_| ())
    }
}

/// Runs a stream through a machine.
pub(super) fn pump<M: Machine>(
    machine: M,
    input: impl Stream<Item = Result<Bytes>> + Send + 'static,
) -> BoxStream<'static, Result<Bytes>> {
    let start = Pump {
        machine: Some(machine),
        input: input.boxed(),
        rest: Bytes::new(),
    };
    stream::try_unfold(start, |mut pump| async move {
        while let Some(machine) = pump.machine.take() {
            let (pieces, ended) = pump.gather(machine.step()).await?;
            let (machine, out) = work(machine, pieces, ended).await?;
            pump.machine = machine;
            if !out.is_empty() {
                return Ok(Some((Bytes::from(out), pump)));
            }
        }
        Ok(None)
    })
    .boxed()
}

struct Pump<M> {
    /// Gone at the end.
    machine: Option<M>,
    input: BoxStream<'static, Result<Bytes>>,
    /// Of the last piece, what was too much for one step.
    rest: Bytes,
}

impl<M> Pump<M> {
    /// Takes the next bytes, about `step` of them, and tells whether those were the last.
    async fn gather(&mut self, step: usize) -> Result<(Vec<Bytes>, bool)> {
        let (mut pieces, mut size) = (Vec::new(), 0);
        while size < step && pieces.len() < PIECES {
            if self.rest.is_empty() {
                match self.input.next().await {
                    Some(piece) => self.rest = piece?,
                    None => return Ok((pieces, true)),
                }
            }
            let piece = self.rest.split_to(self.rest.len().min(step - size));
            size += piece.len();
            if !piece.is_empty() {
                pieces.push(piece);
            }
        }
        Ok((pieces, false))
    }
}

async fn work<M: Machine>(
    mut machine: M,
    pieces: Vec<Bytes>,
    ended: bool,
) -> Result<(Option<M>, Vec<u8>)> {
    let size = pieces.iter().map(Bytes::len).sum::<usize>();
    let amount = size + machine.waiting();
    let work = move || {
        let mut out = Vec::with_capacity(size);
        for piece in pieces {
            machine.take(&piece, &mut out)?;
        }
        if ended {
            machine.end(&mut out)?;
            return Ok((None, out));
        }
        Ok((Some(machine), out))
    };
    if amount <= INLINE {
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(|cause| {
        Error::new(
            ErrorKind::Unexpected,
            "sealed.stream",
            "the work on a chunk was stopped",
        )
        .with_source(cause)
    })?
}
