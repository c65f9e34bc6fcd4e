//! Opening piece by piece, without I/O.

use std::fmt;

use crate::engine::crypto::cipher::TAG;
use crate::error::Result;

use super::chunks::misused;
use super::failure::SealedError;
use super::header::{HEADER, Header, ObjectKeys};
use super::key::SealKey;
use super::sealer::keep;
use super::size::{ChunkSize, Layout};

/// Opens one object: its bytes go in by pieces of any size, checked plaintext comes out in order.
///
/// Made by [`SealKey::open`](super::SealKey::open). Holds at most two chunks. No plaintext of a chunk comes out before
/// its tag was checked, and only [`Opener::finish`] proves that nothing is missing. After an error it gives that error
/// again, and nothing more.
pub struct Opener {
    state: State,
    /// The beginning of the header, or of a chunk. A whole chunk waits until it is known whether it is the last.
    buffer: Vec<u8>,
    /// Bytes taken so far.
    fed: u64,
    expected: Option<u64>,
}

enum State {
    Header(SealKey),
    Chunks(Chunks),
    Failed(SealedError),
}

struct Chunks {
    keys: ObjectKeys,
    size: ChunkSize,
    /// Of the next chunk.
    index: u32,
    /// Plaintext given out so far.
    length: u64,
    /// Whether the last chunk that comes is the last of the object.
    to_the_end: bool,
}

impl Opener {
    pub(super) fn new(key: SealKey) -> Self {
        Self {
            state: State::Header(key),
            buffer: Vec::new(),
            fed: 0,
            expected: None,
        }
    }

    /// Opens the chunks from `first` on; with `to_the_end` up to the last one of the object.
    pub(super) fn of_chunks(
        keys: ObjectKeys,
        size: ChunkSize,
        first: u32,
        to_the_end: bool,
    ) -> Self {
        Self {
            state: State::Chunks(Chunks {
                keys,
                size,
                index: first,
                length: 0,
                to_the_end,
            }),
            buffer: Vec::new(),
            fed: 0,
            expected: None,
        }
    }

    /// States how many bytes will come, if that is known. A cut is then told from a change wherever it is.
    #[must_use]
    pub fn expecting(mut self, sealed_length: u64) -> Self {
        self.expected = Some(sealed_length);
        self
    }

    /// Takes bytes of the object and appends to `out` the plaintext of the chunks that are whole.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt), with a [`SealedError`] as its cause:
    /// - [`SealedError::Header`] and [`SealedError::WrongKeyOrContext`]: before any plaintext.
    /// - [`SealedError::Corrupt`]: what was appended before is good, nothing of that chunk is there.
    pub fn update(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.fed = self.fed.saturating_add(sealed.len() as u64);
        let fed = self.feed(sealed, out);
        self.keep(fed)
    }

    /// Checks the last chunk, appends its plaintext to `out` and returns how long all of it is.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt), with a [`SealedError`] as its cause:
    /// [`SealedError::Truncated`], and those of [`Opener::update`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<u64> {
        self.last(out)
    }

    /// How many bytes wait.
    pub(super) fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// The size of the chunks, once the header is read.
    pub(super) fn chunk_size(&self) -> Option<ChunkSize> {
        match &self.state {
            State::Chunks(chunks) => Some(chunks.size),
            _ => None,
        }
    }

    /// Opens whole chunks in a buffer of the caller's, without a copy: not the last ones, those go to
    /// [`Opener::finish_in_place`]. The plaintext stays where it is, without the last 16 bytes of each chunk.
    ///
    /// The header comes before, by [`Opener::update`].
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): the chunks are not whole, or others wait.
    /// - As [`Opener::update`]. Nothing in `run` may be used then.
    pub fn open_in_place(&mut self, run: &mut [u8]) -> Result<()> {
        self.run(false, run)
    }

    /// Opens the rest of the object in a buffer of the caller's and returns the length of the plaintext.
    ///
    /// # Errors
    /// As [`Opener::open_in_place`] and [`Opener::finish`].
    pub fn finish_in_place(mut self, run: &mut [u8]) -> Result<u64> {
        self.run(true, run)?;
        match &self.state {
            State::Chunks(chunks) => Ok(chunks.length),
            _ => Err(SealedError::Truncated.into()),
        }
    }

    fn run(&mut self, last: bool, run: &mut [u8]) -> Result<()> {
        self.fed = self.fed.saturating_add(run.len() as u64);
        let opened = self.run_inner(last, run);
        self.keep(opened)
    }

    fn run_inner(&mut self, last: bool, run: &mut [u8]) -> Result<()> {
        let (fed, expected) = (self.fed, self.expected);
        let empty = self.buffer.is_empty();
        let chunks = self.chunks()?;
        if !empty {
            return Err(misused("what comes before this run waits"));
        }
        if expected.is_some_and(|expected| fed > expected || (last && fed < expected)) {
            return Err(SealedError::Truncated.into());
        }
        let slots = run.len().div_ceil(chunks.size.sealed_bytes());
        chunks.keys.open_run(chunks.size, chunks.index, last, run)?;
        chunks.advance(slots, run.len().saturating_sub(slots * TAG))
    }

    fn feed(&mut self, mut sealed: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if let State::Header(key) = &self.state {
            let (head, rest) = sealed.split_at(sealed.len().min(HEADER - self.buffer.len()));
            self.buffer.extend_from_slice(head);
            sealed = rest;
            let Ok(header) = self.buffer.as_slice().try_into() else {
                return Ok(());
            };
            let header = Header::parse(header)?;
            let keys = key.unlock(&header)?;
            self.buffer.clear();
            self.state = State::Chunks(Chunks {
                keys,
                size: header.chunk_size(),
                index: 0,
                length: 0,
                to_the_end: true,
            });
        }
        let (fed, expected) = (self.fed, self.expected);
        let mut buffer = std::mem::take(&mut self.buffer);
        let chunks = self.chunks()?;
        if expected.is_some_and(|expected| fed > expected) {
            return Err(SealedError::Corrupt {
                chunk: chunks.index,
            }
            .into());
        }
        let size = chunks.size.sealed_bytes();
        while !sealed.is_empty() {
            if buffer.is_empty() && sealed.len() > size {
                let (chunk, rest) = sealed.split_at(size);
                chunks.append(false, chunk, out)?;
                sealed = rest;
                continue;
            }
            if buffer.len() == size {
                // More follows, so it is not the last.
                chunks.append(false, &buffer, out)?;
                buffer.clear();
                continue;
            }
            let (head, rest) = sealed.split_at(sealed.len().min(size - buffer.len()));
            keep(&mut buffer, head, size);
            sealed = rest;
        }
        self.buffer = buffer;
        Ok(())
    }

    fn last(&mut self, out: &mut Vec<u8>) -> Result<u64> {
        if matches!(self.state, State::Header(_)) {
            return Err(SealedError::of_start(&self.buffer).into());
        }
        let short = self.expected.is_some_and(|expected| self.fed < expected);
        let buffer = std::mem::take(&mut self.buffer);
        let chunks = self.chunks()?;
        if short {
            return Err(SealedError::Truncated.into());
        }
        chunks.append(chunks.to_the_end, &buffer, out)?;
        Ok(chunks.length)
    }

    fn chunks(&mut self) -> Result<&mut Chunks> {
        match &mut self.state {
            State::Chunks(chunks) => Ok(chunks),
            State::Failed(failure) => Err((*failure).into()),
            State::Header(_) => Err(misused("the header comes first")),
        }
    }

    /// Keeps the first failure: nothing more comes after it.
    fn keep<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            let failure = SealedError::of(error).unwrap_or(SealedError::WrongKeyOrContext);
            self.state = State::Failed(failure);
            self.buffer = Vec::new();
        }
        result
    }
}

/// Shows how far it is; nothing of keys and content.
impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Opener");
        match &self.state {
            State::Header(_) => shown.field("fed", &self.fed),
            State::Chunks(chunks) => shown.field("index", &chunks.index),
            State::Failed(failure) => shown.field("failed", failure),
        };
        shown.finish_non_exhaustive()
    }
}

impl Chunks {
    fn append(&mut self, last: bool, sealed: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let from = out.len();
        out.extend_from_slice(sealed);
        let (_, chunk) = out.split_at_mut(from);
        let opened = if last {
            self.keys.open_last(self.size, self.index, chunk)
        } else {
            self.keys.open_chunk(self.index, false, chunk)
        };
        // What was refused must not be seen, and a tag is no plaintext.
        out.truncate(from + opened.unwrap_or(0));
        self.advance(1, opened?)
    }

    fn advance(&mut self, chunks: usize, plain: usize) -> Result<()> {
        let length = self.length.saturating_add(plain as u64);
        let index = u32::try_from(chunks)
            .ok()
            .and_then(|chunks| self.index.checked_add(chunks));
        // Longer than a writer of this format makes them: none has sealed this.
        let (Some(index), Ok(_)) = (index, Layout::of_plain(self.size, length)) else {
            return Err(SealedError::Corrupt { chunk: self.index }.into());
        };
        self.index = index;
        self.length = length;
        Ok(())
    }
}
