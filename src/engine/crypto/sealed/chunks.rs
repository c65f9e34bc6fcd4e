//! Chunks in place: one, or a run of several.

use crate::engine::crypto::cipher::TAG;
use crate::error::{Error, ErrorKind, Result};

use super::failure::SealedError;
use super::header::ObjectKeys;
use super::size::ChunkSize;

impl ObjectKeys {
    /// Seals chunk `index` in place; its tag is to follow it.
    pub(crate) fn seal(&self, index: u32, last: bool, chunk: &mut [u8]) -> Result<[u8; TAG]> {
        self.cipher.seal(self.nonce(index, last), &[], chunk)
    }

    /// Seals a run of chunks in place, from chunk `first` on. `run` has a slot for each: its plaintext and
    /// 16 bytes of room for its tag. All slots are whole, but the last one of an object may be shorter.
    pub(crate) fn seal_run(
        &self,
        size: ChunkSize,
        first: u32,
        last: bool,
        run: &mut [u8],
    ) -> Result<()> {
        if last && run.is_empty() {
            return Err(misused("the last chunk has room for a tag at least"));
        }
        for (index, last, slot) in slots(size, first, last, run)? {
            let length = slot.len().saturating_sub(TAG);
            let (plain, room) = slot.split_at_mut(length);
            if room.len() < TAG || (plain.is_empty() && index > 0) {
                return Err(misused("a last chunk holds at least one byte"));
            }
            room.copy_from_slice(&self.seal(index, last, plain)?);
        }
        Ok(())
    }

    /// Opens a run of chunks in place, from chunk `first` on. What was in the slots stays there, without
    /// the last 16 bytes of each. After an error nothing in `run` may be used.
    pub(crate) fn open_run(
        &self,
        size: ChunkSize,
        first: u32,
        last: bool,
        run: &mut [u8],
    ) -> Result<()> {
        if last && run.is_empty() {
            return Err(SealedError::Truncated.into());
        }
        for (index, last, slot) in slots(size, first, last, run)? {
            if last {
                self.open_last(size, index, slot)?;
            } else {
                self.open_chunk(index, false, slot)?;
            }
        }
        Ok(())
    }

    /// Opens chunk `index` in place and returns how many bytes of `sealed` are now plaintext.
    pub(super) fn open_chunk(
        &self,
        index: u32,
        last: bool,
        sealed: &mut [u8],
    ) -> Result<usize, SealedError> {
        let corrupt = SealedError::Corrupt { chunk: index };
        let length = sealed.len().checked_sub(TAG).ok_or(corrupt)?;
        let (bytes, tag) = sealed.split_at_mut(length);
        let tag: &[u8; TAG] = (&*tag).try_into().map_err(|_| corrupt)?;
        self.cipher
            .open(self.nonce(index, last), &[], bytes, tag)
            .map_err(|_| corrupt)?;
        Ok(length)
    }

    /// Opens what stands last, and tells one that was cut off after a whole chunk from one that was changed.
    pub(super) fn open_last(
        &self,
        size: ChunkSize,
        index: u32,
        sealed: &mut [u8],
    ) -> Result<usize, SealedError> {
        // Behind others a last chunk holds something; what has no byte beside its tag is the start of one.
        if sealed.len() < TAG || (index > 0 && sealed.len() == TAG) {
            return Err(SealedError::Truncated);
        }
        // The cipher may spoil what it refuses, so the second look needs a copy.
        let copy = (sealed.len() == size.sealed_bytes()).then(|| sealed.to_vec());
        self.open_chunk(index, true, sealed).map_err(|failure| {
            let inner = copy.map(|mut copy| self.open_chunk(index, false, &mut copy));
            match inner {
                Some(Ok(_)) => SealedError::Truncated,
                _ => failure,
            }
        })
    }

    fn nonce(&self, index: u32, last: bool) -> [u8; 12] {
        nonce(self.prefix, index, last)
    }
}

pub(super) const fn nonce(prefix: [u8; 7], index: u32, last: bool) -> [u8; 12] {
    let [p0, p1, p2, p3, p4, p5, p6] = prefix;
    let [i0, i1, i2, i3] = index.to_be_bytes();
    [p0, p1, p2, p3, p4, p5, p6, i0, i1, i2, i3, last as u8]
}

/// The slots of a run, each with its index and whether it is the last of the object.
fn slots(
    size: ChunkSize,
    first: u32,
    last: bool,
    run: &mut [u8],
) -> Result<impl Iterator<Item = (u32, bool, &mut [u8])>> {
    let count = run.len().div_ceil(size.sealed_bytes());
    let end = u32::try_from(count)
        .ok()
        .and_then(|count| first.checked_add(count))
        .ok_or_else(|| misused("more chunks than an object has"))?;
    if !last && !run.len().is_multiple_of(size.sealed_bytes()) {
        return Err(misused("chunks before the last are whole"));
    }
    let slots = run.chunks_mut(size.sealed_bytes());
    Ok((first..end)
        .zip(slots)
        .map(move |(index, slot)| (index, last && index + 1 == end, slot)))
}

/// A mistake of the caller, not of the object.
pub(super) fn misused(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, "sealed.run", message)
}
