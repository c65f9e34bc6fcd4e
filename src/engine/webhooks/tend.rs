//! Seeing to subscriptions before they end, and to accounts that nothing was heard of.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::connector::{
    ChangeHint, ConnectorName, NamedConnector, Subscription, SubscriptionId, WebhookSecret,
};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Versioned;

use super::events::{RENEWED, Until, note};
use super::inbox::{WebhookInbox, source};
use super::records::{SubscriptionRecord, SubscriptionState};

/// What [`WebhookInbox::tend`] has done.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Tended {
    /// Subscriptions that were renewed.
    pub renewed: Vec<ConnectorName>,
    /// Subscriptions that were made anew, because they had ended.
    pub made: Vec<ConnectorName>,
    /// Accounts that somebody has to look at, because nothing was heard of them for long or their subscription had ended.
    pub looked: Vec<ConnectorName>,
    /// What could not be seen to, and is tried again by the next call.
    pub failed: Vec<(ConnectorName, Error)>,
}

impl WebhookInbox {
    /// Sees to every subscription: renews it when two thirds of its time are over, makes one anew that has ended, and has
    /// accounts looked at of which nothing was heard for [`WebhookOptions::look_every`](super::WebhookOptions::look_every).
    /// To be called every few minutes, from any number of processes. One account's fault keeps no other from its turn.
    ///
    /// # Errors
    /// Those of the database.
    ///
    /// # Cancel safety
    /// Safe to drop; the next call goes on.
    pub async fn tend(&self) -> Result<Tended> {
        let mut tended = Tended::default();
        let inner = &*self.inner;
        for account in inner.accounts.iter() {
            if account.connector().webhooks().is_none() {
                continue;
            }
            let Some(record) = inner.record(account.name()).await? else {
                continue;
            };
            let now = inner.clock.now();
            let is_due = record.value.renew_at().is_some_and(|at| now >= at)
                || record.value.state == SubscriptionState::Asked;
            if is_due && let Err(error) = self.see_to(account, &mut tended).await {
                // Somebody else is at it.
                if error.kind() != ErrorKind::Locked {
                    tended.failed.push((account.name().clone(), error));
                }
            }
            if now.saturating_since(record.value.looked) >= inner.options.look_every {
                self.look(account, &record.value.key, &mut tended).await?;
            }
        }
        Ok(tended)
    }

    async fn see_to(&self, account: &NamedConnector, tended: &mut Tended) -> Result<()> {
        let lease = self.inner.lease(account).await?;
        let outcome = self.see_to_it(account, tended).await;
        lease.release().await?;
        outcome
    }

    async fn see_to_it(&self, account: &NamedConnector, tended: &mut Tended) -> Result<()> {
        let inner = &*self.inner;
        // Somebody may have seen to it while this waited for its turn.
        let Some(record) = inner.record(account.name()).await? else {
            return Ok(());
        };
        if record.value.state == SubscriptionState::Asked {
            self.settle(account, record).await?;
            tended.made.push(account.name().clone());
            return Ok(());
        }
        let now = inner.clock.now();
        if record.value.renew_at().is_none_or(|at| now < at) {
            return Ok(());
        }
        match self.renew(account, &record).await {
            Ok(()) => tended.renewed.push(account.name().clone()),
            Err(error) if error.kind() == ErrorKind::Expired => {
                let asked = self.ask(account, Some(&record)).await?;
                let key = asked.value.key.clone();
                self.settle(account, asked).await?;
                tended.made.push(account.name().clone());
                // What happened in between was not told.
                self.look(account, &key, tended).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn renew(
        &self,
        account: &NamedConnector,
        record: &Versioned<SubscriptionRecord>,
    ) -> Result<()> {
        let inner = &*self.inner;
        let sealed = inner.open(&record.value).await?;
        let id = sealed.id.clone().unwrap_or_default();
        let subscription = Subscription::new(SubscriptionId::new(id))
            .with_secret(sealed.secret.clone().map(WebhookSecret::new))
            .with_expires(record.value.expires);
        let renewed = source(account)?.renew(&subscription).await?;
        let until = renewed.expires;
        // A delivery may have come meanwhile, which is noted in the same record.
        let latest = inner.record(account.name()).await?;
        let latest = latest.filter(|latest| latest.value.key == record.value.key);
        let Some(latest) = latest else {
            return Ok(());
        };
        inner
            .keep(account, latest, sealed, &renewed, |batch| {
                note(
                    batch,
                    &self.actor,
                    RENEWED,
                    account.name(),
                    &Until { until },
                )
            })
            .await
    }

    async fn look(&self, account: &NamedConnector, key: &str, tended: &mut Tended) -> Result<()> {
        let connector = account.connector();
        let mut hints = Vec::new();
        if connector.files().is_some() {
            hints.push(ChangeHint::Files);
        }
        if connector.contacts().is_some() {
            hints.push(ChangeHint::Contacts);
        }
        self.hint(account, key, None, &hints, false).await?;
        tended.looked.push(account.name().clone());
        Ok(())
    }
}

impl SubscriptionRecord {
    /// From when on it is time to renew: after two thirds of its life.
    fn renew_at(&self) -> Option<Timestamp> {
        let life: Duration = self.expires?.saturating_since(self.since);
        Some(self.since.saturating_add(life * 2 / 3))
    }
}
