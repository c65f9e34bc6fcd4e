//! One direction of a connection.

use std::io;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use super::framing::{Framing, Piece};
use super::head::LONGEST;

/// How much is read at a time.
const PIECE: usize = 64 << 10;

/// What comes from one side, read ahead a little.
#[derive(Debug)]
pub(super) struct Incoming {
    half: OwnedReadHalf,
    buffer: BytesMut,
}

/// How the bytes of a body are changed on their way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spoil {
    /// Stop after so many bytes of the body itself.
    pub(super) most: Option<u64>,
    /// Change a bit of this one, from 0.
    pub(super) flip: Option<u64>,
}

/// How far a body has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Passed {
    /// Bytes of the body itself that were passed on.
    pub(super) bytes: u64,
    pub(super) flipped: bool,
    /// Whether it was all.
    pub(super) whole: bool,
}

impl Incoming {
    pub(super) fn new(half: OwnedReadHalf) -> Self {
        Self {
            half,
            buffer: BytesMut::new(),
        }
    }

    pub(super) fn socket(&self) -> &TcpStream {
        self.half.as_ref()
    }

    /// Reads more; `false` at the end.
    async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(PIECE);
        Ok(self.half.read_buf(&mut self.buffer).await? > 0)
    }

    /// Reads a head; `None` if the other side has closed before it began.
    pub(super) async fn head<T>(
        &mut self,
        parse: impl Fn(&[u8]) -> io::Result<Option<(T, usize)>>,
    ) -> io::Result<Option<T>> {
        loop {
            if let Some((head, length)) = parse(&self.buffer)? {
                self.buffer.advance(length);
                return Ok(Some(head));
            }
            if self.buffer.len() > LONGEST {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the head is too long",
                ));
            }
            if !self.fill().await? {
                let empty = self.buffer.is_empty();
                return if empty {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// Passes a body on to its end, or as far as `spoil` lets it come.
    ///
    /// If the other side takes no more, the body is read to its end all the same: an answer may have come early.
    pub(super) async fn pass(
        &mut self,
        to: &mut (impl AsyncWrite + Unpin),
        mut framing: Framing,
        spoil: Spoil,
    ) -> io::Result<Passed> {
        let mut passed = Passed {
            bytes: 0,
            flipped: false,
            whole: false,
        };
        let mut is_open = true;
        loop {
            let (mut count, is_data) = match framing.next(&self.buffer) {
                Piece::Over => break,
                Piece::More if self.fill().await? => continue,
                Piece::More if framing == Framing::UntilClosed => break,
                Piece::More => return Err(io::ErrorKind::UnexpectedEof.into()),
                Piece::Broken => return Err(io::ErrorKind::InvalidData.into()),
                Piece::Frame(count) => (count, false),
                Piece::Data(count) => (count, true),
            };
            let mut stops = false;
            if is_data {
                let left = spoil.most.map(|most| most.saturating_sub(passed.bytes));
                if let Some(left) = left.filter(|left| *left < count as u64) {
                    count = usize::try_from(left).unwrap_or(count);
                    stops = true;
                }
                passed.flipped |= self.flip(spoil.flip, passed.bytes, count);
                passed.bytes += count as u64;
            }
            let piece = self.buffer.split_to(count);
            is_open = is_open && to.write_all(&piece).await.is_ok();
            if stops {
                to.flush().await?;
                return Ok(passed);
            }
        }
        passed.whole = true;
        if is_open {
            to.flush().await?;
        }
        Ok(passed)
    }

    /// Changes a bit of the byte at `flip` of the body if it is among the next `count`, of which `before` have gone.
    fn flip(&mut self, flip: Option<u64>, before: u64, count: usize) -> bool {
        let at = flip.and_then(|flip| flip.checked_sub(before));
        let at = at
            .and_then(|at| usize::try_from(at).ok())
            .filter(|at| *at < count);
        match at.and_then(|at| self.buffer.get_mut(at)) {
            Some(byte) => {
                *byte ^= 1;
                true
            }
            None => false,
        }
    }

    /// Waits until the other side goes away; what it still sends is thrown away.
    pub(super) async fn gone(&mut self) {
        loop {
            self.buffer.clear();
            if !matches!(self.fill().await, Ok(true)) {
                return;
            }
        }
    }
}
