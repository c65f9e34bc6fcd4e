//! Webhooks ([webhooks](https://www.dropbox.com/developers/reference/webhooks)).

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;
use url::Url;

use crate::clock::Timestamp;
use crate::connector::{
    ChangeHint, IdempotencyKey, Subscription, SubscriptionId, SubscriptionRequest,
    VerifiedDelivery, WebhookDelivery, WebhookReply, WebhookSource, from_hex,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::Dropbox;

/// The longest challenge that is echoed, in bytes.
const LONGEST: usize = 256;

/// Who has news. Dropbox says no more.
#[derive(Debug, Deserialize)]
struct News {
    #[serde(default)]
    list_folder: Accounts,
}

#[derive(Debug, Default, Deserialize)]
struct Accounts {
    #[serde(default)]
    accounts: Vec<Box<str>>,
}

#[async_trait]
impl WebhookSource for Dropbox {
    /// Returns what is entered by hand in the settings of the app: it serves all accounts, and cannot be asked for.
    async fn subscribe(
        &self,
        _: &IdempotencyKey,
        request: &SubscriptionRequest,
    ) -> Result<Subscription> {
        if !request.callback.starts_with("https://") {
            let message = "Dropbox calls only an https address";
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "dropbox.subscribe",
                message,
            ));
        }
        Ok(Subscription::new(SubscriptionId::new("app")))
    }

    /// It has no end.
    async fn renew(&self, subscription: &Subscription) -> Result<Subscription> {
        Ok(subscription.clone())
    }

    /// It is ended by hand in the settings of the app.
    async fn unsubscribe(&self, _: &SubscriptionId) -> Result<()> {
        Ok(())
    }

    fn verify(
        &self,
        subscription: Option<&Subscription>,
        delivery: &WebhookDelivery,
        _: Timestamp,
    ) -> Result<VerifiedDelivery> {
        let read = match &*delivery.method {
            "GET" => handshake(delivery),
            "POST" if subscription.is_some() => self.news(delivery),
            _ => None,
        };
        read.ok_or_else(|| {
            let message = "not a delivery for this app";
            Error::new(ErrorKind::Denied, "dropbox.verify", message)
        })
    }
}

impl Dropbox {
    fn news(&self, delivery: &WebhookDelivery) -> Option<VerifiedDelivery> {
        let secret = self.app_secret.as_ref()?.expose();
        let signature = from_hex(delivery.header("x-dropbox-signature")?)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
        mac.update(&delivery.body);
        mac.verify_slice(&signature).ok()?;
        let news: News = serde_json::from_slice(&delivery.body).ok()?;
        let own = self.top.account_id.as_deref();
        let mut told = news.list_folder.accounts.iter();
        let is_of_interest = told.any(|account| own.is_none_or(|own| own == &**account));
        let hints = match is_of_interest {
            true => vec![ChangeHint::Files],
            false => Vec::new(),
        };
        Some(VerifiedDelivery::new(hints))
    }
}

/// Echoes a challenge. It proves nothing, and nothing follows from it.
fn handshake(delivery: &WebhookDelivery) -> Option<VerifiedDelivery> {
    let url = Url::parse(&delivery.url).ok()?;
    let mut challenges = url.query_pairs().filter(|(name, _)| name == "challenge");
    let (_, challenge) = challenges.next()?;
    let is_plain = challenge.bytes().all(|byte| byte.is_ascii_graphic());
    let is_one = challenges.next().is_none();
    if !is_one || !is_plain || challenge.is_empty() || challenge.len() > LONGEST {
        return None;
    }
    let reply = WebhookReply::text(challenge.into_owned());
    Some(VerifiedDelivery::new(Vec::new()).with_reply(reply))
}
