//! Keys that sign: what makes a good one, and how one follows another.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::engine::crypto::secret::{SecretBytes, SecretKey, same};
use crate::error::{Error, ErrorKind, Result};

use super::jws;

/// Fewest bytes of a secret, as [RFC 7518, 3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2) asks.
const SHORTEST: usize = 32;

/// Fewest different bytes of a secret: of 32 random ones about 30 differ, and fewer than ten never do.
const VARIETY: usize = 10;

/// What stands in secrets that nobody replaced before going live.
const PLACEHOLDERS: [&str; 7] = [
    "changeme",
    "change-me",
    "change_me",
    "default",
    "example",
    "password",
    "secret",
];

/// What a key signs. A key signs nothing else.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum KeyUse {
    /// Access tokens.
    Access,
    /// Refresh tokens.
    Refresh,
    /// Grants of single uploads and downloads.
    Presign,
    /// States of an authorization at another service.
    Authorization,
}

impl KeyUse {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Presign => "presign",
            Self::Authorization => "authorization",
        }
    }
}

/// Names a key, so that a verifier finds it: 1 to 64 characters of `A–Z a–z 0–9 - _`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId(Box<str>);

impl KeyId {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "key_id.parse",
            "the id of a key has 1 to 64 characters of A–Z, a–z, 0–9, `-`, `_`",
        )
        .with_context("id", text))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key for HMAC-SHA-256, made ready once. Only its id is ever printed.
#[derive(Clone)]
pub struct SigningKey {
    id: KeyId,
    purpose: KeyUse,
    mac: Hmac<Sha256>,
    /// The header of the access tokens that it signs, as it stands in them.
    header: Box<str>,
}

impl SigningKey {
    /// Makes a key of a secret.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the secret has fewer than 32 bytes, fewer than ten that differ,
    /// repeats itself, counts, or holds a word such as `changeme`
    /// ([RFC 8725, 3.5](https://www.rfc-editor.org/rfc/rfc8725#section-3.5)). There is no default.
    pub fn new(purpose: KeyUse, id: KeyId, secret: &SecretBytes) -> Result<Self> {
        if let Some(fault) = weakness(secret.expose()) {
            return Err(
                Error::new(ErrorKind::InvalidInput, "signing_key.new", fault)
                    .with_context("id", &id),
            );
        }
        Self::ready(purpose, id, secret.expose())
    }

    /// Derives a key of its own for each purpose and id from one root (HKDF-SHA-256).
    ///
    /// # Errors
    /// As [`SigningKey::new`].
    pub fn derive(purpose: KeyUse, id: KeyId, root: &SecretKey) -> Result<Self> {
        if let Some(fault) = weakness(root.expose()) {
            return Err(
                Error::new(ErrorKind::InvalidInput, "signing_key.derive", fault)
                    .with_context("id", &id),
            );
        }
        let failed = || {
            Error::new(
                ErrorKind::Unexpected,
                "signing_key.derive",
                "the key could not be derived",
            )
        };
        let mut okm = Zeroizing::new([0; SecretKey::LENGTH]);
        // An id has no NUL, so that no two names of keys are one text.
        let info: [&[u8]; 4] = [
            b"garland/signing-key/v1\0",
            purpose.as_str().as_bytes(),
            b"\0",
            id.as_str().as_bytes(),
        ];
        Hkdf::<Sha256>::from_prk(root.expose())
            .map_err(|_| failed())?
            .expand_multi_info(&info, okm.as_mut_slice())
            .map_err(|_| failed())?;
        Self::ready(purpose, id, okm.as_slice())
    }

    fn ready(purpose: KeyUse, id: KeyId, secret: &[u8]) -> Result<Self> {
        let header = jws::access_header(&id);
        let mac = mac(secret)?;
        Ok(Self {
            id,
            purpose,
            mac,
            header,
        })
    }

    /// Returns its id.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns what it signs.
    #[must_use]
    pub fn purpose(&self) -> KeyUse {
        self.purpose
    }

    pub(super) fn mac(&self) -> &Hmac<Sha256> {
        &self.mac
    }

    pub(super) fn header(&self) -> &str {
        &self.header
    }

    /// Signs the parts, which must be told apart by the caller's format.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Tells whether two keys are of one secret.
    pub(super) fn is_same_secret(&self, other: &Self) -> bool {
        let label: &[&[u8]] = &[b"garland/same-key/v1\0"];
        same(&self.sign(label), &other.sign(label))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// The keys of one purpose: one that signs, and older ones that are still taken for a while.
///
/// To rotate, make a new key, give the old one an end (the longest life of what it signed), and
/// hand the set to every process before the new key signs.
///
/// # Example
///
/// ```
/// use garland::Timestamp;
/// use garland::crypto::{SecretKey, SystemEntropy};
/// use garland::crypto::tokens::{KeySet, KeyUse, SigningKey};
///
/// let key = |id: &str| {
///     let root = SecretKey::generate(&SystemEntropy::new())?;
///     SigningKey::derive(KeyUse::Access, id.parse()?, &root)
/// };
/// let until = Timestamp::from_millis(1_800_000_000_000);
/// let keys = KeySet::new(key("2027")?).with_older(key("2026")?, until)?;
/// assert_eq!(keys.signing().id().as_str(), "2027");
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeySet {
    signing: SigningKey,
    older: Vec<(SigningKey, Timestamp)>,
}

impl KeySet {
    /// Most older keys.
    pub const MOST: usize = 16;

    /// Begins with the key that signs.
    #[must_use]
    pub fn new(signing: SigningKey) -> Self {
        Self {
            signing,
            older: Vec::new(),
        }
    }

    /// Adds a key that is taken, but signs no more, `until` that moment.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: another purpose, or an id that is there already.
    /// - [`ErrorKind::LimitExceeded`]: more than [`KeySet::MOST`].
    pub fn with_older(mut self, key: SigningKey, until: Timestamp) -> Result<Self> {
        let invalid = |kind, message: &str| {
            Error::new(kind, "key_set.with_older", message).with_context("id", key.id())
        };
        if key.purpose != self.signing.purpose {
            return Err(invalid(
                ErrorKind::InvalidInput,
                "the keys of a set have one purpose",
            ));
        }
        if self.all().any(|(known, _)| known.id == key.id) {
            return Err(invalid(
                ErrorKind::InvalidInput,
                "the keys of a set have ids of their own",
            ));
        }
        if self.older.len() >= Self::MOST {
            return Err(invalid(
                ErrorKind::LimitExceeded,
                "a set has at most 16 older keys",
            ));
        }
        self.older.push((key, until));
        Ok(self)
    }

    /// Returns the key that signs.
    #[must_use]
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// Returns the key of this id if it is taken `now`.
    pub(crate) fn find(&self, id: &str, now: Timestamp) -> Option<&SigningKey> {
        self.taken(now).find(|key| key.id.as_str() == id)
    }

    /// Every key that is taken `now`, the one that signs first.
    pub(crate) fn taken(&self, now: Timestamp) -> impl Iterator<Item = &SigningKey> {
        self.all()
            .filter(move |(_, until)| until.is_none_or(|until| now < until))
            .map(|(key, _)| key)
    }

    /// Holds the set to a purpose.
    pub(crate) fn expect(&self, purpose: KeyUse) -> Result<()> {
        if self.signing.purpose == purpose {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "key_set.expect",
            "these keys were made for another purpose",
        )
        .with_context("wanted", purpose.as_str())
        .with_context("found", self.signing.purpose.as_str()))
    }

    /// Refuses one secret for two purposes.
    pub(super) fn expect_apart(&self, other: &Self) -> Result<()> {
        let secrets = |set: &Self| set.all().map(|(key, _)| key.clone()).collect::<Vec<_>>();
        let (ours, theirs) = (secrets(self), secrets(other));
        if ours
            .iter()
            .any(|key| theirs.iter().any(|other| key.is_same_secret(other)))
        {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "key_set.expect_apart",
                "one secret is used for two purposes",
            ));
        }
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = (&SigningKey, Option<Timestamp>)> {
        let older = self.older.iter().map(|(key, until)| (key, Some(*until)));
        std::iter::once((&self.signing, None)).chain(older)
    }
}

/// Makes the state of an HMAC ready.
pub(crate) fn mac(secret: &[u8]) -> Result<Hmac<Sha256>> {
    Hmac::new_from_slice(secret).map_err(|cause| {
        Error::new(
            ErrorKind::Unexpected,
            "signing_key.ready",
            "the key was not taken",
        )
        .with_source(cause)
    })
}

/// Says what is wrong with a secret.
fn weakness(secret: &[u8]) -> Option<&'static str> {
    if secret.len() < SHORTEST {
        return Some("a key that signs has at least 32 bytes");
    }
    let different: BTreeSet<u8> = secret.iter().copied().collect();
    if different.len() < VARIETY {
        return Some("a key that signs is made of random bytes, and these are too much alike");
    }
    let repeats = |period: usize| {
        let shifted = secret.iter().skip(period);
        secret
            .iter()
            .zip(shifted)
            .all(|(left, right)| left == right)
    };
    if (1..=secret.len() / 2).any(repeats) {
        return Some("a key that signs is made of random bytes, and these repeat themselves");
    }
    let steps: BTreeSet<u8> = secret
        .iter()
        .zip(secret.iter().skip(1))
        .map(|(left, right)| right.wrapping_sub(*left))
        .collect();
    if steps.len() <= 2 {
        return Some("a key that signs is made of random bytes, and these count");
    }
    let text: Vec<u8> = secret.to_ascii_lowercase();
    let text = Zeroizing::new(text);
    let holds = |word: &&str| text.windows(word.len()).any(|part| part == word.as_bytes());
    if PLACEHOLDERS.iter().any(holds) {
        return Some("a key that signs is made of random bytes, and this is a placeholder");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &[u8]) -> Result<SigningKey> {
        let id = "k1".parse().unwrap();
        SigningKey::new(KeyUse::Access, id, &SecretBytes::new(secret))
    }

    #[test]
    fn t2_weak_keys_are_refused_when_they_are_made() {
        let counting: Vec<u8> = (0..64).collect();
        let weak: [&[u8]; 9] = [
            b"",
            b"short",
            &[7; 31],
            &[0; 32],
            &[0xff; 64],
            &counting,
            b"abcdefghijklmnopabcdefghijklmnop",
            b"please-ChangeMe-before-you-go-live",
            b"0101010101010101010101010101010123",
        ];
        for secret in weak {
            let error = key(secret).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        assert!(key(b"garland-test-key-32-bytes-long!!").is_ok());
    }

    #[test]
    fn t2_a_root_gives_each_purpose_a_key_of_its_own() {
        let root = SecretKey::new(*b"garland-test-key-32-bytes-long!!");
        let derive =
            |purpose, id: &str| SigningKey::derive(purpose, id.parse().unwrap(), &root).unwrap();
        let access = derive(KeyUse::Access, "a");
        assert!(access.is_same_secret(&derive(KeyUse::Access, "a")));
        assert!(!access.is_same_secret(&derive(KeyUse::Refresh, "a")));
        assert!(!access.is_same_secret(&derive(KeyUse::Access, "b")));
        assert!(
            SigningKey::derive(
                KeyUse::Access,
                "a".parse().unwrap(),
                &SecretKey::new([1; 32])
            )
            .is_err()
        );
    }

    #[test]
    fn an_older_key_is_taken_until_its_end() {
        let old = key(b"garland-test-key-32-bytes-long!!").unwrap();
        let fresh = SigningKey::new(
            KeyUse::Access,
            "k2".parse().unwrap(),
            &SecretBytes::from("another-test-key-of-32-bytes-ok!"),
        );
        let until = Timestamp::from_millis(1_000);
        let keys = KeySet::new(fresh.unwrap())
            .with_older(old.clone(), until)
            .unwrap();
        assert!(keys.find("k1", Timestamp::from_millis(999)).is_some());
        assert!(keys.find("k1", until).is_none());
        assert!(keys.find("k2", until).is_some());
        assert!(keys.with_older(old, until).is_err());
    }

    #[test]
    fn c8_a_key_prints_its_id_only() {
        let shown = format!("{:?}", key(b"garland-test-key-32-bytes-long!!").unwrap());
        assert!(
            shown.contains("k1") && !shown.contains("test-key"),
            "{shown}"
        );
    }
}
