//! Asking a second time when a small read takes longer than nearly all before it.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::sleep;

use crate::connector::PlatformConnector;
use crate::engine::resilience::pool::{Outcome, PlatformPool, PoolPermit};
use crate::error::{Error, Result};

use super::base::{BudgetOptions, ResilienceEventKind, RetryBudget, Scope};
use super::pause::Pause;
use super::quota::Quota;
use super::seam::{Around, Call, ConnectorLayer, Wrapped};

/// How many answers are remembered for each call.
const KEPT: usize = 128;

/// How [`Hedge`] goes about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HedgeOptions {
    /// Nothing is asked twice earlier than this. Default 20 ms.
    pub floor: Duration,
    /// Nothing is asked twice before so many answers of the same call are known. Default 20, at most 128.
    pub least_answers: usize,
}

impl Default for HedgeOptions {
    fn default() -> Self {
        Self {
            floor: Duration::from_millis(20),
            least_answers: 20,
        }
    }
}

impl HedgeOptions {
    /// Sets [`HedgeOptions::floor`].
    #[must_use]
    pub fn with_floor(mut self, floor: Duration) -> Self {
        self.floor = floor;
        self
    }

    /// Sets [`HedgeOptions::least_answers`].
    #[must_use]
    pub fn with_least_answers(mut self, answers: usize) -> Self {
        self.least_answers = answers.clamp(1, KEPT);
        self
    }
}

/// Makes a small read ([`Call::is_small`]) a second time when it takes longer than 95 of 100 have
/// taken, takes the answer that comes first, and drops the other. A no is an answer too; after a failure
/// that may pass it waits for the other.
///
/// Each second asking takes one from the [`RetryBudget`]. It is to be the innermost layer, where time
/// is that of the platform; so that it goes around nothing, it asks for itself a [`Quota`], a
/// [`Pause`] and a [`PlatformPool`] that it was told of, and does without the second asking rather than wait.
#[derive(Clone, Debug)]
pub struct Hedge {
    scope: Scope,
    options: HedgeOptions,
    budget: RetryBudget,
    /// Whether nobody else puts into the budget.
    earns: bool,
    quota: Option<Quota>,
    pause: Option<Pause>,
    pool: Option<PlatformPool>,
    answers: Arc<Mutex<BTreeMap<&'static str, Answers>>>,
}

impl Hedge {
    /// Makes a layer with a budget of its own.
    #[must_use]
    pub fn new(scope: Scope, options: HedgeOptions, budget: BudgetOptions) -> Self {
        Self {
            scope,
            options,
            budget: RetryBudget::new(budget),
            earns: true,
            quota: None,
            pause: None,
            pool: None,
            answers: Arc::default(),
        }
    }

    /// Takes from a budget that another layer, as a rule [`Retry`](super::Retry), puts into.
    #[must_use]
    pub fn with_budget(mut self, budget: &RetryBudget) -> Self {
        self.budget = budget.clone();
        self.earns = false;
        self
    }

    /// Counts second askings in a quota.
    #[must_use]
    pub fn with_quota(mut self, quota: &Quota) -> Self {
        self.quota = Some(quota.clone());
        self
    }

    /// Asks nothing twice during a pause, and tells it of refusals that nobody else gets to see.
    #[must_use]
    pub fn with_pause(mut self, pause: &Pause) -> Self {
        self.pause = Some(pause.clone());
        self
    }

    /// Asks nothing twice for which the pool has no permit free.
    #[must_use]
    pub fn with_pool(mut self, pool: &PlatformPool) -> Self {
        self.pool = Some(pool.clone());
        self
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<&'static str, Answers>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After how long to ask again.
    fn patience(&self, call: &Call) -> Option<Duration> {
        let answers = self.answers();
        let late = answers.get(call.name())?.late(self.options.least_answers)?;
        Some(late.max(self.options.floor))
    }

    fn note<T>(&self, call: &Call, begun: Duration, answer: &Result<T>) {
        if answer.is_ok() {
            let took = self.scope.now().saturating_sub(begun);
            self.answers().entry(call.name()).or_default().add(took);
        }
    }

    /// Takes what a second asking needs, or nothing.
    fn ask_again(&self) -> Option<Second<'_>> {
        let pause = self.pause.as_ref();
        if pause.is_some_and(|pause| pause.remaining().is_some()) {
            return None;
        }
        let permit = match &self.pool {
            Some(pool) => Some(pool.try_acquire()?),
            None => None,
        };
        let asked = self.scope.now();
        let second = Second {
            layer: self,
            permit,
            asked,
        };
        if !self.budget.spend(asked) {
            second.give_back();
            return None;
        }
        // The quota is asked last, for what it gives is not given back.
        if self.quota.as_ref().is_some_and(|quota| !quota.try_take()) {
            self.budget.give_back();
            second.give_back();
            return None;
        }
        Some(second)
    }

    /// Tells the pause of an answer that the caller does not get.
    fn hear<T>(&self, answer: &Result<T>, sent: Duration) {
        if let (Some(pause), Err(error)) = (&self.pause, answer) {
            pause.hear(error, sent);
        }
    }
}

/// A second asking; its permit goes back when it is dropped.
struct Second<'a> {
    layer: &'a Hedge,
    permit: Option<PoolPermit>,
    asked: Duration,
}

impl Second<'_> {
    fn answered<T>(self, answer: &Result<T>) {
        if let Some(permit) = self.permit {
            let took = self.layer.scope.now().saturating_sub(self.asked);
            permit.done_with_latency(Outcome::of(answer), took);
        }
    }

    fn give_back(self) {
        if let Some(permit) = self.permit {
            permit.give_back();
        }
    }
}

impl ConnectorLayer for Hedge {
    fn apply(&self, inner: Arc<dyn PlatformConnector>) -> Arc<dyn PlatformConnector> {
        Arc::new(Wrapped::new(inner, self.clone()))
    }
}

impl Around for Hedge {
    async fn around<T, F, Fut>(&self, call: &Call, mut make: F) -> Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        let begun = self.scope.now();
        if self.earns && call.is_request() {
            self.budget.earn(begun);
        }
        if !call.is_small() {
            return make().await;
        }
        let Some(patience) = self.patience(call) else {
            let answer = make().await;
            self.note(call, begun, &answer);
            return answer;
        };
        let first = pin!(make());
        let first = match select(first, pin!(sleep(patience))).await {
            Either::Left((answer, _)) => {
                self.note(call, begun, &answer);
                return answer;
            }
            Either::Right(((), first)) => first,
        };
        let Some(again) = self.ask_again() else {
            let answer = first.await;
            self.note(call, begun, &answer);
            return answer;
        };
        self.scope.tell(ResilienceEventKind::Hedged {
            call: call.name(),
            after: patience,
        });
        let second = pin!(make());
        let answer = match select(first, second).await {
            // A failure that may pass is not the answer while the other may still come.
            Either::Left((answer, other)) if may_pass(&answer) => {
                self.hear(&answer, begun);
                let answer = other.await;
                again.answered(&answer);
                answer
            }
            Either::Right((answer, other)) if may_pass(&answer) => {
                self.hear(&answer, again.asked);
                again.answered(&answer);
                other.await
            }
            Either::Left((answer, _)) => answer,
            Either::Right((answer, _)) => {
                again.answered(&answer);
                answer
            }
        };
        self.note(call, begun, &answer);
        answer
    }
}

fn may_pass<T>(answer: &Result<T>) -> bool {
    answer.as_ref().is_err_and(Error::is_retryable)
}

/// How long the last answers of one call took.
#[derive(Debug, Default)]
struct Answers {
    took: Vec<Duration>,
    next: usize,
}

impl Answers {
    fn add(&mut self, took: Duration) {
        match self.took.get_mut(self.next) {
            Some(old) => *old = took,
            None => self.took.push(took),
        }
        self.next = (self.next + 1) % KEPT;
    }

    /// The time that 95 of 100 have not taken longer than.
    fn late(&self, least: usize) -> Option<Duration> {
        let count = self.took.len();
        if count < least.clamp(1, KEPT) {
            return None;
        }
        let mut took = self.took.clone();
        let (_, late, _) = took.select_nth_unstable((count * 95).div_ceil(100) - 1);
        Some(*late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_is_later_than_nearly_all_of_the_last() {
        let mut answers = Answers::default();
        assert_eq!(answers.late(1), None);
        (1..=100).for_each(|millis| answers.add(Duration::from_millis(millis)));
        assert_eq!(answers.late(20), Some(Duration::from_millis(95)));
        assert_eq!(answers.late(101), None);
        (0..KEPT).for_each(|_| answers.add(Duration::from_millis(7)));
        assert_eq!(answers.late(20), Some(Duration::from_millis(7)));
        assert_eq!(answers.took.len(), KEPT);
    }
}
