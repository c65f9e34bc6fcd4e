//! How a platform is doing, by what its calls tell.

use std::time::Duration;

use serde::Serialize;

use super::outcome::Outcome;

/// How an account on a platform is doing.
///
/// Judged by the calls of the last seconds (a weight that falls by a factor of *e* in ten); nothing gets worse by
/// fewer than five of them:
///
/// | from | to | when |
/// |---|---|---|
/// | healthy | degraded | 20 % were refused or failed; or answers take three times as long as over the last minutes; or a probe was told so |
/// | degraded | healthy | for five seconds; at most 5 % were, or those are long past; and answers take less than one and a half times as long |
/// | both | down | 90 % failed (a refused pace is not a failure); or five in a row over ten seconds or more; or three probes in a row |
/// | down | degraded | one call or probe was answered |
/// | any | draining | [`drain`](super::PlatformPool::drain) was called; there is no way back |
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HealthState {
    /// It answers.
    #[default]
    Healthy,
    /// It answers, but some calls are refused, fail, or take long.
    Degraded,
    /// It is being taken out of use: nothing new begins.
    Draining,
    /// It does not answer.
    Down,
}

impl HealthState {
    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Draining => "draining",
            Self::Down => "down",
        }
    }
}

const RECENT: Duration = Duration::from_secs(10);
const MINUTES: Duration = Duration::from_secs(300);
/// Five, of which the first have lost a little of their weight already.
const ENOUGH: f64 = 4.5;
const ENOUGH_BEFORE: f64 = 20.0;
const TROUBLED: f64 = 0.2;
const CALM: f64 = 0.05;
const DOWN: f64 = 0.9;
/// What is left of one trouble after it is long past.
const FORGOTTEN: f64 = 0.25;
const SLOW: f64 = 3.0;
const NOT_SLOW: f64 = 1.5;
const STAY: Duration = Duration::from_secs(5);
const FAILED_CALLS: u32 = 5;
const FAILED_PROBES: u32 = 3;

/// The state machine. Pure: time comes in by argument.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    state: HealthState,
    since: Duration,
    last: Duration,
    failed_calls: u32,
    /// When the first of these failed.
    failing_since: Duration,
    failed_probes: u32,
    /// Whether the last probe was told that not all is well.
    unwell: bool,
    failures: Recent,
    troubles: Recent,
    latency: Recent,
    latency_before: Recent,
}

impl Health {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            since: now,
            last: now,
            ..Self::default()
        }
    }

    pub(super) fn state(&self) -> HealthState {
        self.state
    }

    /// When a call last told something.
    pub(super) fn last(&self) -> Duration {
        self.last
    }

    /// The share of calls that were refused or failed lately; 0 without calls.
    pub(super) fn trouble_rate(&self) -> f64 {
        self.troubles.mean().unwrap_or(0.0)
    }

    /// What an answer took lately.
    pub(super) fn latency(&self) -> Option<Duration> {
        self.latency
            .mean()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    /// Learns from a call.
    pub(super) fn record(&mut self, outcome: Outcome, latency: Option<Duration>, now: Duration) {
        let (failed, troubled) = match outcome {
            Outcome::Cancelled => return,
            Outcome::Answered => (0.0, 0.0),
            Outcome::RateLimited => (0.0, 1.0),
            Outcome::Unavailable | Outcome::Unauthenticated => (1.0, 1.0),
        };
        self.last = now;
        self.failures.add(failed, now, RECENT);
        self.troubles.add(troubled, now, RECENT);
        if let Some(latency) = latency.filter(|_| outcome == Outcome::Answered) {
            self.latency.add(latency.as_secs_f64(), now, RECENT);
            self.latency_before.add(latency.as_secs_f64(), now, MINUTES);
        }
        // A refused pace is an answer too: somebody is there.
        if failed == 0.0 {
            self.answered(now);
        } else {
            if self.failed_calls == 0 {
                self.failing_since = now;
            }
            self.failed_calls = self.failed_calls.saturating_add(1);
        }
        self.judge(now);
    }

    /// Tells whether it must prove that it is there.
    pub(super) fn is_half_open(&self) -> bool {
        self.state == HealthState::Down || self.failed_probes > 0
    }

    /// Learns from a probe, and from whether the platform said that all is well.
    pub(super) fn probed(&mut self, outcome: Outcome, well: bool, now: Duration) {
        match outcome {
            Outcome::Cancelled => {}
            Outcome::Answered | Outcome::RateLimited => {
                self.unwell = !well;
                self.answered(now);
                self.judge(now);
            }
            Outcome::Unavailable | Outcome::Unauthenticated => {
                self.failed_probes = self.failed_probes.saturating_add(1);
                if self.failed_probes >= FAILED_PROBES {
                    self.enter(HealthState::Down, now);
                }
            }
        }
    }

    /// Takes it out of use.
    pub(super) fn drain(&mut self, now: Duration) {
        self.enter(HealthState::Draining, now);
    }

    fn answered(&mut self, now: Duration) {
        self.failed_calls = 0;
        self.failed_probes = 0;
        if self.state == HealthState::Down {
            // What failed while it was down says nothing about how it does now.
            self.failures = Recent::default();
            self.troubles = Recent::default();
            self.enter(HealthState::Degraded, now);
        }
    }

    fn judge(&mut self, now: Duration) {
        let stayed = now.saturating_sub(self.since) >= STAY;
        match self.state {
            HealthState::Healthy | HealthState::Degraded
                if self.failures.over(DOWN) || self.fails_in_a_row(now) =>
            {
                self.enter(HealthState::Down, now);
            }
            HealthState::Healthy
                if self.unwell
                    || self.troubles.over(TROUBLED)
                    || self.is_slower_than(SLOW, now) =>
            {
                self.enter(HealthState::Degraded, now);
            }
            HealthState::Degraded if stayed && self.is_calm(now) => {
                self.enter(HealthState::Healthy, now);
            }
            _ => {}
        }
    }

    /// For accounts that are called so rarely that no five calls are recent.
    fn fails_in_a_row(&self, now: Duration) -> bool {
        self.failed_calls >= FAILED_CALLS && now.saturating_sub(self.failing_since) >= RECENT
    }

    fn is_calm(&self, now: Duration) -> bool {
        let rate = self.troubles.mean().unwrap_or(0.0);
        let forgotten = self.troubles.sum * self.troubles.kept(now, RECENT) < FORGOTTEN;
        (rate <= CALM || forgotten) && !self.unwell && !self.is_slower_than(NOT_SLOW, now)
    }

    fn is_slower_than(&self, factor: f64, now: Duration) -> bool {
        let mean = |of: &Recent, fall, enough| {
            let weight = of.weight * of.kept(now, fall);
            of.mean().filter(|_| weight >= enough)
        };
        let lately = mean(&self.latency, RECENT, ENOUGH);
        let before = mean(&self.latency_before, MINUTES, ENOUGH_BEFORE);
        lately
            .zip(before)
            .is_some_and(|(lately, before)| lately > before * factor)
    }

    fn enter(&mut self, state: HealthState, now: Duration) {
        if self.state != HealthState::Draining && self.state != state {
            self.state = state;
            self.since = now;
        }
    }
}

/// A mean in which values lose weight as time goes by.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    sum: f64,
    weight: f64,
    at: Duration,
}

impl Recent {
    fn add(&mut self, value: f64, now: Duration, fall: Duration) {
        let kept = self.kept(now, fall);
        self.sum = self.sum * kept + value;
        self.weight = self.weight * kept + 1.0;
        self.at = self.at.max(now);
    }

    fn kept(&self, now: Duration, fall: Duration) -> f64 {
        let age = now.saturating_sub(self.at);
        if age.is_zero() {
            return 1.0;
        }
        (-age.as_secs_f64() / fall.as_secs_f64()).exp()
    }

    fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }

    /// Tells whether the mean of enough values is `bound` or more.
    fn over(&self, bound: f64) -> bool {
        self.weight >= ENOUGH && self.sum >= bound * self.weight
    }
}
