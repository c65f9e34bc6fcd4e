//! Webhooks: a platform's word that something has changed.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::clock::Timestamp;
use crate::error::Result;

use super::galleries::GalleryId;
use super::ids::{IdempotencyKey, opaque};
use super::path::FilePath;
use super::presets::DevelopJobId;
use super::publisher::PublishJobId;

opaque! {
    /// A platform's name for a subscription.
    SubscriptionId;
}

/// What proves that a delivery belongs to a subscription: a signing key, or a token that comes back.
///
/// Neither printed nor serialized; a host that stores it seals it first.
#[derive(Clone)]
pub struct WebhookSecret(Box<str>);

impl WebhookSecret {
    /// Takes a secret.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the secret itself, to sign, to check or to seal.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// What to tell about, and where.
#[derive(Clone)]
#[non_exhaustive]
pub struct SubscriptionRequest {
    /// The public address of the host's own entry for this account. It may hold a secret, so it is
    /// not printed.
    pub callback: String,
    /// What the platform shall send along or sign with, where it lets the receiver choose. At least
    /// 32 characters of chance, at most 128 (Microsoft Graph).
    pub secret: WebhookSecret,
}

impl SubscriptionRequest {
    /// Makes a request.
    #[must_use]
    pub fn new(callback: impl Into<String>, secret: WebhookSecret) -> Self {
        Self {
            callback: callback.into(),
            secret,
        }
    }
}

impl fmt::Debug for SubscriptionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionRequest")
            .finish_non_exhaustive()
    }
}

/// A subscription as the platform has it. A host stores it, for no delivery is known without it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Subscription {
    /// The platform's name for it.
    pub id: SubscriptionId,
    /// What its deliveries are checked against, where that is not the connector's own.
    pub secret: Option<WebhookSecret>,
    /// When it ends unless renewed.
    pub expires: Option<Timestamp>,
}

impl Subscription {
    /// Makes the record of a subscription.
    #[must_use]
    pub fn new(id: SubscriptionId) -> Self {
        Self {
            id,
            secret: None,
            expires: None,
        }
    }

    /// Sets [`Subscription::secret`].
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<Option<WebhookSecret>>) -> Self {
        self.secret = secret.into();
        self
    }

    /// Sets [`Subscription::expires`].
    #[must_use]
    pub fn with_expires(mut self, expires: impl Into<Option<Timestamp>>) -> Self {
        self.expires = expires.into();
        self
    }
}

/// A request as it came in, before anybody believes it.
#[derive(Clone)]
#[non_exhaustive]
pub struct WebhookDelivery {
    /// `POST`, or `GET` for some handshakes.
    pub method: String,
    /// The public address it was sent to, with its query, exactly as the platform wrote it.
    pub url: String,
    /// Names and values, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl WebhookDelivery {
    /// Takes a request without headers.
    #[must_use]
    pub fn new(method: impl Into<String>, url: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Returns the value of a header, whatever the case of its name; `None` if it is there twice, so
    /// that nobody checks one and acts on the other.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name));
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

impl fmt::Debug for WebhookDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("WebhookDelivery")
            .field("method", &self.method)
            .field("headers", &names)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Where to look, not what is there: most platforms send no content, and none is trusted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChangeHint {
    /// Files have changed: follow [`changes`](super::PlatformConnector::changes).
    Files,
    /// This file has changed.
    File(FilePath),
    /// This gallery has changed, its favourites among it.
    Gallery(GalleryId),
    /// This job to develop has gone on.
    Develop(DevelopJobId),
    /// This post has gone on.
    Post(PublishJobId),
    /// Clients or jobs have changed: follow [`ContactBook`](super::ContactBook).
    Contacts,
}

/// A delivery that is what it says it is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct VerifiedDelivery {
    /// The platform's name for it, by which a repetition is told; `None` if it gives none.
    pub id: Option<Box<str>>,
    /// Where to look. Empty for a handshake.
    pub hints: Vec<ChangeHint>,
    /// What to answer, as soon as the hints are stored.
    pub reply: WebhookReply,
}

impl VerifiedDelivery {
    /// Makes a delivery that is answered with an empty 200.
    #[must_use]
    pub fn new(hints: Vec<ChangeHint>) -> Self {
        Self {
            id: None,
            hints,
            reply: WebhookReply::default(),
        }
    }

    /// Sets [`VerifiedDelivery::id`].
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Option<Box<str>>>) -> Self {
        self.id = id.into();
        self
    }

    /// Sets [`VerifiedDelivery::reply`].
    #[must_use]
    pub fn with_reply(mut self, reply: WebhookReply) -> Self {
        self.reply = reply;
        self
    }
}

/// What a platform wants to hear.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct WebhookReply {
    /// The HTTP status.
    pub status: u16,
    /// The media type of the body.
    pub media_type: &'static str,
    /// The body: a challenge that is echoed, mostly nothing.
    pub body: Bytes,
}

impl WebhookReply {
    /// A 200 with this body as plain text.
    #[must_use]
    pub fn text(body: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            media_type: "text/plain",
            body: body.into(),
        }
    }
}

impl Default for WebhookReply {
    /// A 200 without a body.
    fn default() -> Self {
        Self::text("")
    }
}

/// The webhooks of one account.
#[async_trait]
pub trait WebhookSource: fmt::Debug + Send + Sync {
    /// Asks to be told about whatever the account has facets for. The same key again returns the
    /// subscription made before. Where the address is entered by hand on the platform, returns what
    /// was entered there, and changes nothing.
    ///
    /// The platform may call before this answers, to see whether somebody is there.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): not an address it calls.
    /// - [`ErrorKind::Conflict`](crate::ErrorKind::Conflict): the key was used with another address.
    ///
    /// # Cancel safety
    /// Safe to drop; ask again with the same key.
    async fn subscribe(
        &self,
        key: &IdempotencyKey,
        request: &SubscriptionRequest,
    ) -> Result<Subscription>;

    /// Puts off the end of a subscription as far as the platform allows. What is returned takes the
    /// place of what was stored, its id included: where an end cannot be put off, it is a new
    /// subscription, and the old one is ended.
    ///
    /// # Errors
    /// - [`ErrorKind::Expired`](crate::ErrorKind::Expired): it has ended; subscribe again, and follow
    ///   the cursors, for changes in between were not told.
    async fn renew(&self, subscription: &Subscription) -> Result<Subscription>;

    /// Ends a subscription. One that has ended already is no error.
    ///
    /// # Errors
    /// Those of the platform.
    async fn unsubscribe(&self, id: &SubscriptionId) -> Result<()>;

    /// Checks a delivery and reads it. Pure: no I/O, no clock but `now`, the same every time.
    ///
    /// `subscription` is the one whose address was called, `None` while [`subscribe`](Self::subscribe)
    /// has not answered yet; then only a handshake is good.
    ///
    /// # For implementors
    /// Check first, over the raw bytes and in constant time, and read only then. A signature that is
    /// missing, doubled, of an unknown kind or older than the platform says is refused; so is a
    /// delivery that cannot be read. What is genuine but of no interest has no hints.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`](crate::ErrorKind::Denied): not a delivery of this subscription, or not
    ///   a fresh one. Nothing of it may be used; answer 401 and no more.
    fn verify(
        &self,
        subscription: Option<&Subscription>,
        delivery: &WebhookDelivery,
        now: Timestamp,
    ) -> Result<VerifiedDelivery>;
}
