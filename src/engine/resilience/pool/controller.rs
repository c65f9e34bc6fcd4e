//! How many calls at once a platform bears: found by trying, as TCP finds its window.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::gradient::Gradient;
use super::outcome::Outcome;

/// How a pool finds out how many calls at once a platform bears.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Algorithm {
    /// Not at all: the limit stays as it is.
    Fixed,
    /// Additive increase, multiplicative decrease: 30 % fewer when the platform asks to slow down or does not answer, at
    /// most once a round trip; one more for as many answers as the limit has calls. After a fall it first grows by one for each
    /// answer, to half of where it fell from. For platforms that throttle.
    #[default]
    Aimd,
    /// As [`Aimd`](Self::Aimd) after a fall; else by the gradient of latency, with headroom of the root of the limit: more
    /// calls while answers keep their time, fewer when they take more than one and a half times as long as they used to.
    /// For servers that queue instead of refusing, and only where calls are alike, so that their latencies can be compared.
    ///
    /// Source: Netflix, [concurrency-limits](https://github.com/Netflix/concurrency-limits) (Gradient2).
    Gradient,
}

/// What a decrease leaves of the limit.
const DECREASE: f64 = 0.7;
/// The least time between two decreases; on a short way many refusals arrive in one burst.
const SPACING: Duration = Duration::from_millis(100);

/// A call that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// When it began, by the pool's clock.
    pub(super) started: Duration,
    /// When it ended.
    pub(super) ended: Duration,
    /// How long the platform took to answer, if that shows how fast it is.
    pub(super) latency: Option<Duration>,
    /// How many calls were under way at its end, itself included.
    pub(super) in_use: usize,
    /// What became of it.
    pub(super) outcome: Outcome,
}

/// The limit, and what moves it. Pure: time comes in with the samples.
#[derive(Clone, Debug)]
pub(super) struct Controller {
    algorithm: Algorithm,
    bounds: Bounds,
    limit: f64,
    cut_at: Option<Duration>,
    /// The limit at which the last series of cuts began.
    peak: f64,
    /// Whether the limit grew since the last cut.
    grown: bool,
    gradient: Gradient,
}

/// Between which the limit stays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    min: f64,
    max: f64,
}

impl Bounds {
    pub(super) fn new(min: usize, max: usize) -> Self {
        let min = number(min.max(1));
        Self {
            min,
            max: number(max).max(min),
        }
    }

    fn clamp(self, limit: f64) -> f64 {
        limit.clamp(self.min, self.max)
    }
}

impl Controller {
    pub(super) fn new(algorithm: Algorithm, bounds: Bounds, start: usize) -> Self {
        Self {
            algorithm,
            bounds,
            limit: bounds.clamp(number(start)),
            cut_at: None,
            peak: 0.0,
            grown: true,
            gradient: Gradient::default(),
        }
    }

    /// Returns the limit: at least 1.
    pub(super) fn limit(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between the bounds, which came from a usize"
        )]
        let whole = self.limit as usize;
        whole
    }

    /// Goes on from where the limit is by another rule.
    pub(super) fn set_algorithm(&mut self, algorithm: Algorithm) {
        self.algorithm = algorithm;
        self.gradient = Gradient::default();
    }

    /// Goes on within other bounds.
    pub(super) fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
        self.limit = bounds.clamp(self.limit);
    }

    /// Learns from a call.
    pub(super) fn record(&mut self, sample: &Sample) {
        let limit = match self.algorithm {
            Algorithm::Fixed => return,
            _ if sample.outcome.is_overload() => return self.cut(sample),
            _ if sample.outcome != Outcome::Answered => return,
            Algorithm::Aimd => self.one_more(sample),
            Algorithm::Gradient => {
                let busy = is_busy(self.limit, sample);
                let limit = self.gradient.next(self.limit, busy, sample);
                if self.is_recovering() {
                    self.one_more(sample)
                } else {
                    limit
                }
            }
        };
        let limit = self.bounds.clamp(limit);
        self.grown |= limit > self.limit;
        self.limit = limit;
    }

    /// Grows by one for as many answers as there are calls, or for each answer far below where it fell from. A
    /// limit that is not used says nothing about a higher one.
    fn one_more(&self, sample: &Sample) -> f64 {
        if !is_busy(self.limit, sample) {
            self.limit
        } else if self.is_recovering() {
            self.limit + 1.0
        } else {
            self.limit + 1.0 / self.limit
        }
    }

    /// Tells whether the limit is far below where it fell from.
    fn is_recovering(&self) -> bool {
        self.limit < self.peak / 2.0
    }

    /// Cuts, unless the call began before the last cut and so could not know of it.
    fn cut(&mut self, sample: &Sample) {
        let knew = self
            .cut_at
            .is_none_or(|at| sample.started >= at && sample.ended.saturating_sub(at) >= SPACING);
        if !knew {
            return;
        }
        self.cut_at = Some(sample.ended);
        if self.grown {
            self.peak = self.limit;
            self.grown = false;
        }
        self.limit = self.bounds.clamp(self.limit * DECREASE);
    }
}

fn is_busy(limit: f64, sample: &Sample) -> bool {
    number(sample.in_use) * 2.0 >= limit.floor()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of calls are far below what an f64 holds exactly"
)]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(started: u64, ended: u64, in_use: usize, outcome: Outcome) -> Sample {
        let (started, ended) = (Duration::from_millis(started), Duration::from_millis(ended));
        Sample {
            started,
            ended,
            latency: Some(ended - started),
            in_use,
            outcome,
        }
    }

    fn controller(algorithm: Algorithm) -> Controller {
        Controller::new(algorithm, Bounds::new(1, 100), 100)
    }

    #[test]
    fn a_burst_of_refusals_cuts_once() {
        for algorithm in [Algorithm::Aimd, Algorithm::Gradient] {
            let mut controller = controller(algorithm);
            for at in 0..100 {
                controller.record(&sample(0, 300 + at, 100, Outcome::RateLimited));
            }
            assert_eq!(controller.limit(), 70);
            // Begun after the cut, but too soon after it.
            controller.record(&sample(301, 350, 70, Outcome::RateLimited));
            assert_eq!(controller.limit(), 70);
            controller.record(&sample(301, 400, 70, Outcome::Unavailable));
            assert_eq!(controller.limit(), 49);
        }
    }

    #[test]
    fn one_more_for_as_many_answers_as_there_are_calls() {
        let mut controller = Controller::new(Algorithm::Aimd, Bounds::new(1, 100), 10);
        for at in 0..11 {
            controller.record(&sample(at, at + 50, 10, Outcome::Answered));
        }
        assert_eq!(controller.limit(), 11);
        for at in 0..1_000 {
            controller.record(&sample(at, at + 50, 5, Outcome::Answered));
        }
        assert_eq!(controller.limit(), 11, "an idle limit does not grow");
        for at in 0..1_000 {
            controller.record(&sample(at, at + 50, 11, Outcome::Cancelled));
            controller.record(&sample(at, at + 50, 11, Outcome::Unauthenticated));
        }
        assert_eq!(controller.limit(), 11, "these say nothing about load");
    }

    #[test]
    fn a_long_fall_is_made_up_for_quickly() {
        let mut controller = controller(Algorithm::Aimd);
        for at in (0..60_000).step_by(200) {
            controller.record(&sample(at, at + 200, 100, Outcome::RateLimited));
        }
        assert_eq!(controller.limit(), 1);
        for at in 0..49 {
            controller.record(&sample(60_000, 60_200 + at, 100, Outcome::Answered));
        }
        assert_eq!(controller.limit(), 50);
        controller.record(&sample(60_000, 60_200, 100, Outcome::Answered));
        assert_eq!(controller.limit(), 50, "from there on by one a round");
    }

    #[test]
    fn the_limit_keeps_to_its_bounds_and_a_fixed_one_stays() {
        let mut fixed = controller(Algorithm::Fixed);
        fixed.record(&sample(0, 10, 100, Outcome::Unavailable));
        assert_eq!(fixed.limit(), 100);
        fixed.set_bounds(Bounds::new(0, 0));
        assert_eq!(fixed.limit(), 1);
        fixed.set_bounds(Bounds::new(7, 3));
        assert_eq!(fixed.limit(), 7);
    }
}
