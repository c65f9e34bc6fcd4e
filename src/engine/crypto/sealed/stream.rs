//! Sealing and opening streams, off the threads that drive futures.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};

use crate::engine::crypto::blocking::off_runtime;
use crate::engine::crypto::cipher::TAG;
use crate::error::Result;

use super::header::HEADER;
use super::opener::Opener;
use super::sealer::Sealer;
use super::size::ChunkSize;

/// What is cheaper to do at once than to hand to another thread: some 10 µs of work.
const INLINE: usize = 16 << 10;

/// How many pieces are gathered at most, so that tiny ones do not weigh more than their bytes.
const PIECES: usize = 256;

/// What takes bytes in and gives bytes out.
pub(super) trait Machine: Send + 'static {
    /// How many bytes it takes to give a chunk; those of the header as long as that is not known.
    fn slot(&self) -> usize;

    /// How many bytes wait in it.
    fn waiting(&self) -> usize;

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()>;

    fn end(self, out: &mut Vec<u8>) -> Result<()>;
}

impl Machine for Sealer {
    fn slot(&self) -> usize {
        self.chunk_size().bytes()
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
    fn slot(&self) -> usize {
        self.chunk_size().map_or(HEADER, ChunkSize::sealed_bytes)
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
///
/// Three chunks at most are held: what waits in the machine, what is fed to it, what comes out.
pub(super) fn pump<M: Machine>(
    machine: M,
    input: impl Stream<Item = Result<Bytes>> + Send + 'static,
) -> BoxStream<'static, Result<Bytes>> {
    let start = Pump {
        machine: Some(machine),
        input: input.boxed(),
        rest: Bytes::new(),
        ended: false,
    };
    stream::try_unfold(start, |mut pump| async move {
        while let Some(machine) = pump.machine.take() {
            let out = if pump.ended {
                end(machine).await?
            } else {
                let pieces = pump.gather(machine.slot()).await?;
                let (machine, out) = take(machine, pieces).await?;
                pump.machine = Some(machine);
                out
            };
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
    /// Whether all of the input was taken.
    ended: bool,
}

impl<M> Pump<M> {
    /// Takes the next bytes, about `step` of them.
    async fn gather(&mut self, step: usize) -> Result<Vec<Bytes>> {
        let (mut pieces, mut size) = (Vec::new(), 0);
        while size < step && pieces.len() < PIECES {
            if self.rest.is_empty() {
                match self.input.next().await {
                    Some(piece) => self.rest = piece?,
                    None => {
                        self.ended = true;
                        break;
                    }
                }
            }
            let piece = self.rest.split_to(self.rest.len().min(step - size));
            size += piece.len();
            if !piece.is_empty() {
                pieces.push(piece);
            }
        }
        Ok(pieces)
    }
}

async fn take<M: Machine>(mut machine: M, pieces: Vec<Bytes>) -> Result<(M, Vec<u8>)> {
    let amount = machine.waiting() + pieces.iter().map(Bytes::len).sum::<usize>();
    // All but what will wait, with room for a header and a tag: not one byte is moved for want of room.
    let slot = machine.slot();
    let room = amount.saturating_sub(1) / slot * slot + HEADER + TAG;
    run(amount, move || {
        let mut out = Vec::with_capacity(room);
        for piece in pieces {
            machine.take(&piece, &mut out)?;
        }
        Ok((machine, out))
    })
    .await
}

async fn end<M: Machine>(machine: M) -> Result<Vec<u8>> {
    let amount = machine.waiting();
    run(amount, move || {
        let mut out = Vec::with_capacity(amount + HEADER + TAG);
        machine.end(&mut out)?;
        Ok(out)
    })
    .await
}

async fn run<T: Send + 'static>(
    amount: usize,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if amount <= INLINE {
        return work();
    }
    off_runtime("sealed.stream", work).await
}
