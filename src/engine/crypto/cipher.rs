//! The one seam to a cipher: AES-256-GCM with 96-bit nonces and whole tags, in place.

use std::fmt;

use aes_gcm::aead::{AeadInOut, KeyInit};

use crate::error::{Error, ErrorKind, Result};

use super::secret::SecretKey;

/// The length of a tag in bytes.
pub(crate) const TAG: usize = 16;

/// Which implementation of AES-256-GCM does the work. The bytes are the same.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CipherBackend {
    /// The `aes-gcm` crate: pure Rust.
    #[default]
    RustCrypto,
    /// The `aws-lc-rs` crate: C and assembly, several times faster.
    #[cfg(feature = "aws-lc")]
    #[cfg_attr(docsrs, doc(cfg(feature = "aws-lc")))]
    AwsLc,
}

/// A key made ready in one of the implementations.
#[derive(Clone)]
pub(crate) struct Cipher(Inner);

#[derive(Clone)]
enum Inner {
    RustCrypto(Box<aes_gcm::Aes256Gcm>),
    #[cfg(feature = "aws-lc")]
    AwsLc(std::sync::Arc<aws_lc_rs::aead::LessSafeKey>),
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(…)")
    }
}

/// The tag did not fit. Says nothing more on purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BadTag;

impl Cipher {
    pub(crate) fn new(backend: CipherBackend, key: &SecretKey) -> Result<Self> {
        Ok(Self(match backend {
            CipherBackend::RustCrypto => {
                Inner::RustCrypto(Box::new(aes_gcm::Aes256Gcm::new(key.expose().into())))
            }
            #[cfg(feature = "aws-lc")]
            CipherBackend::AwsLc => {
                let key = aws_lc_rs::aead::UnboundKey::new(
                    &aws_lc_rs::aead::AES_256_GCM,
                    key.expose().as_slice(),
                )
                .map_err(|cause| {
                    Error::new(ErrorKind::Unexpected, "cipher.new", "the key was not taken")
                        .with_source(cause)
                })?;
                Inner::AwsLc(std::sync::Arc::new(aws_lc_rs::aead::LessSafeKey::new(key)))
            }
        }))
    }

    /// Encrypts in place and returns the tag.
    pub(crate) fn seal(&self, nonce: [u8; 12], aad: &[u8], bytes: &mut [u8]) -> Result<[u8; TAG]> {
        match &self.0 {
            Inner::RustCrypto(cipher) => cipher
                .encrypt_inout_detached(&nonce.into(), aad, bytes.into())
                .map(Into::into)
                .map_err(|_| refused()),
            #[cfg(feature = "aws-lc")]
            Inner::AwsLc(key) => {
                use aws_lc_rs::aead::{Aad, Nonce};
                let nonce = Nonce::assume_unique_for_key(nonce);
                let tag = key
                    .seal_in_place_separate_tag(nonce, Aad::from(aad), bytes)
                    .map_err(|_| refused())?;
                tag.as_ref().try_into().map_err(|_| refused())
            }
        }
    }

    /// Decrypts in place. After a bad tag nothing in `bytes` may be used.
    pub(crate) fn open(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        bytes: &mut [u8],
        tag: &[u8; TAG],
    ) -> std::result::Result<(), BadTag> {
        match &self.0 {
            Inner::RustCrypto(cipher) => cipher
                .decrypt_inout_detached(&nonce.into(), aad, bytes.into(), tag.into())
                .map_err(|_| BadTag),
            #[cfg(feature = "aws-lc")]
            Inner::AwsLc(key) => {
                use aws_lc_rs::aead::{Aad, Nonce};
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.open_in_place_separate_tag(nonce, Aad::from(aad), tag, bytes)
                    .map(|_| ())
                    .map_err(|_| BadTag)
            }
        }
    }
}

/// The ciphers refuse lengths only, and ours are far below.
fn refused() -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        "cipher.seal",
        "more than the cipher takes at once",
    )
}
