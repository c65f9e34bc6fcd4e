//! How many bytes are where.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};

use super::failure::SealedError;
use super::header::HEADER;
use crate::engine::crypto::cipher::TAG;

/// The size of a chunk of plaintext: a power of two from 16 KiB to 4 MiB; 64 KiB by default.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChunkSize(u8);

impl Default for ChunkSize {
    fn default() -> Self {
        Self(16)
    }
}

impl ChunkSize {
    /// Makes a size from its binary logarithm, 14 to 22.
    #[must_use]
    pub const fn from_log2(log2: u8) -> Option<Self> {
        match log2 {
            14..=22 => Some(Self(log2)),
            _ => None,
        }
    }

    /// Returns its binary logarithm.
    #[must_use]
    pub const fn log2(self) -> u8 {
        self.0
    }

    /// Returns it in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        1 << self.0
    }

    /// The longest file that is sealed with chunks of this size.
    pub(super) const fn most(self) -> u64 {
        let counted = self.plain() * u32::MAX as u64;
        if counted < Layout::MAX_LENGTH {
            counted
        } else {
            Layout::MAX_LENGTH
        }
    }

    /// A whole chunk with its tag.
    pub(crate) const fn sealed_bytes(self) -> usize {
        self.bytes() + TAG
    }

    const fn plain(self) -> u64 {
        1 << self.0
    }

    const fn sealed(self) -> u64 {
        self.plain() + TAG as u64
    }
}

/// Where the chunks of one object lie. Follows from its chunk size and its length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Layout {
    chunk: ChunkSize,
    /// Of plaintext.
    length: u64,
}

impl Layout {
    /// The most bytes of one file: 64 TiB. Beyond, the cipher's margin would wear thin.
    pub const MAX_LENGTH: u64 = 1 << 46;

    /// Lays out a file of `length` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`]: more than [`Layout::MAX_LENGTH`], or more than 2³² − 1 chunks.
    pub fn of_plain(chunk: ChunkSize, length: u64) -> Result<Self> {
        let layout = Self { chunk, length };
        if length > chunk.most() {
            return Err(too_long().with_context("length", length));
        }
        Ok(layout)
    }

    /// Finds the layout of a sealed object of `sealed` bytes.
    ///
    /// # Errors
    /// - [`ErrorKind::Corrupt`]: no file has a sealed object of this length ([`SealedError::Truncated`]).
    /// - As [`Layout::of_plain`].
    pub fn of_sealed(chunk: ChunkSize, sealed: u64) -> Result<Self> {
        let wrong = || {
            SealedError::Truncated
                .with_message("sealed.layout", "no sealed object has this length")
                .with_context("length", sealed)
        };
        let body = sealed.checked_sub(HEADER as u64).ok_or_else(wrong)?;
        let chunks = body.div_ceil(chunk.sealed()).max(1);
        let length = body.checked_sub(chunks * TAG as u64).ok_or_else(wrong)?;
        let layout = Self::of_plain(chunk, length)?;
        // One encoding for each length: an empty last chunk behind others is none.
        if layout.sealed_length() != sealed {
            return Err(wrong());
        }
        Ok(layout)
    }

    /// Returns the length of the longest file whose object has at most `room` bytes.
    pub(crate) const fn longest_within(chunk: ChunkSize, room: u64) -> u64 {
        let body = room.saturating_sub(HEADER as u64);
        let (whole, rest) = (body / chunk.sealed(), body % chunk.sealed());
        // Behind whole chunks there is another only if it holds something.
        let length = whole * chunk.plain() + rest.saturating_sub(TAG as u64);
        if length < chunk.most() {
            length
        } else {
            chunk.most()
        }
    }

    /// Returns the size of the chunks.
    #[must_use]
    pub const fn chunk_size(&self) -> ChunkSize {
        self.chunk
    }

    /// Returns the length of the plaintext in bytes.
    #[must_use]
    pub const fn plain_length(&self) -> u64 {
        self.length
    }

    /// Returns the length of the sealed object in bytes: `72 + length + 16 × chunks`.
    #[must_use]
    pub const fn sealed_length(&self) -> u64 {
        HEADER as u64 + self.length + self.chunks() * TAG as u64
    }

    /// Returns how many chunks there are; an empty file has one.
    #[must_use]
    pub const fn chunks(&self) -> u64 {
        let chunks = self.length.div_ceil(self.chunk.plain());
        if chunks == 0 { 1 } else { chunks }
    }

    /// Tells whether `index` is the last chunk.
    #[must_use]
    pub const fn is_last(&self, index: u64) -> bool {
        index.saturating_add(1) == self.chunks()
    }

    /// Returns where chunk `index` lies in the object; an empty range at its end if there is no such chunk.
    #[must_use]
    pub const fn sealed_range(&self, index: u64) -> Range<u64> {
        let whole = self.sealed_length();
        let start = index
            .saturating_mul(self.chunk.sealed())
            .saturating_add(HEADER as u64);
        let end = start.saturating_add(self.chunk.sealed());
        if start > whole {
            return whole..whole;
        }
        start..if end < whole { end } else { whole }
    }

    /// Returns the chunks that hold the bytes of `range`, cut to the file.
    #[must_use]
    pub fn chunks_of(&self, range: &Range<u64>) -> Range<u64> {
        let end = range.end.min(self.length);
        if range.start >= end {
            return 0..0;
        }
        range.start / self.chunk.plain()..end.div_ceil(self.chunk.plain())
    }
}

pub(super) fn too_long() -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        "sealed.layout",
        "the file is too large to be sealed with chunks of this size",
    )
}
