//! The 96 bytes in which the key of a file is kept.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::connector::to_hex;
use crate::error::{Error, ErrorKind, Result};

use super::cipher::{Cipher, CipherBackend, TAG};
use super::entropy::{Entropy, draw};
use super::sealed::SealContext;
use super::secret::SecretKey;

/// The key of a file under the key of an epoch (section 1 of the specification of sealed files).
const FILE: Form = Form {
    magic: b"GLNK\x01\x01\0\0",
    label: b"garland/wrap/v1\0",
};

/// The key of an epoch under a root that this process holds.
const EPOCH: Form = Form {
    magic: b"GLNR\x01\x01\0\0",
    label: b"garland/root/v1\0",
};

/// The length of a record in bytes: 8 of magic, 16 of id, 24 of salt, the key and its tag.
const LENGTH: usize = 96;

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
        f.write_str(&to_hex(&self.0))
    }
}

/// The key of one file, wrapped under the key of an epoch and bound to a context.
///
/// Not a secret by itself: who has it needs the epoch's key to read it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrapRecord([u8; LENGTH]);

impl WrapRecord {
    /// The length of a record in bytes.
    pub const LENGTH: usize = LENGTH;

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
        let salt = draw(entropy)?;
        FILE.wrap(kek_id.0, kek, context.as_bytes(), key, salt)
            .map(Self)
    }

    /// Unwraps the key of a file.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: another epoch's key, another context, or a record that was changed.
    pub fn unwrap(&self, kek: &SecretKey, context: &SealContext) -> Result<SecretKey> {
        FILE.unwrap(&self.0, kek, context.as_bytes())
            .map_err(|error| error.with_context("epoch", self.kek_id()))
    }

    /// Returns which key it is wrapped under.
    #[must_use]
    pub fn kek_id(&self) -> KekId {
        KekId(id(&self.0))
    }

    /// Reads a record; anything unknown in it is an error.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: not a wrap record of this format.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        match bytes.try_into() {
            Ok(record) if bytes.starts_with(FILE.magic) => Ok(Self(record)),
            _ => Err(Error::new(
                ErrorKind::Corrupt,
                "key.parse",
                "not a wrap record of a format that is known here",
            )),
        }
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

/// Names a root that this process holds: a key file, a passphrase.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct RootId(pub(crate) [u8; 16]);

/// The key of an epoch, wrapped under a root that this process holds: built as a [`WrapRecord`], with
/// a label of its own, so that neither can stand for the other.
pub(crate) struct RootRecord([u8; LENGTH]);

impl RootRecord {
    pub(crate) fn wrap(
        root_id: RootId,
        root: &SecretKey,
        bound: &[u8],
        key: &SecretKey,
        entropy: &dyn Entropy,
    ) -> Result<Self> {
        EPOCH
            .wrap(root_id.0, root, bound, key, draw(entropy)?)
            .map(Self)
    }

    pub(crate) fn unwrap(&self, root: &SecretKey, bound: &[u8]) -> Result<SecretKey> {
        EPOCH.unwrap(&self.0, root, bound)
    }

    /// Reads a record; `None` for anything unknown.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let record = bytes.try_into().ok()?;
        bytes.starts_with(EPOCH.magic).then_some(Self(record))
    }

    pub(crate) fn root_id(&self) -> RootId {
        RootId(id(&self.0))
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

/// What tells one use of the record from the other.
struct Form {
    magic: &'static [u8; 8],
    label: &'static [u8],
}

impl Form {
    fn wrap(
        &self,
        id: [u8; 16],
        kek: &SecretKey,
        context: &[u8],
        key: &SecretKey,
        salt: [u8; 24],
    ) -> Result<[u8; LENGTH]> {
        let mut head = [0; 48];
        let parts = self.magic.iter().copied().chain(id).chain(salt);
        fill(&mut head, parts);
        let (cipher, nonce) = self.derive(kek, &head, context)?;
        let mut sealed = Zeroizing::new(*key.expose());
        let tag = cipher.seal(nonce, &[&head, context].concat(), sealed.as_mut_slice())?;
        let mut record = [0; LENGTH];
        fill(&mut record, head.into_iter().chain(*sealed).chain(tag));
        Ok(record)
    }

    fn unwrap(&self, record: &[u8; LENGTH], kek: &SecretKey, context: &[u8]) -> Result<SecretKey> {
        let refused = || {
            Error::new(
                ErrorKind::Corrupt,
                "key.unwrap",
                "the key or the context is not that of this record",
            )
        };
        let (head, rest) = record.split_at(48);
        let (sealed, tag) = rest.split_at(SecretKey::LENGTH);
        let head: &[u8; 48] = head.try_into().map_err(|_| refused())?;
        let tag: &[u8; TAG] = tag.try_into().map_err(|_| refused())?;
        let (cipher, nonce) = self.derive(kek, head, context)?;
        SecretKey::written(|key| {
            key.copy_from_slice(sealed);
            cipher
                .open(nonce, &[head, context].concat(), key, tag)
                .map_err(|_| refused())
        })
    }

    fn derive(
        &self,
        kek: &SecretKey,
        head: &[u8; 48],
        context: &[u8],
    ) -> Result<(Cipher, [u8; 12])> {
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
            .expand_multi_info(&[self.label, head, context], okm.as_mut_slice())
            .map_err(|_| failed())?;
        let (key, nonce) = okm.split_at(32);
        let nonce = nonce.try_into().map_err(|_| failed())?;
        Ok((
            Cipher::new(CipherBackend::RustCrypto, &SecretKey::from_bytes(key)?)?,
            nonce,
        ))
    }
}

/// Returns the id that stands behind the magic.
fn id(record: &[u8; LENGTH]) -> [u8; 16] {
    let mut id = [0; 16];
    fill(&mut id, record.iter().skip(8).copied());
    id
}

fn fill(to: &mut [u8], from: impl IntoIterator<Item = u8>) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::crypto::entropy::SystemEntropy;
    use crate::engine::crypto::sealed::Purpose;

    #[test]
    fn a_record_for_one_use_does_not_open_in_the_other() {
        let (kek, key) = (SecretKey::new([1; 32]), SecretKey::new([2; 32]));
        let context = SealContext::new(&"o".parse().unwrap(), "f", "1", Purpose::Body).unwrap();
        let file = WrapRecord::wrap(KekId([3; 16]), &kek, &context, &key, &SystemEntropy).unwrap();
        assert!(RootRecord::parse(file.as_bytes()).is_none());
        let mut forged = *file.as_bytes();
        forged[..8].copy_from_slice(EPOCH.magic);
        let forged = RootRecord::parse(&forged).unwrap();
        assert!(forged.unwrap(&kek, context.as_bytes()).is_err());
    }

    #[test]
    fn every_byte_of_a_record_counts() {
        let (kek, key) = (SecretKey::new([1; 32]), SecretKey::new([2; 32]));
        let context = SealContext::new(&"o".parse().unwrap(), "f", "1", Purpose::Body).unwrap();
        let record =
            WrapRecord::wrap(KekId([3; 16]), &kek, &context, &key, &SystemEntropy).unwrap();
        assert!(record.unwrap(&kek, &context).unwrap().is(&key));
        for at in 0..LENGTH {
            let mut changed = *record.as_bytes();
            changed[at] ^= 1;
            let opened =
                WrapRecord::parse(&changed).and_then(|record| record.unwrap(&kek, &context));
            assert!(opened.is_err(), "byte {at}");
        }
        for length in 0..LENGTH {
            assert!(WrapRecord::parse(&record.as_bytes()[..length]).is_err());
        }
    }
}
