//! Making a call again that has failed for a moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::connector::PlatformConnector;
use crate::engine::resilience::RetryPolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::telemetry::RETRIES;

use super::base::{
    BREAKER, BudgetOptions, ResilienceEventKind, RetryBudget, Scope, is_own, refused,
};
use super::seam::{Around, Call, ConnectorLayer, Repeat, Wrapped};

/// How far a wait that the platform has asked for is stretched at most, so that callers that were
/// refused together do not come back in one instant.
const STRETCH: Duration = Duration::from_millis(50);

/// How [`Retry`] goes about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RetryOptions {
    /// How often, and after what waits.
    pub policy: RetryPolicy,
    /// How long all tries of a call and the waits between them may take. Default 60 s.
    pub deadline: Duration,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            policy: RetryPolicy::default(),
            deadline: Duration::from_secs(60),
        }
    }
}

impl RetryOptions {
    /// Sets [`RetryOptions::policy`].
    #[must_use]
    pub fn with_policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets [`RetryOptions::deadline`].
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

/// Makes calls again that failed for a moment: after a wait drawn evenly from zero to a ceiling that
/// doubles (full jitter), or after what the platform asks for; within a total deadline; under a
/// [`RetryBudget`]; and only what [`Call::repeat`] allows.
///
/// A [quick](Call::is_quick) call that is [safe](Repeat::Safe) to repeat and whose tries have used up the deadline is cut off with
/// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout). Others are left to run, and not tried again. What another layer has refused is not tried
/// again here: the refusal was meant. Only a call that the platform itself has failed waits for the end of what a
/// [`Breaker`](super::Breaker) has then begun, if that comes before the deadline.
#[derive(Clone, Debug)]
pub struct Retry {
    scope: Scope,
    options: RetryOptions,
    budget: RetryBudget,
}

impl Retry {
    /// Makes a layer with a budget of its own.
    #[must_use]
    pub fn new(scope: Scope, options: RetryOptions, budget: BudgetOptions) -> Self {
        Self {
            scope,
            options,
            budget: RetryBudget::new(budget),
        }
    }

    /// Returns the budget, to share it with [`Hedge`](super::Hedge).
    #[must_use]
    pub fn budget(&self) -> &RetryBudget {
        &self.budget
    }

    /// Decides about the next try, at `now`: how long to wait for it, or not to make it.
    fn next(
        &self,
        call: &Call,
        tries: &Tries,
        error: &Error,
        now: Duration,
        end: Duration,
    ) -> Option<Duration> {
        let is_held = tries.is_paid && error.operation() == BREAKER;
        let may = match call.repeat() {
            Repeat::Safe => !is_own(error) || is_held,
            Repeat::Unheard => !is_own(error) && error.kind() == ErrorKind::RateLimited,
            Repeat::Never => false,
        };
        if !may {
            return None;
        }
        let drawn = self
            .options
            .policy
            .wait(tries.failures, error, self.scope.chance())?;
        // A wait of nothing is no advice.
        let wait = match error.retry_after().filter(|wait| !wait.is_zero()) {
            Some(asked) => asked.saturating_add(STRETCH.mul_f64(self.scope.unit())),
            None => drawn,
        };
        if now.saturating_add(wait) >= end {
            return None;
        }
        // The try that was held is paid for and has not been made.
        if !is_held && !self.budget.spend(now) {
            let call = call.name();
            self.scope.tell(ResilienceEventKind::BudgetSpent { call });
            return None;
        }
        Some(wait)
    }
}

impl ConnectorLayer for Retry {
    fn apply(&self, inner: Arc<dyn PlatformConnector>) -> Arc<dyn PlatformConnector> {
        Arc::new(Wrapped::new(inner, self.clone()))
    }
}

impl Around for Retry {
    async fn around<T, F, Fut>(&self, call: &Call, mut make: F) -> Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        if !call.is_request() {
            return make().await;
        }
        let begun = self.scope.now();
        let end = begun.saturating_add(self.options.deadline);
        self.budget.earn(begun);
        let mut tries = Tries::default();
        loop {
            let answer = if call.is_quick() && call.repeat() == Repeat::Safe {
                // The deadline goes first: a call that has come to its turn too late is not begun.
                tokio::select! {
                    biased;
                    () = sleep(end.saturating_sub(self.scope.now())) => {
                        Err(cut_off(&self.scope, call, self.options.deadline))
                    }
                    answer = make() => answer,
                }
            } else {
                make().await
            };
            let Err(error) = answer else {
                return answer;
            };
            tries.failures += 1;
            let Some(wait) = self.next(call, &tries, &error, self.scope.now(), end) else {
                return Err(error);
            };
            tries.is_paid = true;
            let labels = [("operation", call.name())];
            self.scope.telemetry().count(RETRIES, &labels, 1);
            self.scope.tell(ResilienceEventKind::Retrying {
                call: call.name(),
                failures: tries.failures,
                wait,
                error: error.kind(),
            });
            let spent = Spent(&self.budget);
            sleep(wait).await;
            spent.make_use();
        }
    }
}

/// What the tries of a call so far have come to.
#[derive(Debug, Default)]
struct Tries {
    failures: u32,
    /// Whether the next of them was taken from the budget, or the last.
    is_paid: bool,
}

/// A try that is paid for; put back if it is given up on while it waits.
struct Spent<'a>(&'a RetryBudget);

impl Spent<'_> {
    fn make_use(self) {
        std::mem::forget(self);
    }
}

impl Drop for Spent<'_> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

fn cut_off(scope: &Scope, call: &Call, deadline: Duration) -> Error {
    let message = "no answer within the time allowed for all tries";
    let kind = ErrorKind::Timeout;
    refused(scope, call, kind, "resilience.retry", message, None)
        .with_context("seconds", deadline.as_secs())
}
