//! The limit by how latency moves.

use std::time::Duration;

use super::controller::{Sample, number};

/// How many steps the long average looks back on.
const LONG: f64 = 600.0;
/// How much more slowly it follows answers that take longer: the queue that the limit itself makes must not become
/// what is usual.
const RELUCTANCE: f64 = 10.0;
/// By what factor answers may take longer than they used to before the limit falls.
const TOLERANCE: f64 = 1.5;
/// How much of a step is taken at once.
const SMOOTHING: f64 = 0.2;
/// How many answers a step needs at the most.
const ANSWERS: f64 = 10.0;
/// How long a step takes at the least.
const STEP: Duration = Duration::from_millis(100);

/// What answers took in this step, and in those before.
#[derive(Clone, Debug, Default)]
pub(super) struct Gradient {
    sum: f64,
    answers: usize,
    ends: Duration,
    long: f64,
    steps: f64,
}

impl Gradient {
    /// Learns from an answer, and returns the limit that follows on `limit`.
    pub(super) fn next(&mut self, limit: f64, busy: bool, sample: &Sample) -> f64 {
        let Some(latency) = sample.latency else {
            return limit;
        };
        self.sum += latency.as_secs_f64();
        self.answers = self.answers.saturating_add(1);
        if number(self.answers) < limit.min(ANSWERS) || sample.ended < self.ends {
            return limit;
        }
        let short = self.sum / number(self.answers);
        (self.sum, self.answers) = (0.0, 0);
        let round_trip = Duration::try_from_secs_f64(short).unwrap_or(STEP);
        self.ends = sample.ended.saturating_add(round_trip.max(STEP));
        self.learn(short);
        let room = TOLERANCE * self.long / short;
        // Answers in no time at all are no reason for fewer.
        let gradient = if room.is_finite() {
            room.clamp(0.5, 1.0)
        } else {
            1.0
        };
        let target = limit * gradient + limit.sqrt();
        if target > limit && !busy {
            return limit;
        }
        limit + SMOOTHING * (target - limit)
    }

    fn learn(&mut self, short: f64) {
        self.steps = (self.steps + 1.0).min(LONG);
        let apart = short - self.long;
        // The first steps make the plain mean.
        let slowly = if apart > 0.0 && self.steps > ANSWERS {
            RELUCTANCE
        } else {
            1.0
        };
        self.long += apart / (self.steps * slowly);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::resilience::pool::outcome::Outcome;

    fn run(
        gradient: &mut Gradient,
        mut limit: f64,
        from: u64,
        latency: impl Fn(f64) -> f64,
    ) -> f64 {
        for at in 0..6_000 {
            let ended = Duration::from_millis(from + at * 10);
            let latency = Duration::from_secs_f64(latency(limit) / 1_000.0);
            let sample = Sample {
                started: ended.saturating_sub(latency),
                ended,
                latency: Some(latency),
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
        assert!(run(&mut gradient, 10.0, 0, |_| 50.0) > 199.0);
        // Beyond 40 at once everybody waits for the others.
        let queues = |limit: f64| 50.0 * (limit / 40.0).max(1.0);
        let limit = run(&mut Gradient::default(), 10.0, 0, queues);
        assert!((40.0..90.0).contains(&limit), "{limit}");
    }

    #[test]
    fn answers_that_get_slow_bring_the_limit_down() {
        let mut gradient = Gradient::default();
        let fast = run(&mut gradient, 10.0, 0, |_| 50.0);
        let slow = run(&mut gradient, fast, 60_000, |_| 500.0);
        assert!(slow < 10.0, "{slow}");
    }
}
