//! What comes in.

use crate::connector::{
    ChangeHint, NamedConnector, Subscription, SubscriptionId, WebhookDelivery, WebhookReply,
    WebhookSecret,
};
use crate::engine::crypto::same;
use crate::engine::crypto::signatures::Receipt;
use crate::error::{ErrorKind, Result};
use crate::storage::{Batch, Precondition};

use super::events::{HINTED, Hinted, note};
use super::inbox::{WebhookInbox, source};
use super::records::{
    HintRecord, SubscriptionRecord, SubscriptionState, WEBHOOK_HINTS, WEBHOOK_SUBSCRIPTIONS, id,
};

/// How often a delivery is put in again when others come at the same time.
const TRIES: u32 = 16;

impl WebhookInbox {
    /// Takes a request that came in under the address of this inbox, and returns what to answer.
    ///
    /// It is checked by the account's own rules; a handshake is answered; what is genuine is kept before it is answered, each
    /// delivery once where the platform names them. An answer of 503 asks the platform to send it again.
    ///
    /// To be given every request as it came: the raw method, the whole public URL, all headers and the raw body.
    ///
    /// # Cancel safety
    /// Safe to drop; the delivery is kept or not, and the platform tries again.
    pub async fn receive(&self, delivery: &WebhookDelivery) -> WebhookReply {
        if delivery.body.len() > self.inner.options.most {
            return empty(413);
        }
        let Some((account, key)) = address(&delivery.url) else {
            return empty(404);
        };
        let Ok(account) = self.inner.accounts.get(&account) else {
            return empty(404);
        };
        match self.take(account, key, delivery).await {
            Ok(reply) => reply,
            Err(error) if error.kind() == ErrorKind::Denied => {
                tracing::debug!(connector = %account.name(), "a webhook was refused");
                empty(401)
            }
            Err(error) => {
                tracing::warn!(connector = %account.name(), error = %error, "a webhook was not kept");
                empty(503)
            }
        }
    }

    async fn take(
        &self,
        account: &NamedConnector,
        key: &str,
        delivery: &WebhookDelivery,
    ) -> Result<WebhookReply> {
        let inner = &*self.inner;
        let Some(record) = inner.record(account.name()).await? else {
            return Ok(empty(404));
        };
        if !same(record.value.key.as_bytes(), key.as_bytes()) {
            return Ok(empty(404));
        }
        let subscription = self.subscription(&record.value).await?;
        let now = inner.clock.now();
        let verified = source(account)?.verify(subscription.as_ref(), delivery, now)?;
        if !verified.hints.is_empty() {
            let name = verified.id.as_deref();
            self.hint(account, key, name, &verified.hints, true).await?;
        }
        Ok(verified.reply)
    }

    async fn subscription(&self, record: &SubscriptionRecord) -> Result<Option<Subscription>> {
        if record.state == SubscriptionState::Asked {
            return Ok(None);
        }
        let sealed = self.inner.open(record).await?;
        Ok(sealed.id.map(|id| {
            Subscription::new(SubscriptionId::new(id))
                .with_secret(sealed.secret.map(WebhookSecret::new))
                .with_expires(record.expires)
        }))
    }

    /// Keeps hints, and that the account has been heard of.
    pub(super) async fn hint(
        &self,
        account: &NamedConnector,
        key: &str,
        delivery: Option<&str>,
        hints: &[ChangeHint],
        by_platform: bool,
    ) -> Result<()> {
        let inner = &*self.inner;
        let source = format!("{}/{key}", account.name());
        let id = id(account.name())?;
        let mut tries = 0;
        loop {
            let now = inner.clock.now();
            let mut batch = Batch::new(now);
            let before = inner.store.get(&WEBHOOK_HINTS, &id).await?;
            let (mut waiting, precondition) = match before {
                Some(before) => (before.value, Precondition::At(before.version)),
                None => (HintRecord::default(), Precondition::Absent),
            };
            waiting.add(hints, now);
            waiting.deliveries = waiting.deliveries.saturating_add(u64::from(by_platform));
            batch.put_with(
                &WEBHOOK_HINTS,
                id.clone(),
                &waiting,
                precondition,
                Vec::new(),
            )?;
            if let Some(record) = inner.record(account.name()).await? {
                let heard = SubscriptionRecord {
                    looked: now,
                    ..record.value
                };
                let at = Precondition::At(record.version);
                batch.put_with(&WEBHOOK_SUBSCRIPTIONS, id.clone(), &heard, at, Vec::new())?;
            }
            let data = Hinted {
                hints: hints.len(),
                by_platform,
            };
            note(&mut batch, &self.actor, HINTED, account.name(), &data)?;
            let accepted = inner
                .deliveries
                .accept_named(&source, delivery, batch)
                .await;
            match accepted {
                Ok(Receipt::Fresh | Receipt::Unknown | Receipt::Repeated) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict && tries < TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

fn empty(status: u16) -> WebhookReply {
    WebhookReply {
        status,
        ..WebhookReply::default()
    }
}

/// The account and the key that an address ends with.
fn address(url: &str) -> Option<(String, &str)> {
    let path = url.split(['?', '#']).next()?;
    let (rest, key) = path.rsplit_once('/')?;
    let (_, account) = rest.rsplit_once('/')?;
    let account = percent_encoding::percent_decode_str(account);
    Some((account.decode_utf8().ok()?.into_owned(), key))
}
