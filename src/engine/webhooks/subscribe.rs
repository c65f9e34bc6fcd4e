//! Asking platforms to send, and to stop.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::connector::{
    IdempotencyKey, NamedConnector, Subscription, SubscriptionId, SubscriptionRequest,
    WebhookSecret, to_hex,
};
use crate::engine::crypto::{draw, seal_value};
use crate::error::{ErrorKind, Result};
use crate::id::RunId;
use crate::storage::{Batch, Lease, Precondition, RecordId, Version, Versioned};

use super::events::{SUBSCRIBED, UNSUBSCRIBED, Until, note};
use super::inbox::{Inner, WebhookInbox, source};
use super::records::{
    Sealed, SubscriptionRecord, SubscriptionState, WEBHOOK_HINTS, WEBHOOK_SUBSCRIPTIONS, context,
    id, key_name,
};

/// How long somebody who asks a platform may be silent before another takes over.
const LEASE: Duration = Duration::from_secs(120);

impl WebhookInbox {
    /// Asks the platform of an account to send, unless it does already, and returns until when it will unless renewed.
    ///
    /// The platform may call while this runs: requests have to be handed to [`receive`](Self::receive) by then.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such account.
    /// - [`ErrorKind::Unsupported`]: its platform sends no webhooks.
    /// - [`ErrorKind::Locked`]: somebody else is at it.
    /// - Those of the platform, the keys and the database.
    ///
    /// # Cancel safety
    /// Safe to drop; the next call goes on with the same subscription.
    pub async fn subscribe(&self, account: &str) -> Result<Option<Timestamp>> {
        let account = self.inner.accounts.get(account)?;
        source(account)?;
        let lease = self.inner.lease(account).await?;
        let outcome = self.subscribe_once(account).await;
        lease.release().await?;
        outcome
    }

    async fn subscribe_once(&self, account: &NamedConnector) -> Result<Option<Timestamp>> {
        let inner = &*self.inner;
        let now = inner.clock.now();
        let asked = match inner.record(account.name()).await? {
            Some(record) if record.value.state == SubscriptionState::Active => {
                if record.value.expires.is_none_or(|end| end > now) {
                    return Ok(record.value.expires);
                }
                self.ask(account, Some(&record)).await?
            }
            Some(record) => record,
            None => self.ask(account, None).await?,
        };
        self.settle(account, asked).await
    }

    /// Makes a subscription anew, in place of one that has ended, before the platform hears of it.
    pub(super) async fn ask(
        &self,
        account: &NamedConnector,
        ended: Option<&Versioned<SubscriptionRecord>>,
    ) -> Result<Versioned<SubscriptionRecord>> {
        let inner = &*self.inner;
        let now = inner.clock.now();
        let key = RunId::generate(&inner.ids).to_string();
        let sealed = Sealed {
            id: None,
            callback: inner.callback(account.name(), &key),
            offered: to_hex(&draw::<32>(&*inner.entropy)?).into(),
            secret: None,
        };
        let mut batch = Batch::new(now);
        let seal_key = inner.keys.create(&mut batch, &key_name(&key)).await?;
        let context = context(inner.store.organization(), &key)?;
        let record = SubscriptionRecord {
            state: SubscriptionState::Asked,
            since: now,
            expires: None,
            looked: ended.map_or(now, |ended| ended.value.looked),
            sealed: seal_value(seal_key, context, &sealed, &*inner.entropy)?,
            key,
        };
        let precondition = match ended {
            None => Precondition::Absent,
            Some(ended) => {
                inner.keys.destroy(&mut batch, &ended.value.key_name())?;
                Precondition::At(ended.version)
            }
        };
        let id = id(account.name())?;
        batch.put_with(
            &WEBHOOK_SUBSCRIPTIONS,
            id.clone(),
            &record,
            precondition,
            Vec::new(),
        )?;
        inner.store.commit(batch).await?;
        let stored = inner.record(account.name()).await?;
        stored.ok_or_else(|| gone(account))
    }

    /// Asks the platform, and keeps what it answers.
    pub(super) async fn settle(
        &self,
        account: &NamedConnector,
        asked: Versioned<SubscriptionRecord>,
    ) -> Result<Option<Timestamp>> {
        let inner = &*self.inner;
        let sealed = inner.open(&asked.value).await?;
        let key: IdempotencyKey = asked.value.key.parse()?;
        let secret = WebhookSecret::new(sealed.offered.clone());
        let request = SubscriptionRequest::new(sealed.callback.clone(), secret);
        let subscription = source(account)?.subscribe(&key, &request).await?;
        let until = subscription.expires;
        let batch = |batch: &mut Batch| {
            note(
                batch,
                &self.actor,
                SUBSCRIBED,
                account.name(),
                &Until { until },
            )
        };
        inner
            .keep(account, asked, sealed, &subscription, batch)
            .await?;
        Ok(until)
    }

    /// Ends the subscription of an account, and forgets what it brought. None is no error.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such account.
    /// - [`ErrorKind::Locked`]: somebody else is at it.
    /// - Those of the platform, the keys and the database; the subscription is then still there.
    ///
    /// # Cancel safety
    /// Safe to drop; call again.
    pub async fn unsubscribe(&self, account: &str) -> Result<()> {
        let account = self.inner.accounts.get(account)?;
        let lease = self.inner.lease(account).await?;
        let outcome = self.unsubscribe_once(account).await;
        lease.release().await?;
        outcome
    }

    async fn unsubscribe_once(&self, account: &NamedConnector) -> Result<()> {
        let inner = &*self.inner;
        let Some(record) = inner.record(account.name()).await? else {
            return Ok(());
        };
        let sealed = inner.open(&record.value).await?;
        if let Some(subscription) = sealed.id {
            let subscription = SubscriptionId::new(subscription);
            source(account)?.unsubscribe(&subscription).await?;
        }
        let mut batch = Batch::new(inner.clock.now());
        let id = id(account.name())?;
        batch.delete(
            &WEBHOOK_SUBSCRIPTIONS,
            id.clone(),
            Precondition::At(record.version),
        );
        batch.delete(&WEBHOOK_HINTS, id, Precondition::Any);
        inner.keys.destroy(&mut batch, &record.value.key_name())?;
        note(&mut batch, &self.actor, UNSUBSCRIBED, account.name(), &())?;
        inner.store.commit(batch).await?;
        Ok(())
    }
}

impl Inner {
    /// Keeps what a platform said of a subscription.
    pub(super) async fn keep(
        &self,
        account: &NamedConnector,
        record: Versioned<SubscriptionRecord>,
        mut sealed: Sealed,
        subscription: &Subscription,
        more: impl FnOnce(&mut Batch) -> Result<()>,
    ) -> Result<()> {
        let Versioned { version, value, .. } = record;
        sealed.id = Some(subscription.id.as_str().into());
        sealed.secret = subscription
            .secret
            .as_ref()
            .map(|secret| secret.expose().into());
        let key = self.keys.key(&value.key_name()).await?;
        let context = context(self.store.organization(), &value.key)?;
        let now = self.clock.now();
        let record = SubscriptionRecord {
            state: SubscriptionState::Active,
            since: now,
            expires: subscription.expires,
            sealed: seal_value(key, context, &sealed, &*self.entropy)?,
            ..value
        };
        let mut batch = Batch::new(now);
        self.put(&mut batch, account, &record, version)?;
        more(&mut batch)?;
        self.store.commit(batch).await?;
        Ok(())
    }

    pub(super) fn put(
        &self,
        batch: &mut Batch,
        account: &NamedConnector,
        record: &SubscriptionRecord,
        version: Version,
    ) -> Result<()> {
        let at = Precondition::At(version);
        let id = id(account.name())?;
        batch.put_with(&WEBHOOK_SUBSCRIPTIONS, id, record, at, Vec::new())?;
        Ok(())
    }

    /// One at a time asks a platform about an account.
    pub(super) async fn lease(&self, account: &NamedConnector) -> Result<Lease> {
        let id = RecordId::parse(format!("webhooks/{}", account.name()))?;
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        Lease::acquire(store, clock, id, RunId::generate(&self.ids), LEASE).await
    }
}

fn gone(account: &NamedConnector) -> crate::Error {
    let message = "somebody ended the subscription meanwhile";
    crate::Error::new(ErrorKind::Conflict, "webhooks.subscribe", message)
        .with_context("connector", account.name())
}
