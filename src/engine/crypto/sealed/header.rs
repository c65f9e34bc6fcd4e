//! The first 72 bytes of a sealed object, and the keys that follow from them.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::engine::crypto::cipher::{Cipher, CipherBackend};
use crate::engine::crypto::entropy::{Entropy, draw};
use crate::engine::crypto::secret::{SecretKey, same};
use crate::error::{Error, ErrorKind, Result};

use super::context::SealContext;
use super::failure::SealedError;
use super::size::ChunkSize;

/// The length of a header in bytes.
pub const HEADER: usize = 72;

pub(super) const MAGIC: &[u8; 4] = b"GLND";
const FORMAT: u8 = 1;
/// AES-256-GCM with HKDF-SHA-256.
const SUITE: u8 = 1;
const LABEL: &[u8] = b"garland/file/v1\0";

/// The header of a sealed object, checked but for the key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    chunk: ChunkSize,
    salt: [u8; 32],
    commitment: [u8; 32],
}

impl Header {
    /// Reads a header; anything unknown in it is an error.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: not the header of a sealed object of this format ([`SealedError::Header`]).
    pub fn parse(bytes: &[u8; HEADER]) -> Result<Self> {
        let (start, rest) = bytes.split_at(8);
        let [m0, m1, m2, m3, format, suite, chunk, flags] = *start else {
            return Err(refused("too short"));
        };
        if [m0, m1, m2, m3] != *MAGIC {
            return Err(refused("it does not begin as a sealed object does"));
        }
        if format != FORMAT || suite != SUITE || flags != 0 {
            return Err(refused("it is of a format that is not known here"));
        }
        let chunk =
            ChunkSize::from_log2(chunk).ok_or_else(|| refused("its chunk size is not allowed"))?;
        let (salt, commitment) = rest.split_at(32);
        match (salt.try_into(), commitment.try_into()) {
            (Ok(salt), Ok(commitment)) => Ok(Self {
                chunk,
                salt,
                commitment,
            }),
            _ => Err(refused("too short")),
        }
    }

    /// Returns the bytes as they stand in the object.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let parts = start(self.chunk)
            .into_iter()
            .chain(self.salt)
            .chain(self.commitment);
        bytes
            .iter_mut()
            .zip(parts)
            .for_each(|(to, from)| *to = from);
        bytes
    }

    /// Returns the size of its chunks.
    #[must_use]
    pub const fn chunk_size(&self) -> ChunkSize {
        self.chunk
    }

    /// Returns its salt, random for every seal: no two objects have the same.
    #[must_use]
    pub const fn salt(&self) -> &[u8; 32] {
        &self.salt
    }
}

fn start(chunk: ChunkSize) -> [u8; 8] {
    let [m0, m1, m2, m3] = *MAGIC;
    [m0, m1, m2, m3, FORMAT, SUITE, chunk.log2(), 0]
}

fn refused(why: &'static str) -> Error {
    SealedError::Header.with_message("sealed.header", why)
}

/// What seals and opens the chunks of one object.
#[derive(Clone)]
pub(crate) struct ObjectKeys {
    pub(super) cipher: Cipher,
    pub(super) prefix: [u8; 7],
}

impl fmt::Debug for ObjectKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectKeys(…)")
    }
}

/// Makes the header and the keys of a new object.
pub(crate) fn begin(
    key: &SecretKey,
    context: &SealContext,
    chunk: ChunkSize,
    backend: CipherBackend,
    entropy: &dyn Entropy,
) -> Result<(Header, ObjectKeys)> {
    derive(key, context, chunk, draw(entropy)?, backend)
}

/// Makes the keys of an object that is there.
pub(crate) fn unlock(
    header: &Header,
    key: &SecretKey,
    context: &SealContext,
    backend: CipherBackend,
) -> Result<ObjectKeys> {
    let (derived, keys) = derive(key, context, header.chunk, header.salt, backend)?;
    if !same(&derived.commitment, &header.commitment) {
        return Err(SealedError::WrongKeyOrContext.into());
    }
    Ok(keys)
}

pub(super) fn derive(
    key: &SecretKey,
    context: &SealContext,
    chunk: ChunkSize,
    salt: [u8; 32],
    backend: CipherBackend,
) -> Result<(Header, ObjectKeys)> {
    let okm = expand(key, context, chunk, &salt)?;
    let (file_key, rest) = okm.split_at(SecretKey::LENGTH);
    let (prefix, commitment) = rest.split_at(7);
    let header = Header {
        chunk,
        salt,
        commitment: commitment.try_into().map_err(|_| underivable())?,
    };
    let keys = ObjectKeys {
        cipher: Cipher::new(backend, &SecretKey::from_bytes(file_key)?)?,
        prefix: prefix.try_into().map_err(|_| underivable())?,
    };
    Ok((header, keys))
}

/// The key of an object's chunks and its first nonce, for tests.
#[cfg(feature = "testing")]
pub(crate) fn object_secrets(
    key: &SecretKey,
    context: &SealContext,
    header: &Header,
) -> Result<([u8; 32], [u8; 12])> {
    let okm = expand(key, context, header.chunk, &header.salt)?;
    let (file_key, rest) = okm.split_at(SecretKey::LENGTH);
    let prefix = rest.split_at(7).0;
    Ok((
        file_key.try_into().map_err(|_| underivable())?,
        super::chunks::nonce(prefix.try_into().map_err(|_| underivable())?, 0, false),
    ))
}

fn expand(
    key: &SecretKey,
    context: &SealContext,
    chunk: ChunkSize,
    salt: &[u8; 32],
) -> Result<Zeroizing<[u8; 71]>> {
    let start = start(chunk);
    let info = [LABEL, &start, salt, context.as_bytes()];
    let mut okm = Zeroizing::new([0; 71]);
    Hkdf::<Sha256>::from_prk(key.expose())
        .map_err(|_| underivable())?
        .expand_multi_info(&info, okm.as_mut_slice())
        .map_err(|_| underivable())?;
    Ok(okm)
}

/// HKDF and arrays refuse lengths only, and ours are fixed.
fn underivable() -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "sealed.derive",
        "the keys could not be derived",
    )
}
