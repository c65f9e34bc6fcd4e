//! What is kept of subscriptions and of what they brought.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{
    ChangeHint, ConnectorName, DevelopJobId, FilePath, GalleryId, PublishJobId,
};
use crate::engine::crypto::{KeyName, Purpose, SealContext};
use crate::error::Result;
use crate::id::OrganizationId;
use crate::storage::{Collection, RecordId};

/// The collection of subscriptions, by the host's names of accounts.
pub const WEBHOOK_SUBSCRIPTIONS: Collection<SubscriptionRecord> =
    Collection::new("webhook_subscriptions");

/// The collection of what platforms have told and nobody has acted on, by the host's names of accounts.
pub const WEBHOOK_HINTS: Collection<HintRecord> = Collection::new("webhook_hints");

/// How many hints are kept one by one; with more, everything of that kind is looked at.
const MOST_HINTS: usize = 100;

/// A subscription as it is kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct SubscriptionRecord {
    /// How it stands with it.
    pub state: SubscriptionState,
    /// When it was made or last renewed.
    pub since: Timestamp,
    /// When it ends unless renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When the account was last looked at for what may have been missed, or told something.
    pub looked: Timestamp,
    /// Names its key, and stands in its address.
    pub key: String,
    /// The platform's name, the address and the secret, sealed, in base64.
    pub sealed: String,
}

/// How it stands with a subscription.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SubscriptionState {
    /// The platform was asked and has not answered; only its handshake is good.
    Asked,
    /// The platform sends.
    Active,
}

/// What of a subscription is a secret.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Sealed {
    /// The platform's name for it, once it has answered.
    pub(super) id: Option<Box<str>>,
    pub(super) callback: String,
    /// What was offered to the platform.
    pub(super) offered: Box<str>,
    /// What deliveries are checked against.
    pub(super) secret: Option<Box<str>>,
}

impl SubscriptionRecord {
    pub(super) fn key_name(&self) -> KeyName {
        key_name(&self.key)
    }
}

pub(super) fn key_name(key: &str) -> KeyName {
    KeyName::new(format!("webhooks:{key}"), "1", Purpose::Message)
}

pub(super) fn context(organization: &OrganizationId, key: &str) -> Result<SealContext> {
    let file = format!("webhooks:{key}");
    SealContext::new(organization, &file, "1", Purpose::Message)
}

/// What platforms have told about an account.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[non_exhaustive]
pub struct HintRecord {
    /// Since when something waits.
    pub since: Timestamp,
    /// How many deliveries told it.
    pub deliveries: u64,
    hints: Vec<Hint>,
}

/// [`ChangeHint`] as it is stored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
enum Hint {
    Files,
    File(FilePath),
    Gallery(Box<str>),
    Develop(Box<str>),
    Post(Box<str>),
    Contacts,
}

impl HintRecord {
    /// Returns where to look.
    #[must_use]
    pub fn hints(&self) -> Vec<ChangeHint> {
        let hints = self.hints.iter().cloned();
        hints.map(Hint::read).collect()
    }

    /// Adds hints. What is said of all files needs not be said of one.
    pub(super) fn add(&mut self, hints: &[ChangeHint], now: Timestamp) {
        if self.hints.is_empty() {
            self.since = now;
        }
        for hint in hints.iter().map(Hint::of) {
            if !self.hints.contains(&hint) {
                self.hints.push(hint);
            }
        }
        let files = |hint: &Hint| matches!(hint, Hint::File(_));
        if self.hints.len() > MOST_HINTS && self.hints.iter().any(files) {
            self.hints.push(Hint::Files);
        }
        if self.hints.contains(&Hint::Files) {
            self.hints
                .retain(|hint| !files(hint) && *hint != Hint::Files);
            self.hints.push(Hint::Files);
        }
    }
}

impl Hint {
    fn of(hint: &ChangeHint) -> Self {
        match hint {
            ChangeHint::Files => Self::Files,
            ChangeHint::File(path) => Self::File(path.clone()),
            ChangeHint::Gallery(id) => Self::Gallery(id.as_str().into()),
            ChangeHint::Develop(id) => Self::Develop(id.as_str().into()),
            ChangeHint::Post(id) => Self::Post(id.as_str().into()),
            ChangeHint::Contacts => Self::Contacts,
        }
    }

    fn read(self) -> ChangeHint {
        match self {
            Self::Files => ChangeHint::Files,
            Self::File(path) => ChangeHint::File(path),
            Self::Gallery(id) => ChangeHint::Gallery(GalleryId::new(id)),
            Self::Develop(id) => ChangeHint::Develop(DevelopJobId::new(id)),
            Self::Post(id) => ChangeHint::Post(PublishJobId::new(id)),
            Self::Contacts => ChangeHint::Contacts,
        }
    }
}

/// The id of what is kept of an account.
pub(super) fn id(account: &ConnectorName) -> Result<RecordId> {
    RecordId::parse(account.as_str())
}
