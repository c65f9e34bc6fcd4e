//! The copy that is given out: the original with pieces left out.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A copy of a file as a list of its pieces, so that it needs no bytes of its own.
///
/// Metadata is cut out or blanked, not rewritten, and no pixel is decoded: the pictures are bit for
/// bit the same.
///
/// # Example
///
/// ```
/// use std::io::Cursor;
/// use garland::upload::Delivery;
///
/// let copy = Delivery::whole(5);
/// let mut out = Vec::new();
/// copy.write(&mut Cursor::new(b"hello"), &mut out)?;
/// assert_eq!(out, b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Delivery(Vec<Piece>);

/// A part of a [`Delivery`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Piece {
    /// Bytes of the original, from an offset up to but not including another.
    Keep(Range<u64>),
    /// Other bytes.
    Bytes(Vec<u8>),
    /// So many zeros.
    Zeros(u64),
}

impl Piece {
    /// Returns its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Keep(range) => range.end.saturating_sub(range.start),
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Zeros(count) => *count,
        }
    }

    /// Returns the part of it that lies between two of its offsets.
    pub(super) fn part(&self, range: &Range<u64>) -> Self {
        match self {
            Self::Keep(own) => {
                let start = own.start.saturating_add(range.start).min(own.end);
                Self::Keep(start..own.start.saturating_add(range.end).min(own.end))
            }
            Self::Bytes(bytes) => {
                let [start, end] = [range.start, range.end]
                    .map(|at| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len()));
                Self::Bytes(bytes.get(start..end).unwrap_or_default().to_vec())
            }
            Self::Zeros(count) => Self::Zeros(range.end.min(*count).saturating_sub(range.start)),
        }
    }
}

impl Delivery {
    /// Most pieces of a copy: those of a film of two hours that has something to leave out every second.
    pub const MAX_PIECES: usize = 16_384;

    /// Most pieces of a copy of a picture that is put together while it is walked.
    const MAX_PIECES_OF_A_PICTURE: usize = 512;

    /// Makes a copy of a whole file of `size` bytes.
    #[must_use]
    pub fn whole(size: u64) -> Self {
        let mut copy = Self::default();
        copy.keep(0..size);
        copy
    }

    /// Returns the pieces, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// Returns the size of the copy in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.iter().map(Piece::size).fold(0, u64::saturating_add)
    }

    /// Returns what lies between two offsets of the copy.
    #[must_use]
    pub fn range(&self, range: &Range<u64>) -> Self {
        let (mut at, mut out) = (0u64, Vec::new());
        for piece in &self.0 {
            let end = at.saturating_add(piece.size());
            let [from, to] = [range.start, range.end].map(|edge| edge.clamp(at, end));
            if from < to {
                out.push(piece.part(&(from - at..to - at)));
            }
            at = end;
        }
        Self(out)
    }

    /// Writes the copy, given the original.
    ///
    /// # Errors
    /// Those of the reader and the writer; an original that has become shorter is
    /// [`io::ErrorKind::UnexpectedEof`].
    pub fn write(&self, original: &mut (impl Read + Seek), out: &mut impl Write) -> io::Result<()> {
        for piece in &self.0 {
            match piece {
                Piece::Keep(range) => {
                    original.seek(SeekFrom::Start(range.start))?;
                    let wanted = piece.size();
                    if io::copy(&mut original.by_ref().take(wanted), out)? != wanted {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Piece::Bytes(bytes) => out.write_all(bytes)?,
                Piece::Zeros(count) => {
                    io::copy(&mut io::repeat(0).take(*count), out)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= Self::MAX_PIECES_OF_A_PICTURE
    }

    pub(super) fn keep(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(Piece::Keep(last)) if last.end == range.start => last.end = range.end,
            _ => self.0.push(Piece::Keep(range)),
        }
    }

    pub(super) fn insert(&mut self, bytes: Vec<u8>) {
        self.0.push(Piece::Bytes(bytes));
    }

    pub(super) fn zeros(&mut self, count: u64) {
        if count > 0 {
            self.0.push(Piece::Zeros(count));
        }
    }
}
