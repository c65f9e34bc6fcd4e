//! Webhooks that go out.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Ids, RunId};

use super::secret::SigningSecret;

/// Names one message, the same at every try to deliver it: 1 to 128 of `A–Z a–z 0–9 _ -`.
///
/// A `.` is not among them, because it is what the signed parts are joined by.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct WebhookId(Box<str>);

impl WebhookId {
    /// Makes the next id: `msg_` and a UUID version 7.
    #[must_use]
    pub fn generate(ids: &Ids) -> Self {
        Self(format!("msg_{}", RunId::generate(ids)).into())
    }

    /// Takes an id.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: not 1 to 128 of the allowed characters.
    pub fn parse(text: &str) -> Result<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if (1..=128).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "webhook_id.parse",
            "a webhook's id has 1 to 128 of A–Z, a–z, 0–9, `_`, `-`",
        )
        .with_context("id", text))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Signs outgoing webhooks by the [Standard Webhooks] scheme: HMAC-SHA256 over `id.timestamp.body`.
///
/// # Example
///
/// ```
/// use garland::Timestamp;
/// use garland::crypto::signatures::{SigningSecret, WebhookId, WebhookSigner};
///
/// let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// let signer = WebhookSigner::new(secret);
/// let id = WebhookId::parse("msg_p5jXN8AQM9LWM0D4loKWxJek")?;
/// let headers = signer.sign(&id, Timestamp::from_millis(1_614_265_330_000), br#"{"test": 2432232314}"#)?;
/// assert_eq!(headers.signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
/// # Ok::<(), garland::Error>(())
/// ```
///
/// [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "what cannot be printed cannot be printed by mistake"
)]
pub struct WebhookSigner {
    current: SigningSecret,
    previous: Option<SigningSecret>,
}

/// What is sent along with a signed body.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SignedHeaders {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`: seconds since 1970.
    pub timestamp: String,
    /// `webhook-signature`: one signature for each active secret, separated by a space.
    pub signature: String,
}

impl SignedHeaders {
    /// Returns names and values.
    #[must_use]
    pub fn to_pairs(&self) -> [(&'static str, &str); 3] {
        [
            ("webhook-id", &self.id),
            ("webhook-timestamp", &self.timestamp),
            ("webhook-signature", &self.signature),
        ]
    }
}

impl WebhookSigner {
    /// Signs with one secret.
    #[must_use]
    pub fn new(secret: SigningSecret) -> Self {
        Self {
            current: secret,
            previous: None,
        }
    }

    /// Signs with another secret besides, until the receiver has taken over the new one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it is the same secret.
    pub fn with_previous(mut self, secret: SigningSecret) -> Result<Self> {
        if self.current.is(&secret) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "webhook_signer.with_previous",
                "the secret that is replaced is the same as the new one",
            ));
        }
        self.previous = Some(secret);
        Ok(self)
    }

    /// Signs a body that is sent at `now`. Each try is signed anew, with the same id.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: `now` is before 1970.
    pub fn sign(&self, id: &WebhookId, now: Timestamp, body: &[u8]) -> Result<SignedHeaders> {
        let Ok(seconds) = u64::try_from(now.as_millis().div_euclid(1_000)) else {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "webhook_signer.sign",
                "the clock stands before 1970",
            )
            .with_context("now", now));
        };
        let timestamp = seconds.to_string();
        let mut signatures = Vec::with_capacity(2);
        for secret in [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
        {
            let parts: [&[u8]; 5] = [
                id.as_str().as_bytes(),
                b".",
                timestamp.as_bytes(),
                b".",
                body,
            ];
            let mac = mac(secret, &parts)?;
            signatures.push(format!("v1,{}", STANDARD.encode(mac)));
        }
        Ok(SignedHeaders {
            id: id.as_str().to_owned(),
            timestamp,
            signature: signatures.join(" "),
        })
    }
}

fn mac(secret: &SigningSecret, parts: &[&[u8]]) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).map_err(|cause| {
        Error::new(
            ErrorKind::Unexpected,
            "webhook_signer.sign",
            "the secret has no usable length",
        )
        .with_source(cause)
    })?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().into())
}
