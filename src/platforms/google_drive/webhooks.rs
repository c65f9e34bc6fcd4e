//! Webhooks: channels for changes ([push](https://developers.google.com/workspace/drive/api/guides/push)).

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::kit::HttpRequest;
use crate::connector::{
    ChangeHint, IdempotencyKey, Subscription, SubscriptionId, SubscriptionRequest,
    VerifiedDelivery, WebhookDelivery, WebhookSecret, WebhookSource,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::GoogleDrive;

/// How long a channel is taken to live whose end Drive did not tell: so short that it is renewed at once.
const UNTOLD: Duration = Duration::from_secs(60);

/// The longest token of a channel, in characters.
const LONGEST_TOKEN: usize = 256;

/// A channel as it is asked for.
#[derive(Debug, Serialize)]
struct NewChannel<'a> {
    id: &'a str,
    r#type: &'static str,
    address: &'a str,
    token: &'a str,
    /// 64-bit numbers are text in Google's JSON.
    expiration: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Channel {
    resource_id: Box<str>,
    #[serde(default)]
    expiration: Option<Box<str>>,
}

/// What stops a channel.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stop<'a> {
    id: &'a str,
    resource_id: &'a str,
}

/// What a subscription keeps as its secret: the token of the channel, and the address that it calls, for its successor.
struct Kept<'a> {
    token: &'a str,
    callback: &'a str,
}

#[async_trait]
impl WebhookSource for GoogleDrive {
    async fn subscribe(
        &self,
        key: &IdempotencyKey,
        request: &SubscriptionRequest,
    ) -> Result<Subscription> {
        let operation = "google_drive.subscribe";
        let (token, callback) = (request.secret.expose(), &*request.callback);
        if !callback.starts_with("https://") || callback.contains('\n') {
            let message = "Drive calls only an https address";
            return Err(Error::new(ErrorKind::InvalidInput, operation, message));
        }
        if token.is_empty() || token.len() > LONGEST_TOKEN || token.contains(['\n', '\r']) {
            let message = "the secret cannot be the token of a channel";
            return Err(Error::new(ErrorKind::InvalidInput, operation, message));
        }
        let kept = Kept { token, callback };
        let id = name_of(&[
            "subscribe",
            &self.account(),
            &key.to_string(),
            callback,
            token,
        ]);
        if let Some(made) = self.watch(operation, &id, &kept).await? {
            return Ok(made);
        }
        // The channel is there: an earlier answer was lost. What it watches is told by another one, which goes again.
        let probe = name_of(&["probe", &id, &self.calls.fresh_id(operation).await?]);
        let other = self.watch(operation, &probe, &kept).await?;
        let other = other.ok_or_else(|| taken(operation))?;
        self.unsubscribe(&other.id).await?;
        let (_, resource) = parts(&other.id).ok_or_else(|| taken(operation))?;
        Ok(self.untold(&id, resource, &kept))
    }

    /// Makes a new channel that goes on after the old one, and stops the old one.
    async fn renew(&self, subscription: &Subscription) -> Result<Subscription> {
        let operation = "google_drive.renew";
        let now = self.calls.api.clock().now();
        let is_over = subscription.expires.is_none_or(|end| end <= now);
        let kept = subscription.secret.as_ref().and_then(Kept::read);
        let (Some(kept), Some((channel, resource))) = (kept, parts(&subscription.id)) else {
            let message = "this is not a subscription of Drive";
            return Err(Error::new(ErrorKind::InvalidInput, operation, message));
        };
        if is_over {
            let message = "the subscription has ended";
            return Err(Error::new(ErrorKind::Expired, operation, message)
                .with_context("subscription", channel));
        }
        let id = name_of(&["renew", channel]);
        let made = self.watch(operation, &id, &kept).await?;
        let renewed = made.unwrap_or_else(|| self.untold(&id, resource, &kept));
        self.unsubscribe(&subscription.id).await?;
        Ok(renewed)
    }

    async fn unsubscribe(&self, id: &SubscriptionId) -> Result<()> {
        let operation = "google_drive.unsubscribe";
        let (id, resource_id) = parts(id).ok_or_else(|| {
            let message = "this is not a subscription of Drive";
            Error::new(ErrorKind::InvalidInput, operation, message)
        })?;
        let call = HttpRequest::post(self.calls.at("/channels/stop"));
        let call = call.json(&Stop { id, resource_id });
        match self.calls.api.call(operation, call).await {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Expired) => {
                Ok(())
            }
            answer => answer.map(drop),
        }
    }

    fn verify(
        &self,
        subscription: Option<&Subscription>,
        delivery: &WebhookDelivery,
        _: Timestamp,
    ) -> Result<VerifiedDelivery> {
        read(subscription, delivery).ok_or_else(|| {
            let message = "not a delivery of this channel";
            Error::new(ErrorKind::Denied, "google_drive.verify", message)
        })
    }
}

impl GoogleDrive {
    /// Makes a channel; `None` if there is one of this name already.
    async fn watch(
        &self,
        operation: &'static str,
        id: &str,
        kept: &Kept<'_>,
    ) -> Result<Option<Subscription>> {
        let from = self.start_token().await?;
        let end = self.calls.api.clock().now();
        let end = end.saturating_add(self.settings.channel_lifetime);
        let channel = NewChannel {
            id,
            r#type: "web_hook",
            address: kept.callback,
            token: kept.token,
            expiration: end.as_millis().to_string(),
        };
        let call = HttpRequest::post(self.calls.at("/changes/watch"))
            .query("pageToken", from.as_str())
            .query("spaces", "drive")
            .query("includeRemoved", "true");
        let mut call = self.calls.in_drive(call);
        if let Some(drive) = &self.calls.shared_drive {
            call = call.query("driveId", drive);
        }
        let made: Channel = match self.calls.api.json(operation, call.json(&channel)).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            made => made?,
        };
        let told = made.expiration.as_deref().and_then(|end| end.parse().ok());
        let mut subscription = self.untold(id, &made.resource_id, kept);
        if let Some(end) = told.map(Timestamp::from_millis) {
            subscription.expires = Some(end);
        }
        Ok(Some(subscription))
    }

    /// A subscription whose end Drive did not tell.
    fn untold(&self, id: &str, resource: &str, kept: &Kept<'_>) -> Subscription {
        let end = self.calls.api.clock().now().saturating_add(UNTOLD);
        Subscription::new(SubscriptionId::new(format!("{id}.{resource}")))
            .with_secret(kept.to_secret())
            .with_expires(end)
    }

    fn account(&self) -> String {
        let drive = self.calls.shared_drive.as_deref().unwrap_or("my drive");
        format!("{drive} {}", self.calls.root)
    }
}

impl<'a> Kept<'a> {
    fn read(secret: &'a WebhookSecret) -> Option<Self> {
        let (token, callback) = secret.expose().split_once('\n')?;
        Some(Self { token, callback })
    }

    fn to_secret(&self) -> WebhookSecret {
        WebhookSecret::new(format!("{}\n{}", self.token, self.callback))
    }
}

/// What a delivery says, if it is genuine. Before the subscription is known only the handshake is good, which says nothing.
fn read(
    subscription: Option<&Subscription>,
    delivery: &WebhookDelivery,
) -> Option<VerifiedDelivery> {
    let channel = delivery.header("x-goog-channel-id")?;
    let token = delivery.header("x-goog-channel-token")?;
    let resource = delivery.header("x-goog-resource-id")?;
    let state = delivery.header("x-goog-resource-state")?;
    let number: u64 = delivery.header("x-goog-message-number")?.parse().ok()?;
    if delivery.method != "POST" || !matches!(state, "sync" | "change") {
        return None;
    }
    let Some(subscription) = subscription else {
        return (state == "sync").then(|| VerifiedDelivery::new(Vec::new()));
    };
    let kept = Kept::read(subscription.secret.as_ref()?)?;
    let (known_channel, known_resource) = parts(&subscription.id)?;
    let is_genuine =
        same(token, kept.token) & same(channel, known_channel) & same(resource, known_resource);
    if !is_genuine {
        return None;
    }
    let hints = match state {
        "change" => vec![ChangeHint::Files],
        _ => Vec::new(),
    };
    let id: Box<str> = format!("{channel}.{number}").into();
    Some(VerifiedDelivery::new(hints).with_id(id))
}

/// Compares in the same time wherever the first difference is.
fn same(a: &str, b: &str) -> bool {
    blake3::hash(a.as_bytes()) == blake3::hash(b.as_bytes())
}

/// The name of a channel: the same for the same request, and no other's.
fn name_of(of: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("garland 2026 google drive channel");
    for part in of {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let name = hasher.finalize().to_hex();
    name.get(..40).unwrap_or(&name).to_owned()
}

/// The channel and what it watches.
fn parts(id: &SubscriptionId) -> Option<(&str, &str)> {
    id.as_str().split_once('.')
}

fn taken(operation: &'static str) -> Error {
    let message = "the name of the channel is taken";
    Error::new(ErrorKind::Conflict, operation, message)
}
