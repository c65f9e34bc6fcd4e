//! Values that must not be seen: no `Debug`, wiped when dropped, compared in constant time.

use subtle::ConstantTimeEq;
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{Error, ErrorKind, Result};

use super::entropy::Entropy;

/// 32 secret bytes: a key.
///
/// It is not `Debug`, `Display` or `Serialize`, it is wiped when dropped, and there is no `==`:
/// [`is`](SecretKey::is) compares in constant time.
///
/// # Example
///
/// ```
/// use garland::crypto::{SecretKey, SystemEntropy};
///
/// let key = SecretKey::generate(&SystemEntropy::new())?;
/// assert!(key.is(&key.clone()));
/// # Ok::<(), garland::Error>(())
/// ```
///
/// A key cannot be printed,
///
/// ```compile_fail,E0277
/// # let key = garland::crypto::SecretKey::generate(&garland::crypto::SystemEntropy)?;
/// format!("{key:?}");
/// # Ok::<(), garland::Error>(())
/// ```
///
/// nor compared in a time that tells where two differ:
///
/// ```compile_fail,E0369
/// # let key = garland::crypto::SecretKey::generate(&garland::crypto::SystemEntropy)?;
/// let same = key == key.clone();
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "what cannot be printed cannot be printed by mistake"
)]
pub struct SecretKey(
    // Boxed, so that moving a key leaves no copy behind where nobody wipes it.
    Box<Zeroizing<[u8; 32]>>,
);

impl SecretKey {
    /// The length of a key in bytes.
    pub const LENGTH: usize = 32;

    /// Draws a key.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: the source of chance has none. There is no other source.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self> {
        Self::written(|key| entropy.fill(key))
    }

    /// Takes a key that came from elsewhere.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: not 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() != Self::LENGTH {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "secret_key.from_bytes",
                "a key has 32 bytes",
            )
            .with_context("length", bytes.len()));
        }
        Self::written(|key| {
            key.copy_from_slice(bytes);
            Ok(())
        })
    }

    #[cfg(test)]
    pub(crate) fn new(mut bytes: [u8; 32]) -> Self {
        let mut key = Self(Box::new(Zeroizing::new([0; 32])));
        key.0.copy_from_slice(&bytes);
        bytes.zeroize();
        key
    }

    /// Makes a key by writing it where it will stay.
    pub(crate) fn written(write: impl FnOnce(&mut [u8; 32]) -> Result<()>) -> Result<Self> {
        let mut key = Self(Box::new(Zeroizing::new([0; 32])));
        write(&mut key.0)?;
        Ok(key)
    }

    /// Shows the bytes, to what encrypts, signs or hands them to a key service.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Tells in constant time whether two keys are the same.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

/// Secret bytes of any length: a password, the secret of a webhook.
///
/// As [`SecretKey`]: not printable, wiped when dropped, compared in constant time (the length shows).
///
/// # Example
///
/// ```
/// use garland::crypto::SecretBytes;
///
/// let secret = SecretBytes::from("whsec_…");
/// assert!(secret.is("whsec_…".as_bytes()));
/// ```
///
/// ```compile_fail,E0277
/// println!("{:?}", garland::crypto::SecretBytes::from("whsec_…"));
/// ```
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "what cannot be printed cannot be printed by mistake"
)]
pub struct SecretBytes(Zeroizing<Box<[u8]>>);

impl SecretBytes {
    /// Takes a secret. A vector should have no spare capacity: shrinking it may leave a copy behind.
    #[must_use]
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// Shows the bytes, to what hashes, signs or sends them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Tells in constant time whether two secrets of one length are the same.
    #[must_use]
    pub fn is(&self, other: &[u8]) -> bool {
        self.0.ct_eq(other).into()
    }
}

impl From<&str> for SecretBytes {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl From<String> for SecretBytes {
    fn from(mut text: String) -> Self {
        let secret = Self::from(text.as_str());
        text.zeroize();
        secret
    }
}

/// Tells in constant time whether two pieces of evidence (a MAC, a digest, a challenge) are the
/// same. Lengths are no secret.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_32_bytes() {
        assert!(SecretKey::from_bytes(&[1; 31]).is_err());
        assert!(
            SecretKey::from_bytes(&[1; 32])
                .unwrap()
                .is(&SecretKey::new([1; 32]))
        );
        assert!(!SecretKey::new([1; 32]).is(&SecretKey::new([2; 32])));
    }

    #[test]
    fn c8_secrets_are_wiped_when_they_are_dropped() {
        fn is_wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let mut key = SecretKey::new([7; 32]);
        is_wiped(&*key.0);
        key.0.zeroize();
        assert!(key.is(&SecretKey::new([0; 32])));
        let mut secret = SecretBytes::from(String::from("abc"));
        is_wiped(&secret.0);
        secret.0.zeroize();
        assert!(!secret.is(b"abc"));
    }

    #[test]
    fn secrets_compare_whole() {
        let secret = SecretBytes::from("abc");
        assert!(secret.is(b"abc"));
        assert!(!secret.is(b"ab") && !secret.is(b"abd") && !secret.is(b""));
    }
}
