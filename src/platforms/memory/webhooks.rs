//! Webhooks of an account in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::connector::{
    ChangeHint, DevelopJobId, GalleryId, IdempotencyKey, PublishJobId, Subscription,
    SubscriptionId, SubscriptionRequest, VerifiedDelivery, WebhookDelivery, WebhookReply,
    WebhookSecret, WebhookSource,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::MemoryPlatform;
use super::paging::{Keys, missing};

const SIGNATURE: &str = "X-Memory-Signature";
/// How old a delivery may be, and how far ahead a clock.
const FRESH: Duration = Duration::from_secs(300);

/// Who is told.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    all: BTreeMap<SubscriptionId, Hook>,
    keys: Keys<String, SubscriptionId>,
}

#[derive(Debug)]
struct Hook {
    callback: String,
    subscription: Subscription,
}

impl MemoryPlatform {
    /// Makes the request that tells a subscriber of changes, at this moment of the account's clock.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: no such subscription, or it has ended.
    pub fn deliver(&self, id: &SubscriptionId, hints: &[ChangeHint]) -> Result<WebhookDelivery> {
        let operation = "memory.deliver";
        let mut state = self.state();
        let (number, now) = (state.tick(), state.now());
        let hook = state.hooks.all.get(id);
        let hook = hook.filter(|hook| hook.subscription.expires.is_some_and(|end| end > now));
        let hook = hook.ok_or_else(|| missing(operation, "subscription", id))?;
        let secret = hook.subscription.secret.as_ref();
        let secret = secret.ok_or_else(|| missing(operation, "subscription", id))?;
        let hints: Vec<_> = hints.iter().map(written).collect();
        let body = serde_json::json!({ "id": format!("delivery-{number}"), "hints": hints });
        let body = body.to_string();
        let time = now.as_millis().to_string();
        let signature = sign(secret, &time, body.as_bytes());
        let signature = format!("t={time},s={}", signature.to_hex());
        Ok(WebhookDelivery::new("POST", hook.callback.as_str(), body)
            .with_header("Content-Type", "application/json")
            .with_header(SIGNATURE, signature))
    }
}

#[async_trait]
impl WebhookSource for MemoryPlatform {
    async fn subscribe(
        &self,
        key: &IdempotencyKey,
        request: &SubscriptionRequest,
    ) -> Result<Subscription> {
        let operation = "memory.subscribe";
        if !request.callback.starts_with("https://") {
            let message = "only an https address is called";
            return Err(Error::new(ErrorKind::InvalidInput, operation, message));
        }
        let mut state = self.state();
        let known = state.hooks.keys.find(key, &request.callback, operation)?;
        if let Some(hook) = known.and_then(|id| state.hooks.all.get(&id)) {
            return Ok(hook.subscription.clone());
        }
        let id = SubscriptionId::new(format!("subscription-{}", state.tick()));
        let end = state.now().saturating_add(self.options().webhook_lifetime);
        let subscription = Subscription::new(id.clone())
            .with_secret(request.secret.clone())
            .with_expires(end);
        let hook = Hook {
            callback: request.callback.clone(),
            subscription: subscription.clone(),
        };
        let hooks = &mut state.hooks;
        hooks.all.insert(id.clone(), hook);
        hooks.keys.keep(key.clone(), request.callback.clone(), id);
        Ok(subscription)
    }

    async fn renew(&self, subscription: &Subscription) -> Result<Subscription> {
        let mut state = self.state();
        let now = state.now();
        let hook = state.hooks.all.get_mut(&subscription.id);
        let hook = hook.filter(|hook| hook.subscription.expires.is_some_and(|end| end > now));
        let Some(hook) = hook else {
            let message = "the subscription has ended";
            return Err(Error::new(ErrorKind::Expired, "memory.renew", message)
                .with_context("subscription", &subscription.id));
        };
        let end = now.saturating_add(self.options().webhook_lifetime);
        hook.subscription.expires = Some(end);
        Ok(hook.subscription.clone())
    }

    async fn unsubscribe(&self, id: &SubscriptionId) -> Result<()> {
        self.state().hooks.all.remove(id);
        Ok(())
    }

    fn verify(
        &self,
        subscription: Option<&Subscription>,
        delivery: &WebhookDelivery,
        now: Timestamp,
    ) -> Result<VerifiedDelivery> {
        if let Some(challenge) = challenge(delivery) {
            let reply = WebhookReply::text(challenge.to_owned());
            return Ok(VerifiedDelivery::new(Vec::new()).with_reply(reply));
        }
        checked(subscription, delivery, now).ok_or_else(|| {
            let message = "not a fresh delivery of this subscription";
            Error::new(ErrorKind::Denied, "memory.verify", message)
        })
    }
}

/// The text that a handshake wants back.
fn challenge(delivery: &WebhookDelivery) -> Option<&str> {
    let (_, query) = delivery.url.split_once('?')?;
    let challenge = query.strip_prefix("challenge=")?;
    let is_plain = challenge.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (delivery.method == "GET" && is_plain).then_some(challenge)
}

/// What a delivery says, if it is genuine and fresh.
fn checked(
    subscription: Option<&Subscription>,
    delivery: &WebhookDelivery,
    now: Timestamp,
) -> Option<VerifiedDelivery> {
    let secret = subscription?.secret.as_ref()?;
    let header = delivery.header(SIGNATURE)?;
    let (time, signature) = header.strip_prefix("t=")?.split_once(",s=")?;
    let signature = blake3::Hash::from_hex(signature).ok()?;
    // The comparison takes the same time wherever the first difference is.
    if delivery.method != "POST" || sign(secret, time, &delivery.body) != signature {
        return None;
    }
    let sent = Timestamp::from_millis(time.parse().ok()?);
    if now.saturating_since(sent) > FRESH || sent.saturating_since(now) > FRESH {
        return None;
    }
    let body: serde_json::Value = serde_json::from_slice(&delivery.body).ok()?;
    let id = body.get("id")?.as_str()?;
    let hints = body.get("hints")?.as_array()?.iter();
    let hints = hints.map(read).collect::<Option<_>>()?;
    Some(VerifiedDelivery::new(hints).with_id(Box::<str>::from(id)))
}

fn sign(secret: &WebhookSecret, time: &str, body: &[u8]) -> blake3::Hash {
    let key = blake3::derive_key("garland 2025 memory webhook", secret.expose().as_bytes());
    let mut hasher = blake3::Hasher::new_keyed(&key);
    hasher.update(time.as_bytes()).update(b".").update(body);
    hasher.finalize()
}

fn written(hint: &ChangeHint) -> (&'static str, &str) {
    match hint {
        ChangeHint::Files => ("files", ""),
        ChangeHint::File(path) => ("file", path.as_str()),
        ChangeHint::Gallery(id) => ("gallery", id.as_str()),
        ChangeHint::Develop(id) => ("develop", id.as_str()),
        ChangeHint::Post(id) => ("post", id.as_str()),
        ChangeHint::Contacts => ("contacts", ""),
    }
}

fn read(hint: &serde_json::Value) -> Option<ChangeHint> {
    let subject = hint.get(1)?.as_str()?;
    Some(match hint.get(0)?.as_str()? {
        "files" => ChangeHint::Files,
        "file" => ChangeHint::File(subject.parse().ok()?),
        "gallery" => ChangeHint::Gallery(GalleryId::new(subject)),
        "develop" => ChangeHint::Develop(DevelopJobId::new(subject)),
        "post" => ChangeHint::Post(PublishJobId::new(subject)),
        "contacts" => ChangeHint::Contacts,
        _ => return None,
    })
}
