//! The 96 bytes in which the key of a file is kept.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

use super::cipher::{Cipher, CipherBackend, TAG};
use super::entropy::{Entropy, draw};
use super::sealed::SealContext;
use super::secret::SecretKey;

const MAGIC: &[u8; 8] = b"GLNK\x01\x01\0\0";
const LABEL: &[u8] = b"garland/wrap/v1\0";

/// Names the key that keys of files are wrapped under: one an organization and epoch.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KekId([u8; 16]);

impl KekId {
    /// Takes an id from its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KekId({self})")
    }
}

impl fmt::Display for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::connector::to_hex(&self.0))
    }
}

/// The key of one file, wrapped under the key of an epoch and bound to a context.
///
/// Not a secret by itself: who has it needs the epoch's key to read it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrapRecord([u8; WrapRecord::LENGTH]);

impl WrapRecord {
    /// The length of a record in bytes.
    pub const LENGTH: usize = 96;

    /// Wraps the key of a file.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: there are no random bytes.
    pub fn wrap(
        kek_id: KekId,
        kek: &SecretKey,
        context: &SealContext,
        key: &SecretKey,
        entropy: &dyn Entropy,
    ) -> Result<Self> {
        Self::wrap_with(kek_id, kek, context, key, draw(entropy)?)
    }

    fn wrap_with(
        kek_id: KekId,
        kek: &SecretKey,
        context: &SealContext,
        key: &SecretKey,
        salt: [u8; 24],
    ) -> Result<Self> {
        let mut head = [0; 48];
        let parts = MAGIC.iter().chain(&kek_id.0).chain(&salt);
        head.iter_mut()
            .zip(parts)
            .for_each(|(to, from)| *to = *from);
        let (cipher, nonce) = derive(kek, &head, context)?;
        let aad = [&head, context.as_bytes()].concat();
        let mut sealed = *key.expose();
        let tag = cipher.seal(nonce, &aad, &mut sealed)?;
        let mut record = [0; Self::LENGTH];
        let parts = head.into_iter().chain(sealed).chain(tag);
        record
            .iter_mut()
            .zip(parts)
            .for_each(|(to, from)| *to = from);
        Ok(Self(record))
    }

    /// Unwraps the key of a file.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: another epoch's key, another context, or a record that was changed.
    pub fn unwrap(&self, kek: &SecretKey, context: &SealContext) -> Result<SecretKey> {
        let refused = || {
            Error::new(
                ErrorKind::Corrupt,
                "key.unwrap",
                "the key or the context is not that of this record",
            )
            .with_context("epoch", self.kek_id())
        };
        let (head, rest) = self.0.split_at(48);
        let (sealed, tag) = rest.split_at(SecretKey::LENGTH);
        let head: &[u8; 48] = head.try_into().map_err(|_| refused())?;
        let tag: &[u8; TAG] = tag.try_into().map_err(|_| refused())?;
        let mut key = Zeroizing::new([0; SecretKey::LENGTH]);
        key.copy_from_slice(sealed);
        let (cipher, nonce) = derive(kek, head, context)?;
        let aad = [head, context.as_bytes()].concat();
        cipher
            .open(nonce, &aad, key.as_mut_slice(), tag)
            .map_err(|_| refused())?;
        Ok(SecretKey::new(*key))
    }

    /// Returns which key it is wrapped under.
    #[must_use]
    pub fn kek_id(&self) -> KekId {
        let mut id = [0; 16];
        id.iter_mut()
            .zip(self.0.iter().skip(8))
            .for_each(|(to, from)| *to = *from);
        KekId(id)
    }

    /// Reads a record; anything unknown in it is an error.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: not a wrap record of this format.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        match bytes.try_into() {
            Ok(record) if bytes.starts_with(MAGIC) => Ok(Self(record)),
            _ => Err(Error::new(
                ErrorKind::Corrupt,
                "key.parse",
                "not a wrap record of a format that is known here",
            )),
        }
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

fn derive(kek: &SecretKey, head: &[u8; 48], context: &SealContext) -> Result<(Cipher, [u8; 12])> {
    let failed = || {
        Error::new(
            ErrorKind::Unexpected,
            "key.derive",
            "the key could not be derived",
        )
    };
    let mut okm = Zeroizing::new([0; 44]);
    Hkdf::<Sha256>::from_prk(kek.expose())
        .map_err(|_| failed())?
        .expand_multi_info(&[LABEL, head, context.as_bytes()], okm.as_mut_slice())
        .map_err(|_| failed())?;
    let (key, nonce) = okm.split_at(32);
    let nonce = nonce.try_into().map_err(|_| failed())?;
    Ok((
        Cipher::new(CipherBackend::RustCrypto, &SecretKey::from_bytes(key)?)?,
        nonce,
    ))
}
