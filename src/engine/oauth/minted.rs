//! Tokens that a program gets in its own name, whenever it wants one.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::clock::{Clock, Timestamp};
use crate::connector::kit::{AccessToken, HttpRequest};
use crate::error::{Error, ErrorKind, Result};

use super::answer::Tokens;
use super::records::before;

/// How long before its end a token is replaced; of one that lives less than eight times as long, an eighth of its life.
const AHEAD: Duration = Duration::from_secs(120);

/// Gets a token.
#[async_trait]
pub(super) trait Mint: Send + Sync + 'static {
    async fn mint(&self) -> Result<(Tokens, Timestamp)>;
}

/// One token at a time, got by one of those who want it.
pub(super) struct Minted<M> {
    pub(super) mint: M,
    clock: Arc<dyn Clock>,
    turn: Semaphore,
    held: Mutex<Option<Held>>,
}

#[derive(Clone)]
struct Held {
    access: AccessToken,
    until: Option<Timestamp>,
}

impl<M: Mint> Minted<M> {
    pub(super) fn new(mint: M, clock: Arc<dyn Clock>) -> Self {
        Self {
            mint,
            clock,
            turn: Semaphore::new(1),
            held: Mutex::default(),
        }
    }

    pub(super) async fn token(&self) -> Result<AccessToken> {
        if let Some(token) = self.fresh() {
            return Ok(token);
        }
        let turn = self.turn.acquire().await;
        let _turn = turn.map_err(|cause| {
            let message = "nobody gets tokens any more";
            Error::new(ErrorKind::Unexpected, "oauth.token", message).with_source(cause)
        })?;
        // Whoever had the turn before has got one.
        if let Some(token) = self.fresh() {
            return Ok(token);
        }
        let (answer, now) = self.mint.mint().await?;
        let access = AccessToken::new(answer.access_token.expose());
        let until = answer
            .expires_in
            .map(|life| before(now.saturating_add(life), AHEAD.min(life / 8)));
        *self.held() = Some(Held {
            access: access.clone(),
            until,
        });
        Ok(access)
    }

    /// Drops the token if it is the one that was refused; there is another to be had in any case.
    pub(super) fn refused(&self, request: &HttpRequest) -> bool {
        let mut held = self.held();
        if held.as_ref().is_some_and(|held| held.access.is_on(request)) {
            *held = None;
        }
        true
    }

    fn fresh(&self) -> Option<AccessToken> {
        let held = self.held().clone()?;
        let now = self.clock.now();
        held.until
            .is_none_or(|until| now < until)
            .then_some(held.access)
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> fmt::Debug for Minted<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minted").finish_non_exhaustive()
    }
}
