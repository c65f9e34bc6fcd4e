//! AES-256-SIV ([RFC 5297]): the same text under the same key and context is sealed the same way, and
//! nothing else shows. For names, which have to be found again, and for what a record keeps sealed.
//!
//! [RFC 5297]: https://www.rfc-editor.org/rfc/rfc5297

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::engine::crypto::secret::SecretKey;
use crate::error::{Error, ErrorKind, Result};

/// What is added to a text.
pub(super) const OVERHEAD: usize = 16;

/// A key of 512 bits, half of it for the tag.
pub(super) struct SivKey(Zeroizing<[u8; 64]>);

impl SivKey {
    /// Derives the key for one use.
    pub(super) fn derive(key: &SecretKey, label: &'static [u8]) -> Result<Self> {
        let mut okm = Zeroizing::new([0; 64]);
        let expanded = Hkdf::<Sha256>::from_prk(key.expose())
            .is_ok_and(|hkdf| hkdf.expand(label, okm.as_mut_slice()).is_ok());
        if expanded {
            return Ok(Self(okm));
        }
        Err(Error::new(
            ErrorKind::Unexpected,
            "siv.derive",
            "the key could not be derived",
        ))
    }

    pub(super) fn seal(&self, context: &[&[u8]], text: &[u8]) -> Result<Vec<u8>> {
        self.cipher().encrypt(context, text).map_err(|_| {
            Error::new(
                ErrorKind::Unexpected,
                "siv.seal",
                "the cipher takes no such context",
            )
        })
    }

    /// Opens what was sealed under this key in this context; `None` for anything else.
    pub(super) fn open(&self, context: &[&[u8]], sealed: &[u8]) -> Option<Vec<u8>> {
        self.cipher().decrypt(context, sealed).ok()
    }

    fn cipher(&self) -> Aes256Siv {
        Aes256Siv::new(&(*self.0).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_only_in_its_context() {
        let key = SivKey::derive(&SecretKey::new([7; 32]), b"test").unwrap();
        let other = SivKey::derive(&SecretKey::new([7; 32]), b"other").unwrap();
        let sealed = key.seal(&[b"a"], b"text").unwrap();
        assert_eq!(sealed, key.seal(&[b"a"], b"text").unwrap());
        assert_ne!(sealed, key.seal(&[b"b"], b"text").unwrap());
        assert_eq!(sealed.len(), 4 + OVERHEAD);
        assert_eq!(key.open(&[b"a"], &sealed).as_deref(), Some(&b"text"[..]));
        assert_eq!(key.open(&[b"b"], &sealed), None);
        assert_eq!(key.open(&[b"a", b""], &sealed), None);
        assert_eq!(other.open(&[b"a"], &sealed), None);
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&[b"a"], &flipped), None);
        }
        assert_eq!(key.open(&[b"a"], b"short"), None);
    }
}
