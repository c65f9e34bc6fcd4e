//! Content that is looked at through a small window.

use std::io::{self, Read, Seek, SeekFrom};

use super::verdict::Reason;

/// Why a check stops.
#[derive(Debug)]
pub(super) enum Fault {
    /// The file is refused.
    Reject(Reason),
    /// The file cannot be read now; nothing is known about it.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self::Reject(reason)
    }
}

pub(super) type Checked<T> = Result<T, Fault>;

/// Random access to a file of any size, with one page of it in memory.
#[derive(Debug)]
pub(super) struct Window<R> {
    inner: R,
    size: u64,
    /// Where the page begins.
    at: u64,
    page: Vec<u8>,
}

impl<R: Read + Seek> Window<R> {
    /// Bytes of a page, and the most that can be looked at at once.
    pub(super) const PAGE: usize = 128 * 1024;

    pub(super) fn new(mut inner: R) -> io::Result<Self> {
        let size = inner.seek(SeekFrom::End(0))?;
        Ok(Self {
            inner,
            size,
            at: 0,
            page: Vec::new(),
        })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Looks at exactly `length` bytes, at most a page.
    pub(super) fn bytes(&mut self, at: u64, length: usize) -> Checked<&[u8]> {
        let end = at.checked_add(length as u64);
        if end.is_none_or(|end| end > self.size) || length > Self::PAGE {
            return Err(Reason::Truncated.into());
        }
        let found = self.some(at, length)?;
        found.get(..length).ok_or(Fault::Reject(Reason::Truncated))
    }

    /// Looks at what there is from `at` on: at least `wanted` bytes (at most a page) unless the file
    /// ends before. Empty only at the end.
    pub(super) fn some(&mut self, at: u64, wanted: usize) -> Checked<&[u8]> {
        let rest = self.size.saturating_sub(at);
        let wanted = usize::try_from(rest).unwrap_or(usize::MAX).min(wanted);
        let held = at
            .checked_sub(self.at)
            .and_then(|skip| usize::try_from(skip).ok())
            .and_then(|skip| self.page.len().checked_sub(skip));
        if held.is_none_or(|held| held < wanted || held == 0) && rest > 0 {
            self.turn(at, rest)?;
        }
        let skip = usize::try_from(at.saturating_sub(self.at)).unwrap_or(usize::MAX);
        Ok(self.page.get(skip..).unwrap_or_default())
    }

    fn turn(&mut self, at: u64, rest: u64) -> Checked<()> {
        let length = usize::try_from(rest).unwrap_or(usize::MAX).min(Self::PAGE);
        self.page.clear();
        self.page.resize(length, 0);
        self.at = at;
        self.inner.seek(SeekFrom::Start(at))?;
        if let Err(error) = self.inner.read_exact(&mut self.page) {
            self.page.clear();
            return Err(error.into());
        }
        Ok(())
    }

    pub(super) fn byte(&mut self, at: u64) -> Checked<u8> {
        Ok(self.array::<1>(at)?[0])
    }

    pub(super) fn array<const N: usize>(&mut self, at: u64) -> Checked<[u8; N]> {
        let bytes = self.bytes(at, N)?;
        bytes
            .try_into()
            .map_err(|_| Fault::Reject(Reason::Truncated))
    }

    pub(super) fn be16(&mut self, at: u64) -> Checked<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    pub(super) fn be32(&mut self, at: u64) -> Checked<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    pub(super) fn le16(&mut self, at: u64) -> Checked<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(super) fn le32(&mut self, at: u64) -> Checked<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    /// Hands every byte of a range over, in order and in pieces.
    pub(super) fn each(
        &mut self,
        range: std::ops::Range<u64>,
        mut take: impl FnMut(&[u8]) -> Checked<()>,
    ) -> Checked<()> {
        let mut at = range.start;
        while at < range.end {
            let rest = usize::try_from(range.end - at).unwrap_or(usize::MAX);
            let found = self.some(at, 1)?;
            let piece = found.get(..rest.min(found.len())).unwrap_or_default();
            if piece.is_empty() {
                return Err(Reason::Truncated.into());
            }
            take(piece)?;
            at += piece.len() as u64;
        }
        Ok(())
    }
}
