//! How many calls may be made beyond those asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long in seconds a call counts for the budget.
const TTL: usize = 10;

/// One retry, in the units of the account: hundredths.
const RETRY: u64 = 100;

/// How a [`RetryBudget`] is filled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BudgetOptions {
    /// How many extra calls may be made for a hundred that are asked for. Default 20, at most 100.
    pub percent: u32,
    /// How many extra calls a second may be made where that is more than the percentage gives, so that
    /// a quiet account can be tried again at all. Default 1.
    pub least_per_second: u32,
}

impl Default for BudgetOptions {
    fn default() -> Self {
        Self {
            percent: 20,
            least_per_second: 1,
        }
    }
}

impl BudgetOptions {
    /// Sets [`BudgetOptions::percent`].
    #[must_use]
    pub fn with_percent(mut self, percent: u32) -> Self {
        self.percent = percent.min(100);
        self
    }

    /// Sets [`BudgetOptions::least_per_second`].
    #[must_use]
    pub fn with_least_per_second(mut self, least: u32) -> Self {
        self.least_per_second = least;
        self
    }
}

/// A bound on the calls that retries and hedges add. A clone is the same budget.
///
/// Every call that is asked for puts a fifth of a retry in (see [`BudgetOptions`]), every extra call
/// takes one out, and what is older than 10 seconds is worth nothing. So an account that always
/// fails sees at most a fifth more calls, or one more a second, whichever is more, however many callers
/// try again.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use garland::resilience::{BudgetOptions, RetryBudget};
///
/// let budget = RetryBudget::new(BudgetOptions::default().with_least_per_second(0));
/// let now = Duration::ZERO;
/// for _ in 0..5 {
///     budget.earn(now);
/// }
/// assert!(budget.spend(now));
/// assert!(!budget.spend(now));
/// ```
#[derive(Clone, Debug)]
pub struct RetryBudget(Arc<Mutex<Ledger>>);

impl RetryBudget {
    /// Makes a budget that holds one second's worth of [`BudgetOptions::least_per_second`].
    #[must_use]
    pub fn new(options: BudgetOptions) -> Self {
        Self(Arc::new(Mutex::new(Ledger::new(options))))
    }

    /// Notes a call that was asked for, at a moment of the clock that never goes back.
    pub fn earn(&self, now: Duration) {
        self.ledger().earn(now);
    }

    /// Takes one extra call; `false` if there is none left.
    #[must_use]
    pub fn spend(&self, now: Duration) -> bool {
        self.ledger().spend(now)
    }

    /// Puts back an extra call that was taken and not made.
    pub fn give_back(&self) {
        self.ledger().give_back();
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Ledger {
    percent: u64,
    least: u64,
    /// What is left, in hundredths of a retry.
    balance: u64,
    /// Calls of the last seconds, by second.
    calls: [u64; TTL],
    second: u64,
}

impl Ledger {
    fn new(options: BudgetOptions) -> Self {
        let least = u64::from(options.least_per_second).saturating_mul(RETRY);
        Self {
            percent: u64::from(options.percent.min(100)),
            least,
            balance: least,
            calls: [0; TTL],
            second: 0,
        }
    }

    fn earn(&mut self, now: Duration) {
        self.advance(now);
        *self.slot() += 1;
        self.balance = self.balance.saturating_add(self.percent);
        self.forget();
    }

    fn spend(&mut self, now: Duration) -> bool {
        self.advance(now);
        self.forget();
        match self.balance.checked_sub(RETRY) {
            Some(rest) => {
                self.balance = rest;
                true
            }
            None => false,
        }
    }

    fn give_back(&mut self) {
        self.balance = self.balance.saturating_add(RETRY);
        self.forget();
    }

    /// Closes the seconds that have passed.
    fn advance(&mut self, now: Duration) {
        let now = now.as_secs();
        // After as many seconds as are kept, every further one is like the last.
        let from = now.saturating_sub(TTL as u64 + 1);
        self.second = self.second.max(from);
        while self.second < now {
            let earned = self.slot().saturating_mul(self.percent);
            // What the calls of a second have not earned comes up to the least of a second.
            let rest = self.least.saturating_sub(earned);
            self.balance = self.balance.saturating_add(rest);
            self.second += 1;
            *self.slot() = 0;
        }
    }

    /// Takes away what was earned too long ago.
    fn forget(&mut self) {
        let calls: u64 = self.calls.iter().sum();
        let most = calls.saturating_mul(self.percent);
        let least = self.least.saturating_mul(TTL as u64);
        self.balance = self.balance.min(most.max(least));
    }

    fn slot(&mut self) -> &mut u64 {
        let at = usize::try_from(self.second % TTL as u64).unwrap_or(0);
        // INVARIANT: a remainder by the length is an index.
        #[expect(
            clippy::indexing_slicing,
            reason = "the index is a remainder by the length"
        )]
        &mut self.calls[at]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_quiet_account_may_be_tried_again_once_a_second() {
        let budget = RetryBudget::new(BudgetOptions::default());
        assert!(budget.spend(at(0)));
        assert!(!budget.spend(at(900)));
        assert!(budget.spend(at(1_000)));
        let saved = (0..100).filter(|_| budget.spend(at(3_600_000))).count();
        assert_eq!(saved, TTL);
    }

    #[test]
    fn what_was_earned_long_ago_is_worth_nothing() {
        let budget = RetryBudget::new(BudgetOptions::default().with_least_per_second(0));
        (0..1_000).for_each(|_| budget.earn(at(0)));
        assert!(budget.spend(at(9_999)));
        assert!(!budget.spend(at(10_000)));
    }

    proptest! {
        /// However calls and retries come, a busy account never sees more than its share.
        #[test]
        fn extra_calls_stay_within_the_share(steps in prop::collection::vec((0u64..200, 0u32..4), 1..2_000)) {
            let budget = RetryBudget::new(BudgetOptions::default().with_least_per_second(0));
            let (mut now, mut calls, mut extra) = (0, 0u64, 0u64);
            for (pause, tries) in steps {
                now += pause;
                budget.earn(at(now));
                calls += 1;
                extra += (0..tries).filter(|_| budget.spend(at(now))).count() as u64;
                prop_assert!(extra * 5 <= calls, "{extra} of {calls}");
            }
        }
    }
}
