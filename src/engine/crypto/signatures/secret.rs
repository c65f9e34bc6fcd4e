//! The secret of a webhook by the Standard Webhooks scheme.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::engine::crypto::entropy::{Entropy, draw};
use crate::engine::crypto::secret::SecretBytes;
use crate::error::{Error, ErrorKind, Result};

/// A signing secret: 24 to 64 bytes, written as `whsec_` and base64.
///
/// As every secret here: not printable, wiped when dropped, compared in constant time. There is no
/// default, and nothing shorter is taken.
///
/// # Example
///
/// ```
/// use garland::crypto::SystemEntropy;
/// use garland::crypto::signatures::SigningSecret;
///
/// let secret = SigningSecret::generate(&SystemEntropy::new())?;
/// let text = secret.to_text();
/// assert!(text.expose().starts_with(b"whsec_"));
/// assert!(SigningSecret::parse("whsec_").is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "what cannot be printed cannot be printed by mistake"
)]
pub struct SigningSecret(SecretBytes);

impl SigningSecret {
    const PREFIX: &'static str = "whsec_";

    /// Draws a secret of 32 bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: the source of chance has none.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self> {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(draw(entropy)?);
        Self::from_bytes(bytes.as_slice())
    }

    /// Reads the text form; the prefix `whsec_` may be missing.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: not base64, or not 24 to 64 bytes, or all of one value.
    pub fn parse(text: &str) -> Result<Self> {
        let base = text.strip_prefix(Self::PREFIX).unwrap_or(text);
        match STANDARD.decode(base) {
            Ok(bytes) => Self::from_bytes(&Zeroizing::new(bytes)),
            // The cause would show a character of the secret.
            Err(_) => Err(invalid("a signing secret is `whsec_` and base64")),
        }
    }

    /// Takes a secret as bytes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: not 24 to 64 bytes, or all of one value.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if !(24..=64).contains(&bytes.len()) {
            return Err(
                invalid("a signing secret has 24 to 64 bytes").with_context("length", bytes.len())
            );
        }
        not_monotonous(bytes)?;
        Ok(Self(SecretBytes::new(bytes)))
    }

    /// Returns the text form, to be shown once to who shall check the signatures, or to be sealed.
    #[must_use]
    pub fn to_text(&self) -> SecretBytes {
        let mut text = Zeroizing::new(Self::PREFIX.to_owned());
        text.push_str(&Zeroizing::new(STANDARD.encode(self.0.expose())));
        SecretBytes::from(text.as_str())
    }

    /// Tells in constant time whether two secrets are the same.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.is(other.expose())
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// Refuses what stands in a configuration that nobody has filled in.
pub(super) fn not_monotonous(bytes: &[u8]) -> Result<()> {
    match bytes.split_first() {
        Some((first, rest)) if rest.iter().all(|byte| byte == first) => {
            Err(invalid("a secret is not one byte over and over"))
        }
        _ => Ok(()),
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, "signing_secret.parse", message)
}
