//! Webhooks that come in.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;
use crate::connector::{WebhookDelivery, to_hex};
use crate::engine::crypto::secret::SecretBytes;
use crate::error::{Error, ErrorKind, Result};

use super::evidence::{self, Evidence};
use super::message;
use super::scheme::{Layout, Part, Proof, Scheme};
use super::secret::{SigningSecret, not_monotonous};

/// Checks deliveries by one [`Scheme`] and its one or two active secrets.
///
/// The signature is checked over the raw bytes before anything of them is read, and in constant time.
/// What is doubled, ambiguous or written in another form than the one it has is refused.
///
/// # Example
///
/// ```
/// use garland::Timestamp;
/// use garland::connector::WebhookDelivery;
/// use garland::crypto::SecretBytes;
/// use garland::crypto::signatures::{Scheme, WebhookVerifier};
///
/// let secret = SecretBytes::from("It's a Secret to Everybody");
/// let verifier = WebhookVerifier::new(Scheme::HUB_SHA256, &[secret])?;
/// let delivery = WebhookDelivery::new("POST", "https://studio.example/hooks/7", "Hello, World!").with_header(
///     "X-Hub-Signature-256",
///     "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
/// );
/// assert!(verifier.verify(&delivery, Timestamp::from_millis(0)).is_ok());
/// # Ok::<(), garland::Error>(())
/// ```
pub struct WebhookVerifier {
    scheme: Scheme,
    keys: Vec<SecretBytes>,
}

impl fmt::Debug for WebhookVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookVerifier")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

/// A delivery that is genuine.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verified {
    /// What tells it from every other delivery of this source; `None` if the scheme has nothing that does.
    ///
    /// It is the platform's id where there is one, else a digest of a signed time and what was signed
    /// with it. A digest of the body alone would not do: the same body twice is mostly two events
    /// («something changed»).
    pub id: Option<Box<str>>,
    /// Whether the id is signed. One that is not tells honest repetitions, but anybody who has a
    /// genuine delivery can send it again under another.
    pub id_is_signed: bool,
    /// The signed time.
    pub sent: Option<Timestamp>,
    /// Which of the secrets was right, counted from 0: once it is never the old one any more, that can go.
    pub secret: usize,
    /// How far the time of a delivery may be off.
    pub(super) window: Duration,
}

impl WebhookVerifier {
    /// The shortest secret of a platform's own choice, in bytes. Platforms give out more; a host that
    /// may choose takes at least 32 of chance.
    pub const SHORTEST: usize = 8;

    /// The shortest token that is to come back, in bytes.
    pub const SHORTEST_TOKEN: usize = 16;

    /// Binds a scheme to its secrets: one, or two while one replaces the other.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: none or more than two, one that is empty, too short, or one byte over
    /// and over; for Standard Webhooks one that is not base64 of 24 to 64 bytes. Also a scheme that
    /// would take for signed what is not: a time, an id, a body that is no part of the message.
    pub fn new(scheme: Scheme, secrets: &[SecretBytes]) -> Result<Self> {
        consistent(scheme)?;
        if !(1..=2).contains(&secrets.len()) {
            return Err(misconfigured("a verifier has one secret or two")
                .with_context("secrets", secrets.len()));
        }
        let keys: Result<Vec<SecretBytes>> =
            secrets.iter().map(|secret| key(scheme, secret)).collect();
        Ok(Self {
            scheme,
            keys: keys?,
        })
    }

    /// Checks a delivery at `now`, which is the host's [`Clock::now`](crate::Clock::now).
    ///
    /// Pure: whether it came before is for [`Deliveries`](super::Deliveries) to tell.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`]: not genuine, or not fresh. The reason is for the host's eyes: answer 401
    /// and no more.
    pub fn verify(&self, delivery: &WebhookDelivery, now: Timestamp) -> Result<Verified> {
        self.examine(delivery, now).map_err(|reason| {
            Error::new(
                ErrorKind::Denied,
                "webhook_verifier.verify",
                "the delivery is not genuine",
            )
            .with_context("reason", reason)
        })
    }

    fn examine(
        &self,
        delivery: &WebhookDelivery,
        now: Timestamp,
    ) -> Result<Verified, &'static str> {
        let scheme = &self.scheme;
        if scheme.layout == Layout::ClientState {
            return self.client_state(delivery);
        }
        let evidence = Evidence::read(scheme, delivery)?;
        let pieces = message::pieces(scheme, delivery, &evidence)?;
        let secret = self
            .prove(&evidence, &pieces)
            .ok_or("no signature is right")?;
        let mut verified = self.verified(secret);
        if let Some((stamp, text)) = scheme.stamp.zip(evidence.timestamp) {
            let unreadable = "the timestamp cannot be read";
            let sent = evidence::moment(stamp, text).ok_or(unreadable)?;
            if now.saturating_since(sent) > scheme.window {
                return Err("the delivery is too old");
            }
            if sent.saturating_since(now) > scheme.window {
                return Err("the delivery is from the future");
            }
            verified.sent = Some(sent);
        }
        verified.id = evidence.id.map(Into::into);
        verified.id_is_signed = verified.id.is_some() && scheme.message.contains(&Part::Id);
        if verified.sent.is_some() && !verified.id_is_signed {
            verified.id = Some(digest(&pieces));
            verified.id_is_signed = true;
        }
        Ok(verified)
    }

    /// Compares every signature with every secret, whatever the first ones say.
    fn prove(&self, evidence: &Evidence<'_>, pieces: &[Cow<'_, [u8]>]) -> Option<usize> {
        let mut right = None;
        for (number, key) in self.keys.iter().enumerate() {
            let expected = self.expected(key, pieces)?;
            for text in &evidence.signatures {
                let given = match self.scheme.proof {
                    Proof::Token => Some(text.as_bytes().to_vec()),
                    _ => evidence::decode(self.scheme.encoding, text),
                };
                if given.is_some_and(|given| expected.is(&given)) {
                    right = right.or(Some(number));
                }
            }
        }
        right
    }

    fn expected(&self, key: &SecretBytes, pieces: &[Cow<'_, [u8]>]) -> Option<SecretBytes> {
        match self.scheme.proof {
            Proof::Sha256 | Proof::Sha256Whsec => mac::<Hmac<Sha256>>(key, pieces),
            Proof::Sha1 => mac::<Hmac<Sha1>>(key, pieces),
            Proof::Token => Some(key.clone()),
        }
    }

    fn client_state(&self, delivery: &WebhookDelivery) -> Result<Verified, &'static str> {
        let unreadable = "the notifications cannot be read";
        let states = evidence::client_states(&delivery.body).ok_or(unreadable)?;
        let right = |key: &SecretBytes| {
            let each = states.iter().map(|state| key.is(state.as_bytes()));
            each.fold(true, |all, one| all & one)
        };
        let secret = self.keys.iter().position(right);
        Ok(self.verified(secret.ok_or("no token is right")?))
    }

    fn verified(&self, secret: usize) -> Verified {
        Verified {
            id: None,
            id_is_signed: false,
            sent: None,
            secret,
            window: self.scheme.window,
        }
    }
}

fn consistent(scheme: Scheme) -> Result<()> {
    let signs = |part| scheme.message.contains(&part);
    let covers_body = signs(Part::Body) || signs(Part::Url) && signs(Part::Fields);
    let sound = match scheme.proof {
        Proof::Token => scheme.stamp.is_none() && scheme.message.is_empty(),
        _ => {
            covers_body
                && scheme.stamp.is_some() == signs(Part::Timestamp)
                && (scheme.id.is_some() || !signs(Part::Id))
        }
    };
    sound.then_some(()).ok_or_else(|| {
        misconfigured(
            "the scheme takes something for signed that is not, or signs what is not there",
        )
    })
}

fn key(scheme: Scheme, secret: &SecretBytes) -> Result<SecretBytes> {
    let bytes = secret.expose();
    if scheme.proof == Proof::Sha256Whsec {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| misconfigured("a signing secret is `whsec_` and base64"))?;
        return SigningSecret::parse(text).map(|own| SecretBytes::new(own.expose()));
    }
    let shortest = match scheme.proof {
        Proof::Token => WebhookVerifier::SHORTEST_TOKEN,
        _ => WebhookVerifier::SHORTEST,
    };
    if bytes.len() < shortest {
        return Err(misconfigured("the secret is too short").with_context("least", shortest));
    }
    not_monotonous(bytes)?;
    Ok(secret.clone())
}

fn mac<M: Mac + KeyInit>(key: &SecretBytes, pieces: &[Cow<'_, [u8]>]) -> Option<SecretBytes> {
    let mut mac = <M as KeyInit>::new_from_slice(key.expose()).ok()?;
    for piece in pieces {
        mac.update(piece);
    }
    Some(SecretBytes::new(mac.finalize().into_bytes().as_slice()))
}

fn digest(pieces: &[Cow<'_, [u8]>]) -> Box<str> {
    let mut hasher = Sha256::new();
    for piece in pieces {
        hasher.update(piece);
    }
    to_hex(&hasher.finalize()).into()
}

fn misconfigured(message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, "webhook_verifier.new", message)
}
