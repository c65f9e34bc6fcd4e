//! The inbox of one organization.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::connector::kit::encode_segment;
use crate::connector::{ConnectorName, ConnectorRegistry, NamedConnector, WebhookSource};
use crate::engine::crypto::signatures::Deliveries;
use crate::engine::crypto::{Entropy, KeyRing, open_value};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Chance, Ids};
use crate::permission::Actor;
use crate::storage::{Store, Versioned};

use super::options::WebhookOptions;
use super::records::{Sealed, SubscriptionRecord, WEBHOOK_SUBSCRIPTIONS, context, id};

/// What a [`WebhookInbox`] works with.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "each part is needed, and a host names them all"
)]
pub struct WebhookParts {
    /// Where subscriptions and hints are kept.
    pub store: Store,
    /// The keys of the same organization, that secrets are sealed with.
    pub keys: KeyRing,
    /// The accounts of the same organization.
    pub accounts: ConnectorRegistry,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where secrets come from.
    pub entropy: Arc<dyn Entropy>,
    /// Where ids come from.
    pub chance: Chance,
    /// The public address under which the host hands requests over, such as `https://hooks.example.com/garland`.
    pub base: String,
}

/// The webhooks of one organization. Cheap to clone; of one store there may be any number, in as many processes.
#[derive(Clone)]
pub struct WebhookInbox {
    pub(super) inner: Arc<Inner>,
    pub(super) actor: Actor,
}

pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) keys: KeyRing,
    pub(super) accounts: ConnectorRegistry,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) ids: Ids,
    pub(super) deliveries: Deliveries,
    pub(super) options: WebhookOptions,
    base: String,
}

impl fmt::Debug for WebhookInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookInbox")
            .field("organization", self.inner.store.organization())
            .finish_non_exhaustive()
    }
}

impl WebhookInbox {
    /// Makes an inbox. Nothing is read or asked yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the base is no `https` address, or has a query.
    pub fn new(parts: WebhookParts, options: WebhookOptions) -> Result<Self> {
        let base = parts.base.trim_end_matches('/').to_owned();
        if !base.starts_with("https://") || base.contains(['?', '#']) {
            let message = "platforms call https addresses without a query";
            return Err(Error::new(ErrorKind::InvalidInput, "webhooks.new", message));
        }
        let deliveries = Deliveries::new(parts.store.clone(), Arc::clone(&parts.clock));
        let inner = Inner {
            ids: Ids::new(Arc::clone(&parts.clock), parts.chance),
            store: parts.store,
            keys: parts.keys,
            accounts: parts.accounts,
            clock: parts.clock,
            entropy: parts.entropy,
            deliveries,
            options,
            base,
        };
        Ok(Self {
            inner: Arc::new(inner),
            actor: Actor::default(),
        })
    }

    /// Names who acts, for the journal. Default: the host. Of clones, each has its own.
    #[must_use]
    pub fn acting_as(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }
}

impl Inner {
    /// The address of a subscription.
    pub(super) fn callback(&self, account: &ConnectorName, key: &str) -> String {
        let account = encode_segment(account.as_str());
        format!("{}/{account}/{key}", self.base)
    }

    pub(super) async fn record(
        &self,
        account: &ConnectorName,
    ) -> Result<Option<Versioned<SubscriptionRecord>>> {
        self.store.get(&WEBHOOK_SUBSCRIPTIONS, &id(account)?).await
    }

    /// Opens what of a subscription is a secret.
    pub(super) async fn open(&self, record: &SubscriptionRecord) -> Result<Sealed> {
        let key = self.keys.key(&record.key_name()).await?;
        let context = context(self.store.organization(), &record.key)?;
        open_value(key, context, &record.sealed)
    }
}

/// Returns the webhooks of an account.
pub(super) fn source(account: &NamedConnector) -> Result<&dyn WebhookSource> {
    account.connector().webhooks().ok_or_else(|| {
        let message = "the platform of this account sends no webhooks";
        Error::new(ErrorKind::Unsupported, "webhooks.subscribe", message)
            .with_context("connector", account.name())
    })
}
