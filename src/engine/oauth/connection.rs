//! The tokens of one account in this process: one refresh at a time, and nobody's impatience breaks it off.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tracing::Instrument as _;

use crate::clock::Timestamp;
use crate::connector::ConnectorName;
use crate::connector::kit::{AccessToken, HttpRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Versioned;

use super::provider::Provider;
use super::records::{AccountRecord, AccountState, Edition, TokenSet, before};
use super::save::Unsaved;
use super::service::Inner;
use super::tasks::Tasks;

/// A token that is younger than this and refused all the same is not refused for its age.
const YOUNG: Duration = Duration::from_secs(10);

/// How often tokens may change under somebody who wants one.
const TRIES: usize = 3;

/// What a refresh ended with, for all who wait.
type Landed = Result<(), Arc<Error>>;

/// One account as this process knows it.
pub(super) struct Connection {
    pub(super) inner: Arc<Inner>,
    pub(super) name: ConnectorName,
    provider: Arc<Provider>,
    /// Says that what is unsaved is to be saved now or never.
    pub(super) hurry: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    flight: Option<watch::Receiver<Option<Landed>>>,
    /// Tokens that the provider gave and the database has not taken yet.
    unsaved: Option<Arc<Unsaved>>,
    /// Until when nothing is refreshed ahead of time, by the steady clock.
    paused: Duration,
}

/// The tokens at hand.
struct Held {
    edition: Edition,
    generation: u64,
    access: AccessToken,
    /// From when on it is no good.
    dead: Option<Timestamp>,
    /// From when on it should be another.
    due: Option<Timestamp>,
    /// When this process got it from the provider, by the steady clock.
    got: Option<Duration>,
}

/// What is to be done for somebody who wants a token.
enum Standing {
    Good(AccessToken),
    Due(AccessToken, Edition),
    Stale(Option<Edition>),
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(inner: Arc<Inner>, name: ConnectorName, provider: Arc<Provider>) -> Self {
        Self {
            inner,
            name,
            provider,
            hurry: Notify::new(),
            state: Mutex::default(),
        }
    }

    pub(super) fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Returns a token that is good for now; refreshes first if it has to, and behind the caller's back if it should.
    pub(super) async fn token(self: &Arc<Self>, tasks: &Tasks) -> Result<AccessToken> {
        for _ in 0..TRIES {
            match self.standing() {
                Standing::Good(token) => return Ok(token),
                Standing::Due(token, edition) => {
                    drop(self.join(tasks, Some(edition)));
                    return Ok(token);
                }
                Standing::Stale(edition) => self.renewed(tasks, edition).await?,
            }
        }
        let message = "the tokens run out faster than they come";
        Err(Error::new(ErrorKind::Unavailable, "oauth.token", message)
            .with_context("account", &self.name))
    }

    /// Returns whether there is another token than the one in a request that was refused.
    pub(super) async fn refused(
        self: &Arc<Self>,
        tasks: &Tasks,
        request: &HttpRequest,
    ) -> Result<bool> {
        for _ in 0..TRIES {
            let refused = {
                let state = self.state();
                match &state.held {
                    Some(held) if held.access.is_on(request) => {
                        let now = self.inner.clock.elapsed();
                        if held.got.is_some_and(|at| now.saturating_sub(at) < YOUNG) {
                            return Ok(false);
                        }
                        held.edition.clone()
                    }
                    // Somebody else was here.
                    Some(_) => return Ok(true),
                    None => return Ok(false),
                }
            };
            // A refresh that was under way already may have ended with the same tokens.
            self.renewed(tasks, Some(refused)).await?;
        }
        Ok(false)
    }

    /// Waits for tokens other than those of `beyond`, or good ones if there is no `beyond`.
    pub(super) async fn renewed(
        self: &Arc<Self>,
        tasks: &Tasks,
        beyond: Option<Edition>,
    ) -> Result<()> {
        let mut flight = self.join(tasks, beyond);
        let landed = match flight.wait_for(Option::is_some).await {
            Ok(landed) => landed.clone(),
            Err(_) => None,
        };
        match landed {
            Some(Ok(())) => Ok(()),
            Some(Err(cause)) => Err(told(cause)),
            None => {
                let message = "the refresh was broken off";
                Err(Error::new(ErrorKind::Cancelled, "oauth.refresh", message))
            }
        }
    }

    /// Joins the refresh that is under way, or begins one.
    fn join(
        self: &Arc<Self>,
        tasks: &Tasks,
        beyond: Option<Edition>,
    ) -> watch::Receiver<Option<Landed>> {
        let mut state = self.state();
        let under_way = |flight: &watch::Receiver<Option<Landed>>| {
            flight.borrow().is_none() && flight.has_changed().is_ok()
        };
        if let Some(flight) = state.flight.as_ref().filter(|flight| under_way(flight)) {
            return flight.clone();
        }
        let (landing, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let connection = Arc::clone(self);
        let span = tracing::debug_span!("oauth.refresh");
        let task = async move {
            let (landed, lease) = match connection.renew(beyond).await {
                Ok(lease) => (Ok(()), lease),
                Err(error) => (Err(Arc::new(error)), None),
            };
            if landed.is_err() {
                let until = connection.inner.clock.elapsed();
                connection.state().paused = until.saturating_add(connection.inner.options.pause);
            }
            landing.send_replace(Some(landed));
            if let Some(lease) = lease {
                connection.save_on(lease).await;
            }
        };
        tasks.spawn(task.instrument(span));
        flight
    }

    /// Takes the tokens of a record in the place of those that came, whatever their number.
    pub(super) async fn take_over(&self, record: &Versioned<AccountRecord>) -> Result<()> {
        self.forget();
        self.take(record).await
    }

    /// Takes the tokens of a record, if they are not those at hand and nothing newer waits to be saved.
    pub(super) async fn take(&self, record: &Versioned<AccountRecord>) -> Result<()> {
        let edition = record.value.edition();
        let is_here = |held: &Held| held.edition == edition;
        if self.state().held.as_ref().is_some_and(is_here) {
            return Ok(());
        }
        let organization = self.inner.store.organization();
        let tokens = record.value.open(&self.inner.keys, organization).await?;
        self.hold(&record.value, &tokens, false);
        Ok(())
    }

    /// Uses these tokens from now on.
    pub(super) fn hold(&self, record: &AccountRecord, tokens: &TokenSet, is_own: bool) {
        let options = &self.inner.options;
        let life = record
            .expires
            .map(|end| end.saturating_since(record.refreshed));
        let dead = record
            .expires
            .zip(life)
            .map(|(end, life)| before(end, options.skew.min(life / 8)));
        let due = record.expires.zip(life).map(|(end, life)| {
            let ahead = options.ahead.min(life / 4);
            before(
                end,
                ahead.saturating_add(ahead.mul_f64(self.inner.chance.unit())),
            )
        });
        // What is about to run out for good is worth a try as well: the next refresh token may last longer.
        let due = [due, record.notice_at(options.notice)]
            .into_iter()
            .flatten()
            .min();
        let due = match record.state {
            AccountState::Connected => due,
            // Nothing is gained by refreshing it before it has to be.
            state if state.can_renew() => dead,
            AccountState::NeedsReconnect(_) => None,
        };
        let mut held = Held {
            edition: record.edition(),
            generation: record.generation,
            access: AccessToken::new(tokens.access.expose()),
            dead,
            due,
            got: is_own.then(|| self.inner.clock.elapsed()),
        };
        let mut state = self.state();
        let is_older = |known: &Held| {
            known.edition.is_of_same_consent(&held.edition) && known.generation > held.generation
        };
        if let Some(known) = state
            .held
            .as_ref()
            .filter(|known| known.edition == held.edition)
        {
            held.got = held.got.or(known.got);
        }
        // A record that was read before the newest was written may be looked at after it.
        if !state.held.as_ref().is_some_and(is_older) {
            state.held = Some(held);
        }
    }

    /// Uses no token any more.
    pub(super) fn forget(&self) {
        self.state().held = None;
    }

    /// Notes that the tokens at hand cannot be refreshed any more.
    pub(super) fn give_up(&self) {
        if let Some(held) = &mut self.state().held {
            held.due = None;
        }
    }

    pub(super) fn unsaved(&self) -> Option<Arc<Unsaved>> {
        self.state().unsaved.clone()
    }

    pub(super) fn set_unsaved(&self, unsaved: Arc<Unsaved>) {
        self.state().unsaved = Some(unsaved);
    }

    pub(super) fn clear_unsaved(&self, done: &Arc<Unsaved>) {
        let mut state = self.state();
        if state
            .unsaved
            .as_ref()
            .is_some_and(|own| Arc::ptr_eq(own, done))
        {
            state.unsaved = None;
        }
    }

    /// Says that this is the last chance to save what is not.
    pub(super) fn hurry(&self) {
        if self.unsaved().is_some() {
            self.hurry.notify_one();
        }
    }

    /// Whether the tokens of a record can be used now.
    pub(super) fn is_usable(&self, record: &AccountRecord) -> bool {
        let skew = self.inner.options.skew;
        record.expires.is_none_or(|end| {
            let life = end.saturating_since(record.refreshed);
            self.inner.clock.now() < before(end, skew.min(life / 8))
        })
    }

    fn standing(&self) -> Standing {
        let (now, elapsed) = (self.inner.clock.now(), self.inner.clock.elapsed());
        let state = self.state();
        let Some(held) = &state.held else {
            return Standing::Stale(None);
        };
        let has_come = |at: Option<Timestamp>| at.is_some_and(|at| now >= at);
        if has_come(held.dead) {
            return Standing::Stale(Some(held.edition.clone()));
        }
        if has_come(held.due) && elapsed >= state.paused {
            return Standing::Due(held.access.clone(), held.edition.clone());
        }
        Standing::Good(held.access.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error for one of those who waited; the refresh's own is its source.
fn told(cause: Arc<Error>) -> Error {
    let error = Error::new(cause.kind(), "oauth.refresh", cause.message());
    let error = match cause.retry_after() {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    };
    error.with_source(cause)
}
