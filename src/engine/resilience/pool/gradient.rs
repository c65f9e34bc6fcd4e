//! The limit by how latency moves.

use std::time::Duration;

use super::controller::Sample;

/// How many answers the short average looks back on.
const SHORT: f64 = 10.0;
/// How many answers the long average looks back on.
const LONG: f64 = 600.0;
/// By what factor answers may take longer than they used to before the limit falls.
const TOLERANCE: f64 = 1.5;
/// How much of a step is taken at once.
const SMOOTHING: f64 = 0.2;
/// How many answers a step needs at the least.
const ANSWERS: u32 = 10;
/// How long a step takes at the least.
const STEP: Duration = Duration::from_millis(100);

/// What answers took lately, and before.
#[derive(Clone, Debug, Default)]
pub(super) struct Gradient {
    short: Average,
    long: Average,
    answers: u32,
    step_ends: Duration,
}

impl Gradient {
    /// Learns from an answer, and returns the limit that follows on `limit`.
    pub(super) fn next(&mut self, limit: f64, busy: bool, sample: &Sample) -> f64 {
        let latency = sample.latency.as_secs_f64();
        self.short.add(latency, SHORT);
        self.long.add(latency, LONG);
        self.answers = self.answers.saturating_add(1);
        if self.answers < ANSWERS || sample.ended < self.step_ends {
            return limit;
        }
        self.answers = 0;
        let round_trip = Duration::try_from_secs_f64(self.short.mean).unwrap_or(STEP);
        self.step_ends = sample.ended.saturating_add(round_trip.max(STEP));
        // After a time of slow answers the long average would take hundreds of quick ones to come down.
        if self.long.mean > self.short.mean * 2.0 {
            self.long.mean *= 0.95;
        }
        let room = TOLERANCE * self.long.mean / self.short.mean;
        // Answers in no time at all are no reason for fewer.
        let gradient = if room.is_finite() { room.clamp(0.5, 1.0) } else { 1.0 };
        let target = limit * gradient + limit.sqrt();
        if target > limit && !busy {
            return limit;
        }
        limit + SMOOTHING * (target - limit)
    }
}

/// A moving average that begins as the plain one.
#[derive(Clone, Debug, Default)]
struct Average {
    mean: f64,
    seen: f64,
}

impl Average {
    fn add(&mut self, value: f64, window: f64) {
        self.seen = (self.seen + 1.0).min(window);
        self.mean += (value - self.mean) / self.seen;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::resilience::pool::outcome::Outcome;

    fn run(gradient: &mut Gradient, mut limit: f64, from: u64, latency: impl Fn(f64) -> u64) -> f64 {
        for at in 0..6_000 {
            let ended = Duration::from_millis(from + at * 10);
            let latency = Duration::from_millis(latency(limit));
            let sample = Sample {
                started: ended.saturating_sub(latency),
                ended,
                latency,
                in_use: 1_000,
                outcome: Outcome::Answered,
            };
            limit = gradient.next(limit, true, &sample).clamp(1.0, 200.0);
        }
        limit
    }

    #[test]
    fn grows_while_answers_keep_their_time_and_stops_where_they_queue() {
        let mut gradient = Gradient::default();
        assert!(run(&mut gradient, 10.0, 0, |_| 50) > 199.0);
        // Beyond 40 at once everybody waits for the others.
        let mut gradient = Gradient::default();
        let queues = |limit: f64| if limit > 40.0 { (limit * 5.0) as u64 } else { 50 };
        let limit = run(&mut gradient, 10.0, 0, queues);
        assert!((20.0..=80.0).contains(&limit), "{limit}");
    }

    #[test]
    fn answers_that_get_slow_bring_the_limit_down() {
        let mut gradient = Gradient::default();
        run(&mut gradient, 10.0, 0, |_| 50);
        let mut limit = 100.0;
        for at in 0..300 {
            let ended = Duration::from_millis(60_000 + at * 10);
            let sample = Sample {
                started: Duration::ZERO,
                ended,
                latency: Duration::from_millis(500),
                in_use: 1_000,
                outcome: Outcome::Answered,
            };
            limit = gradient.next(limit, true, &sample);
        }
        assert!(limit < 80.0, "{limit}");
    }
}
