//! Storing refreshed tokens, again and again if need be.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::sleep;

use crate::clock::Timestamp;
use crate::engine::crypto::SecretKey;
use crate::error::{ErrorKind, Result};
use crate::permission::Actor;
use crate::storage::{Batch, Lease, Precondition, Version};

use super::answer::Tokens;
use super::connection::Connection;
use super::events::{REFRESHED, Refreshed, note};
use super::records::{AccountRecord, AccountState, OAUTH_ACCOUNTS, ReconnectReason, TokenSet, id};
use super::refresh::Base;
use super::revoke::revoke;
use super::secret::Secret;

/// The first pause after a failure to store, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// Tokens that the provider gave and the database has not taken yet.
pub(super) struct Unsaved {
    record: AccountRecord,
    tokens: TokenSet,
    key: SecretKey,
    /// The record with the tokens sealed: once, so that it can be known again.
    sealed: OnceLock<AccountRecord>,
    /// Of the record that it replaces.
    version: Version,
    was_ending: bool,
}

impl Unsaved {
    /// What the record becomes with the answer to a refresh by the token `used`.
    pub(super) fn new(
        connection: &Connection,
        base: Base,
        answer: &Tokens,
        used: &Secret,
        now: Timestamp,
        key: SecretKey,
    ) -> Self {
        let ending = AccountState::NeedsReconnect(ReconnectReason::Ending);
        let was_ending = base.record.value.state == ending;
        let mut record = base.record.value;
        record.generation = record.generation.saturating_add(1);
        let tokens = TokenSet::of(answer, Some(used));
        // One that stays is as old as it was, whatever is said to be left of it.
        if tokens.previous.is_some() {
            record.refresh_given = now;
        }
        let notice = connection.inner.options.notice;
        record.settle(answer, connection.provider(), now, notice);
        Self {
            record,
            tokens,
            key,
            sealed: OnceLock::new(),
            version: base.record.version,
            was_ending,
        }
    }

    pub(super) fn record(&self) -> &AccountRecord {
        &self.record
    }

    pub(super) fn tokens(&self) -> &TokenSet {
        &self.tokens
    }

    fn sealed(&self, connection: &Connection) -> Result<AccountRecord> {
        if let Some(sealed) = self.sealed.get() {
            return Ok(sealed.clone());
        }
        let mut record = self.record.clone();
        let organization = connection.inner.store.organization();
        let entropy = &*connection.inner.entropy;
        record.seal(self.key.clone(), organization, &self.tokens, entropy)?;
        Ok(self.sealed.get_or_init(|| record).clone())
    }
}

impl Connection {
    /// Stores what is not stored yet.
    pub(super) async fn save_left(&self) -> Result<()> {
        match self.unsaved() {
            Some(unsaved) => self.save(&unsaved).await,
            None => Ok(()),
        }
    }

    /// Tries to store until it works, or is told that this is the last chance. Keeps others from refreshing meanwhile.
    pub(super) async fn save_on(&self, mut lease: Lease) {
        let (mut pause, longest) = PAUSES;
        while let Some(unsaved) = self.unsaved() {
            let is_last = match select(pin!(self.hurry.notified()), pin!(sleep(pause))).await {
                Either::Left(_) => true,
                Either::Right(_) => false,
            };
            let saved = self.save(&unsaved).await;
            if saved.is_err() && is_last {
                return;
            }
            if let Err(error) = lease.renew().await {
                tracing::debug!(kind = error.kind().code(), "a lease was not renewed");
            }
            pause = pause.saturating_mul(2).min(longest);
        }
        // One that cannot be given back runs out by itself.
        if let Err(error) = lease.release().await {
            tracing::debug!(kind = error.kind().code(), "a lease was not given back");
        }
    }

    /// Stores tokens, if no others have taken their place. May be called again after any failure.
    pub(super) async fn save(&self, unsaved: &Arc<Unsaved>) -> Result<()> {
        let record = unsaved.sealed(self)?;
        let mut version = unsaved.version;
        loop {
            let batch = self.batch(unsaved, &record, version)?;
            match self.inner.store.commit(batch).await {
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
            match self.inner.record(&self.name).await? {
                Some(found) if found.value.holder != record.holder => {
                    self.give_back(unsaved).await;
                    self.clear_unsaved(unsaved);
                    return self.take(&found).await;
                }
                None => {
                    self.give_back(unsaved).await;
                    self.clear_unsaved(unsaved);
                    self.forget();
                    return Ok(());
                }
                // Stored before, and nobody heard of it.
                Some(found) if found.value.sealed == record.sealed => break,
                // Two refreshed at once, and the provider let them: theirs are as good, and are stored.
                Some(found) if found.value.generation >= record.generation => {
                    self.clear_unsaved(unsaved);
                    return self.take_over(&found).await;
                }
                // The same tokens as before, with a remark on them: ours are newer.
                Some(found) => version = found.version,
            }
        }
        self.clear_unsaved(unsaved);
        Ok(())
    }

    fn batch(&self, unsaved: &Unsaved, record: &AccountRecord, version: Version) -> Result<Batch> {
        let mut batch = Batch::new(self.inner.clock.now());
        let at = Precondition::At(version);
        batch.put_with(&OAUTH_ACCOUNTS, id(&self.name)?, record, at, Vec::new())?;
        let data = Refreshed {
            provider: &record.provider,
            generation: record.generation,
            rotated: unsaved.tokens.previous.is_some(),
        };
        note(&mut batch, &Actor::default(), REFRESHED, &self.name, &data)?;
        if let AccountState::NeedsReconnect(reason) = record.state
            && !unsaved.was_ending
        {
            self.note_reconnect(&mut batch, record, reason)?;
        }
        Ok(batch)
    }

    /// The account was forgotten or connected anew meanwhile: nobody would ever use what came.
    async fn give_back(&self, unsaved: &Unsaved) {
        if !revoke(&self.inner, self.provider(), &unsaved.tokens).await {
            tracing::debug!("tokens of an account that is gone were not revoked; they run out");
        }
    }
}
