//! Leaving a whole account alone when its platform asks to slow down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::connector::PlatformConnector;
use crate::engine::resilience::pool::Priority;
use crate::error::{Error, ErrorKind, Result};

use super::base::{Refusal, ResilienceEventKind, Scope, Turnstile, is_own, refused, soon, way};
use super::hush::{Hush, PauseOptions};
use super::seam::{Around, Call, ConnectorLayer, Wrapped};

/// Pauses an account, and nothing else, when a call of it is answered with
/// [`ErrorKind::RateLimited`].
///
/// The pause lasts as long as the platform asks for; without a word of it, a guess that doubles with
/// each further refusal. Calls wait, the most urgent first and ties in the order they came. When the pause
/// ends they are let through a few at first and then more and more, also those that come only then, so
/// that the end of a pause is not the cause of the next. A call that would wait longer than
/// [`PauseOptions::patience`] fails at once with [`ErrorKind::RateLimited`] and tells how long.
///
/// # Cancel safety
/// A call that is dropped while it waits gives its place to the next.
#[derive(Clone, Debug)]
pub struct Pause {
    shared: Arc<Shared>,
    priority: Priority,
}

#[derive(Debug)]
struct Shared {
    scope: Scope,
    patience: Duration,
    state: Mutex<Hush>,
    queue: Turnstile,
}

impl Pause {
    /// Makes the layer of one account, for calls of [`Priority::NORMAL`].
    #[must_use]
    pub fn new(scope: Scope, options: PauseOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                scope,
                patience: options.patience,
                queue: Turnstile::new(options.queue),
                state: Mutex::new(Hush::new(options)),
            }),
            priority: Priority::NORMAL,
        }
    }

    /// Returns a view of the same pause for calls of another urgency.
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Pauses the account for `wait` from now, unless it is paused for longer already: for a host that
    /// has read the advice of headers, or for a person.
    pub fn hold(&self, wait: Duration) {
        let (now, unit) = (self.shared.scope.now(), self.shared.scope.unit());
        let begun = self.state().limited(now, now, Some(wait), unit);
        self.tell(begun, true);
    }

    /// Ends the pause now, for a person who knows better. Calls are let through as after any pause: a few
    /// at first and then more and more.
    pub fn lift(&self) {
        self.state().lift(self.shared.scope.now());
        self.shared.queue.look_again();
    }

    /// Returns how long the account is still paused; `None` if it is not.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.state().remaining(self.shared.scope.now())
    }

    fn state(&self) -> MutexGuard<'_, Hush> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, begun: Option<Duration>, asked: bool) {
        if let Some(wait) = begun {
            self.shared
                .scope
                .tell(ResilienceEventKind::Paused { wait, asked });
        }
    }

    /// Takes in that a call sent at `sent` was refused by the platform, once or more often.
    pub(super) fn hear(&self, error: &Error, sent: Duration) {
        if is_own(error) || error.kind() != ErrorKind::RateLimited {
            return;
        }
        // A wait of nothing is no advice.
        let asked = error.retry_after().filter(|wait| !wait.is_zero());
        let (now, unit) = (self.shared.scope.now(), self.shared.scope.unit());
        let begun = self.state().limited(now, sent, asked, unit);
        self.tell(begun, asked.is_some());
    }

    /// Waits until the account is not paused.
    pub(super) async fn wait(&self, call: &Call, priority: Priority) -> Result<()> {
        let Shared {
            scope,
            patience,
            queue,
            ..
        } = &*self.shared;
        let rule = |now| {
            let resumed = self.state().pass(now, scope.unit())?;
            if resumed {
                scope.tell(ResilienceEventKind::Resumed);
            }
            Ok(())
        };
        let passed = way::wait(scope, *patience, |patience| {
            queue.pass(scope.clock(), patience, priority, rule, |_| {})
        });
        passed.await.map_err(|refusal| {
            let (message, wait) = match refusal {
                Refusal::Crowded => ("too many calls wait for the account", None),
                Refusal::TooLong(wait) => ("the account is paused", wait),
            };
            let wait = wait.or_else(|| self.remaining());
            let wait = wait.or_else(|| Some(soon(scope)));
            let kind = ErrorKind::RateLimited;
            refused(scope, call, kind, "resilience.pause", message, wait)
        })
    }
}

impl ConnectorLayer for Pause {
    fn apply(&self, inner: Arc<dyn PlatformConnector>) -> Arc<dyn PlatformConnector> {
        Arc::new(Wrapped::new(inner, self.clone()))
    }
}

impl Around for Pause {
    async fn around<T, F, Fut>(&self, call: &Call, mut make: F) -> Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        if call.is_request() {
            self.wait(call, self.priority).await?;
        }
        let sent = self.shared.scope.now();
        let answer = make().await;
        match &answer {
            Err(error) if is_own(error) => {}
            Err(error) if error.kind() == ErrorKind::RateLimited => self.hear(error, sent),
            // No answer at all shows nothing.
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout) => {}
            _ if call.is_request() => self.state().answered(self.shared.scope.now(), sent),
            _ => {}
        }
        answer
    }
}
