//! Proof Key for Code Exchange ([RFC 7636](https://www.rfc-editor.org/rfc/rfc7636)): S256 and nothing else.
//!
//! Who asks for an authorization shows a digest first and what it was made of later, so that a code
//! that went astray is of no use. The method `plain` would show both at once and is refused.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

use super::entropy::{Entropy, draw};
use super::secret::same;

/// The secret half: 43 to 128 characters of `A–Z a–z 0–9 - . _ ~`.
///
/// Not printable, and wiped when dropped.
///
/// # Example
///
/// ```
/// use garland::crypto::SystemEntropy;
/// use garland::crypto::pkce::{Challenge, Verifier};
///
/// let verifier = Verifier::generate(&SystemEntropy::new())?;
/// let shown = verifier.challenge().to_string();
///
/// let challenge = Challenge::parse("S256", &shown)?;
/// assert!(challenge.fits(&verifier));
/// assert!(Challenge::parse("plain", &shown).is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "what cannot be printed cannot be printed by mistake"
)]
pub struct Verifier(Zeroizing<Box<str>>);

impl Verifier {
    /// Draws 256 bits.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: the source of chance has none.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self> {
        Ok(Self::of(&Zeroizing::new(draw(entropy)?)))
    }

    /// Writes 256 bits as a verifier.
    pub(super) fn of(secret: &[u8; 32]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(secret).into()))
    }

    /// Takes one that came from elsewhere.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: not of the form of RFC 7636, 4.1.
    pub fn parse(text: &str) -> Result<Self> {
        let unreserved =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            return Ok(Self(Zeroizing::new(text.into())));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "pkce.parse",
            "a verifier has 43 to 128 characters of A–Z, a–z, 0–9, `-`, `.`, `_`, `~`",
        ))
    }

    /// Shows it, to send it with the code.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the other half.
    #[must_use]
    pub fn challenge(&self) -> Challenge {
        Challenge(Sha256::digest(self.0.as_bytes()).into())
    }
}

/// The half that is shown first: the SHA-256 of a [`Verifier`], in base64url.
#[derive(Clone, Copy)]
pub struct Challenge([u8; 32]);

impl Challenge {
    /// The name of the one method.
    pub const METHOD: &'static str = "S256";

    /// Reads what a client has sent as `code_challenge_method` and `code_challenge`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: another method, or not a whole digest in canonical base64url.
    pub fn parse(method: &str, challenge: &str) -> Result<Self> {
        let invalid =
            |message: &str| Error::new(ErrorKind::InvalidInput, "pkce.challenge", message);
        if method != Self::METHOD {
            return Err(invalid("the one method of a challenge is S256"));
        }
        let digest = URL_SAFE_NO_PAD.decode(challenge).ok();
        digest
            .and_then(|digest| digest.try_into().ok())
            .map(Self)
            .ok_or_else(|| invalid("a challenge has 43 characters of base64url"))
    }

    /// Tells in constant time whether it was made of this verifier.
    #[must_use]
    pub fn fits(&self, verifier: &Verifier) -> bool {
        same(&self.0, &verifier.challenge().0)
    }
}

impl FromStr for Challenge {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(Self::METHOD, text)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({self})")
    }
}
