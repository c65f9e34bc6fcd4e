//! What is kept of accounts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::ConnectorName;
use crate::engine::crypto::{
    Entropy, KeyName, KeyRing, Purpose, SealContext, SecretKey, open_value, seal_value,
};
use crate::error::Result;
use crate::id::OrganizationId;
use crate::storage::{Collection, RecordId};

use super::answer;
use super::provider::Provider;
use super::secret::Secret;

/// The collection of connected accounts, by the host's names for them.
pub const OAUTH_ACCOUNTS: Collection<AccountRecord> = Collection::new("oauth_accounts");

/// A connected account as it is kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AccountRecord {
    /// The [`Provider`]'s id.
    pub provider: String,
    /// What the tokens are for, as far as the provider says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// How it stands with the account.
    pub state: AccountState,
    /// When somebody last said yes.
    pub connected: Timestamp,
    /// When the tokens were asked for.
    pub refreshed: Timestamp,
    /// When the access token runs out; `None` if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When the refresh token was given.
    pub refresh_given: Timestamp,
    /// When the refresh token runs out, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_ends: Option<Timestamp>,
    /// Counts the tokens: with every refresh and every new consent one more.
    pub generation: u64,
    /// Names the key of the sealed tokens; another with every consent.
    pub holder: String,
    /// The tokens, sealed, in base64.
    pub sealed: String,
}

/// How it stands with an account.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccountState {
    /// It works, and goes on working by itself.
    Connected,
    /// Somebody has to connect it again.
    NeedsReconnect(ReconnectReason),
}

/// Why an account has to be connected again.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReconnectReason {
    /// Its refresh token runs out soon. Until then it works.
    Ending,
    /// The provider takes its refresh token no more: it was revoked, ran out, or was used by somebody else.
    Refused,
    /// Its access token runs out or was refused, and there is no refresh token. Until it has run out it may work.
    NoRefreshToken,
}

impl ReconnectReason {
    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ending => "ending",
            Self::Refused => "refused",
            Self::NoRefreshToken => "no_refresh_token",
        }
    }
}

impl AccountState {
    /// Whether the tokens may still be refreshed.
    pub(super) fn can_renew(self) -> bool {
        matches!(
            self,
            Self::Connected | Self::NeedsReconnect(ReconnectReason::Ending)
        )
    }
}

/// The tokens of an account.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct TokenSet {
    pub(super) access: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refresh: Option<Secret>,
    /// The refresh token before this one, until this one has worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) previous: Option<Secret>,
}

impl TokenSet {
    /// Takes new tokens. Who rotates nothing sends no refresh token: the old one stays.
    pub(super) fn of(answer: &answer::Tokens, before: Option<&Secret>) -> Self {
        let sent = answer.refresh_token.clone().filter(|t| !t.is_empty());
        let rotated = match (&sent, before) {
            (Some(new), Some(old)) => new.expose() != old.expose(),
            _ => false,
        };
        Self {
            access: answer.access_token.clone(),
            refresh: sent.or_else(|| before.cloned()),
            previous: before.filter(|_| rotated).cloned(),
        }
    }
}

impl AccountRecord {
    /// Sets the times that follow from an answer asked for at `now`, and the state that follows from them.
    pub(super) fn settle(
        &mut self,
        answer: &answer::Tokens,
        provider: &Provider,
        now: Timestamp,
        notice: Duration,
    ) {
        self.refreshed = now;
        self.expires = answer.expires_in.map(|life| now.saturating_add(life));
        let is_new = answer.refresh_token.is_some();
        let documented = provider.refresh_life.filter(|_| is_new);
        if let Some(life) = answer.refresh_token_expires_in.or(documented) {
            self.refresh_ends = Some(now.saturating_add(life));
        } else if is_new {
            self.refresh_ends = None;
        }
        if let Some(scopes) = answer.scopes() {
            self.scopes = scopes;
        }
        self.state = if self.is_ending(now, notice) {
            AccountState::NeedsReconnect(ReconnectReason::Ending)
        } else {
            AccountState::Connected
        };
    }

    /// From when on it is time to say that the refresh token runs out: `notice` before, or, of a short life, in its last quarter.
    pub(super) fn notice_at(&self, notice: Duration) -> Option<Timestamp> {
        let ends = self.refresh_ends?;
        let life = ends.saturating_since(self.refresh_given);
        Some(before(ends, notice.min(life / 4)))
    }

    pub(super) fn is_ending(&self, now: Timestamp, notice: Duration) -> bool {
        self.notice_at(notice).is_some_and(|at| now >= at)
    }

    /// Tells the tokens from all others that the account ever had.
    pub(super) fn edition(&self) -> Edition {
        Edition {
            holder: self.holder.as_str().into(),
            generation: self.generation,
        }
    }

    pub(super) fn key(&self) -> KeyName {
        KeyName::new(format!("oauth:{}", self.holder), "1", Purpose::Message)
    }

    /// Opens the tokens.
    pub(super) async fn open(
        &self,
        keys: &KeyRing,
        organization: &OrganizationId,
    ) -> Result<TokenSet> {
        let key = keys.key(&self.key()).await?;
        open_value(key, self.context(organization)?, &self.sealed)
    }

    /// Seals tokens into the record, under a key of it.
    pub(super) fn seal(
        &mut self,
        key: SecretKey,
        organization: &OrganizationId,
        tokens: &TokenSet,
        entropy: &dyn Entropy,
    ) -> Result<()> {
        self.sealed = seal_value(key, self.context(organization)?, tokens, entropy)?;
        Ok(())
    }

    fn context(&self, organization: &OrganizationId) -> Result<SealContext> {
        let generation = self.generation.to_string();
        SealContext::new(
            organization,
            &self.key().file,
            &generation,
            Purpose::Message,
        )
    }
}

/// Which tokens of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Edition {
    holder: Box<str>,
    generation: u64,
}

impl Edition {
    pub(super) fn is_of_same_consent(&self, other: &Self) -> bool {
        self.holder == other.holder
    }
}

pub(super) fn id(name: &ConnectorName) -> Result<RecordId> {
    RecordId::parse(name.as_str())
}

pub(super) fn before(at: Timestamp, by: Duration) -> Timestamp {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(at.as_millis().saturating_sub(millis))
}
