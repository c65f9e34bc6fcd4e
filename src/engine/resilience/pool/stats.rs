//! What a pool is doing.

use std::time::Duration;

use serde::Serialize;

use super::health::HealthState;
use super::outcome::Outcome;

/// What a pool is doing, and has done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PoolStats {
    /// How many permits there are.
    pub limit: usize,
    /// How many permits are out.
    pub in_use: usize,
    /// How many wait for one.
    pub waiting: usize,
    /// How the platform is doing.
    pub health: HealthState,
    /// What an answer took lately; `None` before the first.
    pub latency: Option<Duration>,
    /// The share of calls that were refused or failed lately, from 0 to 1.
    pub trouble_rate: f64,
    /// How many calls came to which end since the pool was made.
    pub outcomes: OutcomeCounts,
}

/// How many calls came to which end.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OutcomeCounts {
    /// Calls with [`Outcome::Answered`].
    pub answered: u64,
    /// Calls with [`Outcome::RateLimited`].
    pub rate_limited: u64,
    /// Calls with [`Outcome::Unavailable`].
    pub unavailable: u64,
    /// Calls with [`Outcome::Unauthenticated`].
    pub unauthenticated: u64,
    /// Permits dropped without an outcome, and calls with [`Outcome::Cancelled`].
    pub cancelled: u64,
}

impl OutcomeCounts {
    pub(super) fn add(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Answered => &mut self.answered,
            Outcome::RateLimited => &mut self.rate_limited,
            Outcome::Unavailable => &mut self.unavailable,
            Outcome::Unauthenticated => &mut self.unauthenticated,
            Outcome::Cancelled => &mut self.cancelled,
        };
        *count = count.saturating_add(1);
    }
}
