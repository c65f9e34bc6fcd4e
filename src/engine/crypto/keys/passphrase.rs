//! A root that a person remembers.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use crate::engine::crypto::blocking::off_runtime;
use crate::engine::crypto::entropy::{Entropy, draw};
use crate::engine::crypto::kdf::Kdf;
use crate::engine::crypto::secret::{SecretBytes, SecretKey};
use crate::engine::crypto::wrap::{KekId, RootId};
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;

use super::local_root::{LocalRoot, another};
use super::provider::KeyProvider;

/// How the key of a [`Passphrase`] is made: the function, its parameters and a random salt.
///
/// It is no secret, and stands before everything the passphrase wraps, so that nothing but the
/// passphrase itself must be remembered. 52 bytes: `GLNP`, version 1, the function (1 = argon2id,
/// 2 = PBKDF2-HMAC-SHA-256), two zeros, three parameters of four bytes (memory in KiB, passes, lanes;
/// or iterations, 0, 0), 32 bytes of salt; integers are big-endian.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PassphraseRecord {
    /// The function and its parameters.
    pub kdf: Kdf,
    /// Random for every passphrase that is set.
    pub salt: [u8; 32],
}

const MAGIC: &[u8; 5] = b"GLNP\x01";
const ARGON2ID: u8 = 1;
const PBKDF2: u8 = 2;
const LABEL: &[u8] = b"garland/passphrase/v1\0";

impl PassphraseRecord {
    /// The length of a record in bytes.
    pub const LENGTH: usize = 52;

    /// Reads the record at the beginning of what a passphrase has wrapped.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no passphrase wrapped this.
    /// - [`ErrorKind::Corrupt`]: the record is damaged or of a function that is not known.
    pub fn read(wrapped: &[u8]) -> Result<Self> {
        if !wrapped.starts_with(MAGIC) {
            return Err(another());
        }
        let corrupt = || {
            Error::new(
                ErrorKind::Corrupt,
                "passphrase.read",
                "the record of a passphrase cannot be read",
            )
        };
        let (record, _) = wrapped.split_at_checked(Self::LENGTH).ok_or_else(corrupt)?;
        let (head, salt) = record.split_at_checked(20).ok_or_else(corrupt)?;
        let &[_, _, _, _, _, function, 0, 0, ref numbers @ ..] = head else {
            return Err(corrupt());
        };
        let mut numbers = numbers.chunks_exact(4).map(|bytes| {
            bytes
                .iter()
                .fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
        });
        let kdf = match (function, numbers.next(), numbers.next(), numbers.next()) {
            (ARGON2ID, Some(memory), Some(passes), Some(lanes)) => Kdf::Argon2id {
                memory,
                passes,
                lanes,
            },
            (PBKDF2, Some(iterations), Some(0), Some(0)) => Kdf::Pbkdf2HmacSha256 { iterations },
            _ => return Err(corrupt()),
        };
        let salt = salt.try_into().map_err(|_| corrupt())?;
        Ok(Self { kdf, salt })
    }

    /// Returns the bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (function, numbers) = match self.kdf {
            Kdf::Argon2id {
                memory,
                passes,
                lanes,
            } => (ARGON2ID, [memory, passes, lanes]),
            Kdf::Pbkdf2HmacSha256 { iterations } => (PBKDF2, [iterations, 0, 0]),
        };
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[function, 0, 0]);
        bytes.extend(numbers.into_iter().flat_map(u32::to_be_bytes));
        bytes.extend_from_slice(&self.salt);
        bytes
    }

    /// Names the root: every byte of the record counts.
    fn root_id(&self) -> RootId {
        let digest = Sha256::new()
            .chain_update(LABEL)
            .chain_update(self.to_bytes())
            .finalize();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        RootId(id)
    }
}

/// A root that is a passphrase of a person.
///
/// The slow function runs once, when the value is made, on a thread where it may. Use
/// [`KeyRing::unlock`](super::KeyRing::unlock), which finds the record, tells a wrong passphrase from
/// other faults, and upgrades a record that has become too weak.
///
/// Bytes are taken as they are: a host that lets people type on different systems normalizes the
/// text first, always in the same way.
pub struct Passphrase {
    root: LocalRoot,
    record: PassphraseRecord,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passphrase")
            .field("kdf", &self.record.kdf)
            .finish_non_exhaustive()
    }
}

impl Passphrase {
    /// Sets a new passphrase.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: it is empty.
    /// - [`ErrorKind::Refused`], [`ErrorKind::LimitExceeded`]: as [`Kdf::check`].
    /// - [`ErrorKind::Unavailable`]: no random bytes, or not enough memory.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; a function that has begun runs to its end on its thread.
    pub async fn new(
        passphrase: &SecretBytes,
        kdf: Kdf,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self> {
        kdf.check()?;
        let salt = draw(&*entropy)?;
        Self::open(passphrase, PassphraseRecord { kdf, salt }, entropy).await
    }

    /// Makes the key of a passphrase that was set before. Whether it is the right one shows when it
    /// unwraps.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: it is empty.
    /// - [`ErrorKind::LimitExceeded`]: the record asks for more than [`Kdf`] allows; nothing was spent
    ///   on it. One that asks for too little opens.
    /// - [`ErrorKind::Unavailable`]: not enough memory.
    ///
    /// # Cancel safety
    ///
    /// As [`new`](Self::new).
    pub async fn open(
        passphrase: &SecretBytes,
        record: PassphraseRecord,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self> {
        if passphrase.expose().is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "passphrase.open",
                "a passphrase is not empty",
            ));
        }
        record.kdf.check_bounds()?;
        let passphrase = passphrase.clone();
        let derive = move || {
            SecretKey::written(|key| record.kdf.derive(passphrase.expose(), &record.salt, key))
        };
        let key = off_runtime("passphrase.open", derive).await?;
        let id = record.root_id();
        Ok(Self {
            root: LocalRoot { id, key },
            record,
            entropy,
        })
    }

    /// Returns how its key is made.
    #[must_use]
    pub fn record(&self) -> &PassphraseRecord {
        &self.record
    }
}

#[async_trait]
impl KeyProvider for Passphrase {
    async fn wrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        key: &SecretKey,
    ) -> Result<Vec<u8>> {
        let record = self.root.wrap(organization, epoch, key, &*self.entropy)?;
        Ok([self.record.to_bytes().as_slice(), record.as_bytes()].concat())
    }

    async fn unwrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        wrapped: &[u8],
    ) -> Result<SecretKey> {
        let ours = self.record.to_bytes();
        let record = wrapped.strip_prefix(ours.as_slice()).ok_or_else(another)?;
        self.root.unwrap(organization, epoch, record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_what_it_was() {
        for kdf in [
            Kdf::default(),
            Kdf::Argon2id {
                memory: u32::MAX,
                passes: 3,
                lanes: 4,
            },
            Kdf::Pbkdf2HmacSha256 { iterations: 1_000 },
        ] {
            let record = PassphraseRecord { kdf, salt: [9; 32] };
            let bytes = record.to_bytes();
            assert_eq!(bytes.len(), PassphraseRecord::LENGTH);
            assert_eq!(PassphraseRecord::read(&bytes).unwrap(), record);
            for length in 5..bytes.len() {
                assert!(PassphraseRecord::read(&bytes[..length]).is_err());
            }
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let record = PassphraseRecord {
            kdf: Kdf::Pbkdf2HmacSha256 {
                iterations: 600_000,
            },
            salt: [9; 32],
        };
        for (at, to) in [(4, 2), (5, 3), (5, 0), (6, 1), (7, 1), (15, 1), (19, 1)] {
            let mut bytes = record.to_bytes();
            bytes[at] = to;
            assert!(PassphraseRecord::read(&bytes).is_err(), "byte {at}");
        }
    }
}
