//! One chunk at a time, in place.

use crate::error::{Error, ErrorKind, Result};

use super::header::ObjectKeys;
use crate::engine::crypto::cipher::TAG;

impl ObjectKeys {
    /// Seals chunk `index` in place; its tag is to follow it.
    pub(crate) fn seal(&self, index: u32, last: bool, chunk: &mut [u8]) -> Result<[u8; TAG]> {
        self.cipher.seal(self.nonce(index, last), &[], chunk)
    }

    /// Opens chunk `index` in place and returns how many bytes of `sealed` are now plaintext.
    pub(crate) fn open(&self, index: u32, last: bool, sealed: &mut [u8]) -> Result<usize> {
        let corrupt = || {
            Error::new(
                ErrorKind::Corrupt,
                "sealed.open",
                "a chunk is not what was sealed",
            )
            .with_context("chunk", index)
        };
        let length = sealed.len().checked_sub(TAG).ok_or_else(corrupt)?;
        let (bytes, tag) = sealed.split_at_mut(length);
        let tag: &[u8; TAG] = (&*tag).try_into().map_err(|_| corrupt())?;
        self.cipher
            .open(self.nonce(index, last), &[], bytes, tag)
            .map_err(|_| corrupt())?;
        Ok(length)
    }

    fn nonce(&self, index: u32, last: bool) -> [u8; 12] {
        let [p0, p1, p2, p3, p4, p5, p6] = self.prefix;
        let [i0, i1, i2, i3] = index.to_be_bytes();
        [p0, p1, p2, p3, p4, p5, p6, i0, i1, i2, i3, u8::from(last)]
    }
}
