//! Refreshing tokens that other processes may be refreshing too.
//!
//! A refresh token that rotates is good once, and many providers end everything when one is used twice
//! ([RFC 9700, 4.14](https://www.rfc-editor.org/rfc/rfc9700#section-4.14)). So:
//!
//! 1. Whoever wants to refresh reads the record first: if there are other tokens, those are used.
//! 2. It takes a lease, twice as long as an answer may take, and reads once more.
//! 3. The new tokens replace the old in one commit, under the condition that the record is as it was. The refresh token
//!    before stays beside the new one until that has worked.
//! 4. If the database does not take them, they are used from memory, the lease is kept, and storing them is tried again
//!    until it works or the last handle goes.
//!
//! An answer that is lost leaves the old token. It is tried again, because there is no other: providers that rotate
//! nothing, or forgive a repetition, go on as if nothing had been; of the others the account needs a person, and says so.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use tokio::time::sleep;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::permission::Actor;
use crate::storage::{Batch, Lease, Precondition, RecordId, Versioned};

use super::answer::{Failure, Tokens};
use super::connection::Connection;
use super::endpoint::{Asking, tokens};
use super::events::{NEEDS_RECONNECT, NeedsReconnect, note};
use super::records::{
    AccountRecord, AccountState, Edition, OAUTH_ACCOUNTS, ReconnectReason, TokenSet, id,
};
use super::save::Unsaved;
use super::secret::Secret;

/// The longest pause before somebody else's refresh is looked after again.
const LOOK: Duration = Duration::from_millis(200);

/// The account as it stands in the database.
pub(super) struct Base {
    pub(super) record: Versioned<AccountRecord>,
    pub(super) tokens: TokenSet,
}

impl Connection {
    /// Sees to it that there are tokens other than those of `beyond` that can be used. Returns the lease if what came is
    /// not stored yet.
    pub(super) async fn renew(self: &Arc<Self>, beyond: Option<Edition>) -> Result<Option<Lease>> {
        self.save_left().await?;
        let inner = &self.inner;
        let begun = inner.clock.elapsed();
        let mut changed = inner.store.watch();
        loop {
            let base = self.read().await?;
            if self.is_other(&base, beyond.as_ref()) {
                return Ok(None);
            }
            self.expect_renewable(&base)?;
            let lease = Lease::acquire(
                inner.store.clone(),
                Arc::clone(&inner.clock),
                RecordId::parse(format!("oauth/{}", self.name))?,
                inner.run,
                inner.options.lease(),
            );
            let locked = match lease.await {
                Ok(lease) => return Box::pin(self.renew_under(lease, beyond.as_ref())).await,
                // The lease of somebody whose taking of it is not to be read yet is a conflict.
                Err(error) if matches!(error.kind(), ErrorKind::Locked | ErrorKind::Conflict) => {
                    error
                }
                Err(error) => return Err(error),
            };
            // Its holder may be dead: then the lease runs out, and ours is the next.
            let waited = inner.clock.elapsed().saturating_sub(begun);
            if waited > inner.options.lease().saturating_mul(2) {
                let message = "another process is refreshing the tokens, and does not end";
                return Err(Error::new(ErrorKind::Unavailable, "oauth.refresh", message)
                    .with_context("account", &self.name)
                    .with_source(locked));
            }
            let pause = LOOK.mul_f64(0.5 + inner.chance.unit() / 2.0);
            let pause = pin!(sleep(pause));
            let woken = select(changed.next(), pause).await;
            // A database that tells nothing ends its wake-ups at once.
            if let Either::Left((None, rest)) = woken {
                rest.await;
            }
        }
    }

    async fn renew_under(
        self: &Arc<Self>,
        lease: Lease,
        beyond: Option<&Edition>,
    ) -> Result<Option<Lease>> {
        let done = self.renew_alone(beyond).await;
        if self.unsaved().is_some() {
            return done.map(|()| Some(lease));
        }
        // One that cannot be given back runs out by itself; what was done stays done.
        if let Err(error) = lease.release().await {
            tracing::debug!(kind = error.kind().code(), "a lease was not given back");
        }
        done.map(|()| None)
    }

    async fn renew_alone(self: &Arc<Self>, beyond: Option<&Edition>) -> Result<()> {
        let base = self.read().await?;
        if self.is_other(&base, beyond) {
            return Ok(());
        }
        self.expect_renewable(&base)?;
        let Some(current) = base.tokens.refresh.clone() else {
            self.mark(&base, ReconnectReason::NoRefreshToken).await?;
            return Err(self.needs_reconnect(ReconnectReason::NoRefreshToken));
        };
        // Whatever can fail on this side is done before the token is spent.
        let key = self.inner.keys.key(&base.record.value.key()).await?;
        let mut used = current;
        let mut now = self.inner.clock.now();
        let mut answered = self.ask(&used, now).await;
        if is_refusal(&answered) {
            let again = self.read().await?;
            if again.record.value.edition() != base.record.value.edition() {
                // Somebody was faster, although the lease was ours: it had run out.
                return if self.is_other(&again, beyond) {
                    Ok(())
                } else {
                    Err(self.overtaken())
                };
            }
            if let Some(previous) = base.tokens.previous.clone() {
                used = previous;
                now = self.inner.clock.now();
                answered = self.ask(&used, now).await;
            }
        }
        let answer = match answered {
            Ok(answer) => answer,
            Err(failure) => {
                if failure.kind() == ErrorKind::Unauthenticated {
                    self.mark(&base, ReconnectReason::Refused).await?;
                }
                return Err(failure.into_error().with_context("account", &self.name));
            }
        };
        let unsaved = Unsaved::new(self, base, &answer, &used, now, key);
        let unsaved = Arc::new(unsaved);
        self.set_unsaved(Arc::clone(&unsaved));
        self.hold(unsaved.record(), unsaved.tokens(), true);
        if let Err(error) = self.save(&unsaved).await {
            // They are good all the same; who waits for them need not know. The task goes on saving.
            tracing::warn!(
                kind = error.kind().code(),
                "refreshed tokens are not stored yet"
            );
        }
        Ok(())
    }

    async fn ask(&self, refresh: &Secret, now: Timestamp) -> Result<Tokens, Failure> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose()),
        ];
        let at = Asking {
            operation: "oauth.refresh",
            now,
            patience: self.inner.options.patience(),
        };
        tokens(&self.inner.client, self.provider(), &form, &at).await
    }

    /// Reads the account, and uses its tokens if they are newer.
    async fn read(&self) -> Result<Base> {
        let Some(record) = self.inner.record(&self.name).await? else {
            self.forget();
            let message = "the account is not connected any more";
            return Err(
                Error::new(ErrorKind::Unauthenticated, "oauth.refresh", message)
                    .with_context("account", &self.name),
            );
        };
        let organization = self.inner.store.organization();
        let tokens = record.value.open(&self.inner.keys, organization).await?;
        self.hold(&record.value, &tokens, false);
        Ok(Base { record, tokens })
    }

    /// Whether the tokens are others than those of `beyond`, and can be used.
    fn is_other(&self, base: &Base, beyond: Option<&Edition>) -> bool {
        Some(&base.record.value.edition()) != beyond && self.is_usable(&base.record.value)
    }

    fn expect_renewable(&self, base: &Base) -> Result<()> {
        match base.record.value.state {
            AccountState::NeedsReconnect(reason) if !base.record.value.state.can_renew() => {
                self.give_up();
                Err(self.needs_reconnect(reason))
            }
            _ => Ok(()),
        }
    }

    /// Puts on record that somebody has to connect the account again; not if it has other tokens meanwhile.
    async fn mark(&self, base: &Base, reason: ReconnectReason) -> Result<()> {
        let mut found = base.record.clone();
        loop {
            if found.value.state == AccountState::NeedsReconnect(reason) {
                break;
            }
            let mut record = found.value.clone();
            record.state = AccountState::NeedsReconnect(reason);
            let mut batch = Batch::new(self.inner.clock.now());
            let at = Precondition::At(found.version);
            batch.put_with(&OAUTH_ACCOUNTS, id(&self.name)?, &record, at, Vec::new())?;
            self.note_reconnect(&mut batch, &record, reason)?;
            match self.inner.store.commit(batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                marked => {
                    marked?;
                    break;
                }
            }
            match self.inner.record(&self.name).await? {
                Some(again) if again.value.edition() == base.record.value.edition() => {
                    found = again;
                }
                // Connected again or forgotten: what was refused is of no interest any more.
                _ => return Ok(()),
            }
        }
        if reason != ReconnectReason::Ending {
            self.give_up();
        }
        Ok(())
    }

    /// Puts on record that the refresh token runs out soon, if it does and nobody has said so.
    pub(super) async fn mark_ending(&self) -> Result<()> {
        let base = self.read().await?;
        let record = &base.record.value;
        let (now, notice) = (self.inner.clock.now(), self.inner.options.notice);
        if record.state == AccountState::Connected && record.is_ending(now, notice) {
            self.mark(&base, ReconnectReason::Ending).await?;
        }
        Ok(())
    }

    /// Adds the event that somebody has to connect the account again, with the time until which it works yet.
    pub(super) fn note_reconnect(
        &self,
        batch: &mut Batch,
        record: &AccountRecord,
        reason: ReconnectReason,
    ) -> Result<()> {
        let until = match reason {
            ReconnectReason::Ending => record.refresh_ends,
            ReconnectReason::Refused | ReconnectReason::NoRefreshToken => record.expires,
        };
        let data = NeedsReconnect {
            provider: &record.provider,
            reason: reason.code(),
            until,
        };
        note(batch, &Actor::default(), NEEDS_RECONNECT, &self.name, &data)
    }

    fn needs_reconnect(&self, reason: ReconnectReason) -> Error {
        let message = "the account has to be connected again";
        Error::new(ErrorKind::Unauthenticated, "oauth.refresh", message)
            .with_context("account", &self.name)
            .with_context("reason", reason.code())
    }

    fn overtaken(&self) -> Error {
        let message = "the tokens changed while they were refreshed";
        Error::new(ErrorKind::Unavailable, "oauth.refresh", message)
            .with_context("account", &self.name)
    }
}

fn is_refusal(answered: &Result<Tokens, Failure>) -> bool {
    matches!(answered, Err(failure) if failure.kind() == ErrorKind::Unauthenticated)
}
