//! Sealing piece by piece, without I/O.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

use super::chunks::misused;
use super::header::{HEADER, Header, ObjectKeys};
use super::size::{ChunkSize, Layout};
use crate::engine::crypto::cipher::TAG;

/// Seals one object: plaintext goes in by pieces of any size, the bytes of the object come out in order.
///
/// Made by [`SealKey::seal`](super::SealKey::seal). Holds at most one chunk. After an error it gives nothing more.
///
/// Who has buffers with room for tags seals without a copy: [`Sealer::seal_in_place`].
pub struct Sealer {
    keys: ObjectKeys,
    chunk: ChunkSize,
    /// Until it was given out.
    header: Option<[u8; HEADER]>,
    /// Of the next chunk.
    index: u32,
    /// Plaintext taken so far.
    length: u64,
    expected: Option<u64>,
    /// The plaintext of the chunk in the making. A whole one waits until it is known whether it is the last.
    buffer: Vec<u8>,
    failed: bool,
}

impl Sealer {
    pub(super) fn new(header: &Header, keys: ObjectKeys) -> Self {
        Self {
            keys,
            chunk: header.chunk_size(),
            header: Some(header.to_bytes()),
            index: 0,
            length: 0,
            expected: None,
            buffer: Vec::new(),
            failed: false,
        }
    }

    /// States how many bytes will come; any other number is then an error.
    ///
    /// # Errors
    /// As [`Layout::of_plain`].
    pub fn expecting(mut self, length: u64) -> Result<Self> {
        Layout::of_plain(self.chunk, length)?;
        self.expected = Some(length);
        Ok(self)
    }

    /// Takes plaintext and appends to `out` what of the object is ready, the header first.
    ///
    /// # Errors
    /// - [`ErrorKind::Changed`]: more bytes than [stated](Sealer::expecting).
    /// - [`ErrorKind::LimitExceeded`]: more than [`Layout::of_plain`] allows.
    /// - [`ErrorKind::InvalidInput`]: there was an error before.
    pub fn update(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.count(plain.len())?;
        out.extend(self.header.take().into_iter().flatten());
        let size = self.chunk.bytes();
        let mut plain = plain;
        if !self.buffer.is_empty() {
            let (head, rest) = plain.split_at(plain.len().min(size - self.buffer.len()));
            keep(&mut self.buffer, head, size);
            if rest.is_empty() {
                return Ok(());
            }
            // More follows, so it is whole and not the last.
            let mut buffer = std::mem::take(&mut self.buffer);
            self.append(false, &buffer, out)?;
            buffer.clear();
            self.buffer = buffer;
            plain = rest;
        }
        while plain.len() > size {
            let (chunk, rest) = plain.split_at(size);
            self.append(false, chunk, out)?;
            plain = rest;
        }
        keep(&mut self.buffer, plain, size);
        Ok(())
    }

    /// Appends the last chunk to `out` and returns what the object measures.
    ///
    /// # Errors
    /// - [`ErrorKind::Changed`]: fewer bytes than [stated](Sealer::expecting).
    /// - [`ErrorKind::InvalidInput`]: there was an error before.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Layout> {
        let layout = self.layout()?;
        out.extend(self.header.take().into_iter().flatten());
        let last = std::mem::take(&mut self.buffer);
        self.append(true, &last, out)?;
        Ok(layout)
    }

    /// Hands the header out, to who seals in place; once.
    pub fn take_header(&mut self) -> Option<[u8; HEADER]> {
        self.header.take()
    }

    /// Seals whole chunks in a buffer of the caller's, without a copy. Not the last ones: those go to
    /// [`Sealer::finish_in_place`].
    ///
    /// `run` has a slot for each chunk: the [size](ChunkSize::bytes) of a chunk in plaintext, then 16 bytes of
    /// room for its tag.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: the slots are not whole, the header was not
    ///   [taken](Sealer::take_header), or plaintext came by [`Sealer::update`] and waits.
    /// - As [`Sealer::update`].
    pub fn seal_in_place(&mut self, run: &mut [u8]) -> Result<()> {
        self.run(false, run)
    }

    /// Seals the rest of the file in a buffer of the caller's. The last slot may be shorter: 1 byte and room for a
    /// tag at least; nothing and room for a tag if the whole file is empty.
    ///
    /// # Errors
    /// As [`Sealer::seal_in_place`] and [`Sealer::finish`].
    pub fn finish_in_place(mut self, run: &mut [u8]) -> Result<Layout> {
        self.run(true, run)?;
        self.layout()
    }

    pub(super) const fn chunk_size(&self) -> ChunkSize {
        self.chunk
    }

    /// How many bytes wait.
    pub(super) const fn waiting(&self) -> usize {
        self.buffer.len()
    }

    fn run(&mut self, last: bool, run: &mut [u8]) -> Result<()> {
        if self.header.is_some() || !self.buffer.is_empty() {
            self.failed = true;
            return Err(misused("what comes before this run was not given out"));
        }
        let slots = run.len().div_ceil(self.chunk.sealed_bytes());
        self.count(run.len().saturating_sub(slots * TAG))?;
        let sealed = self.keys.seal_run(self.chunk, self.index, last, run);
        self.failed = sealed.is_err();
        sealed?;
        // INVARIANT: `count` allows no more chunks than fit.
        self.index = self
            .index
            .saturating_add(u32::try_from(slots).unwrap_or(u32::MAX));
        Ok(())
    }

    fn append(&mut self, last: bool, plain: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let from = out.len();
        out.reserve(plain.len() + TAG);
        out.extend_from_slice(plain);
        let (_, chunk) = out.split_at_mut(from);
        match self.keys.seal(self.index, last, chunk) {
            Ok(tag) => out.extend_from_slice(&tag),
            Err(error) => {
                // Plaintext stays where it was.
                out.truncate(from);
                self.failed = true;
                return Err(error);
            }
        }
        // INVARIANT: `count` allows no more chunks than fit.
        self.index = self.index.saturating_add(1);
        Ok(())
    }

    /// Counts what comes, before anything of it is sealed.
    fn count(&mut self, more: usize) -> Result<()> {
        self.intact()?;
        let length = self.length.saturating_add(more as u64);
        let checked = match self.expected {
            Some(expected) if length > expected => Err(changed(expected)),
            Some(_) => Ok(()),
            None => Layout::of_plain(self.chunk, length).map(|_| ()),
        };
        self.failed = checked.is_err();
        self.length = length;
        checked
    }

    fn layout(&self) -> Result<Layout> {
        self.intact()?;
        match self.expected {
            Some(expected) if self.length != expected => Err(changed(expected)),
            _ => Layout::of_plain(self.chunk, self.length),
        }
    }

    fn intact(&self) -> Result<()> {
        if self.failed {
            return Err(misused("sealing failed before"));
        }
        Ok(())
    }
}

/// Shows how far it is; nothing of keys and content.
impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("chunk", &self.chunk)
            .field("index", &self.index)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// Appends to a buffer that will hold `most` bytes, and never takes memory for more.
pub(super) fn keep(buffer: &mut Vec<u8>, bytes: &[u8], most: usize) {
    let needed = buffer.len().saturating_add(bytes.len());
    if needed > buffer.capacity() {
        let room = needed.max(buffer.capacity().saturating_mul(2).min(most));
        buffer.reserve_exact(room - buffer.len());
    }
    buffer.extend_from_slice(bytes);
}

fn changed(expected: u64) -> Error {
    Error::new(
        ErrorKind::Changed,
        "sealed.seal",
        "the file has not the length that was stated",
    )
    .with_context("stated", expected)
}
