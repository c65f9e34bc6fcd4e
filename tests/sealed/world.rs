//! Keys, contents and sources of chance for the tests.

use std::sync::Mutex;

use garland::crypto::{
    ChunkSize, CipherBackend, Entropy, Purpose, SealContext, SealKey, SealedError, SecretKey,
};
use garland::{Error, ErrorKind, Result};

/// The smallest chunk: 16 KiB.
pub(crate) const SMALL: usize = 1 << 14;

/// Every implementation of the cipher that is built in.
pub(crate) const CIPHERS: &[CipherBackend] = &[
    CipherBackend::RustCrypto,
    #[cfg(feature = "aws-lc")]
    CipherBackend::AwsLc,
];

/// The same bytes every time.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) u8);

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        bytes.fill(self.0);
        Ok(())
    }
}

/// Fails after so many bytes.
#[derive(Debug)]
pub(crate) struct Dry(pub(crate) Mutex<usize>);

impl Dry {
    pub(crate) fn after(bytes: usize) -> Self {
        Self(Mutex::new(bytes))
    }
}

impl Entropy for Dry {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        let mut left = self.0.lock().unwrap();
        for byte in bytes {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| Error::new(ErrorKind::Unavailable, "entropy.fill", "no chance"))?;
            *byte = 7;
        }
        Ok(())
    }
}

pub(crate) fn small() -> ChunkSize {
    ChunkSize::from_log2(14).unwrap()
}

pub(crate) fn context(tenant: &str, file: &str, version: &str, purpose: Purpose) -> SealContext {
    SealContext::new(&tenant.parse().unwrap(), file, version, purpose).unwrap()
}

pub(crate) fn secret(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

pub(crate) fn key() -> SealKey {
    SealKey::new(secret(1), context("studio", "film", "v1", Purpose::Body))
}

/// No two places of it look alike for long.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub(crate) fn seal(key: &SealKey, chunk: ChunkSize, plain: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::new();
    let mut sealer = key.seal(chunk, &Fixed(9)).unwrap();
    sealer.update(plain, &mut sealed).unwrap();
    sealer.finish(&mut sealed).unwrap();
    sealed
}

#[track_caller]
pub(crate) fn why(error: &Error) -> SealedError {
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    SealedError::of(error).unwrap_or_else(|| panic!("no reason in {error:?}"))
}
