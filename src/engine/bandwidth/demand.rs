//! How much a transfer can use, as far as anybody can tell from what it does.

use std::time::Duration;

/// How often demand is looked at.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// What a transfer is always thought to be able to use, in bytes a second.
const FLOOR: f64 = 65_536.0;
/// How much more than it does a transfer is thought to be able to do.
const HEADROOM: f64 = 1.25;
/// Over how long its rate is averaged, in seconds.
const MEMORY: f64 = 0.3;

/// What is known of the demand of one transfer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand {
    /// Average of its rate; nothing before the first tick.
    average: Option<f64>,
    /// In bytes a second, infinite for one that waits for more than it gets.
    estimate: f64,
}

impl Demand {
    /// Of a new transfer nothing is known: it can use whatever it gets.
    pub(super) fn new() -> Self {
        Self {
            average: None,
            estimate: f64::INFINITY,
        }
    }

    pub(super) fn estimate(&self) -> f64 {
        self.estimate
    }

    /// Takes in what a transfer did since it was last looked at.
    pub(super) fn observe(&mut self, bytes: f64, waited: bool, over: Duration) {
        let over = over.as_secs_f64();
        if over <= 0.0 {
            return;
        }
        let rate = bytes / over;
        let average = self.average.map_or(rate, |average| {
            average + (rate - average) * (1.0 - (-over / MEMORY).exp())
        });
        self.average = Some(average);
        self.estimate = if waited {
            f64::INFINITY
        } else {
            (average * HEADROOM).max(FLOOR)
        };
    }

    /// Whether it has moved by more than a tenth from what rates were last worked out for.
    pub(super) fn has_moved(&self, from: f64) -> bool {
        match (from.is_finite(), self.estimate.is_finite()) {
            (true, true) => (self.estimate - from).abs() > from * 0.1,
            (one, other) => one != other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_can_use_everything_and_at_once() {
        let mut demand = Demand::new();
        assert!(demand.estimate().is_infinite());
        demand.observe(100_000.0, false, TICK);
        assert!((demand.estimate() - 1_250_000.0).abs() < 1.0);
        demand.observe(100_000.0, true, TICK);
        assert!(demand.estimate().is_infinite());
    }

    #[test]
    fn who_does_less_is_followed_down_within_three_ticks() {
        let mut demand = Demand::new();
        demand.observe(800_000.0, true, TICK);
        for _ in 0..3 {
            demand.observe(100_000.0, false, TICK);
        }
        // 8 MB/s before, 1 MB/s now: 63 % of the way, and a quarter on top.
        let expected = (1e6 + 7e6 * (-1.0_f64).exp()) * 1.25;
        assert!((demand.estimate() - expected).abs() < 1.0);
    }

    #[test]
    fn who_does_nothing_keeps_the_floor() {
        let mut demand = Demand::new();
        for _ in 0..50 {
            demand.observe(0.0, false, TICK);
        }
        assert!((demand.estimate() - FLOOR).abs() < 1e-6);
        demand.observe(0.0, false, Duration::ZERO);
        assert!((demand.estimate() - FLOOR).abs() < 1e-6);
    }

    #[test]
    fn a_tenth_is_not_a_move() {
        let mut demand = Demand::new();
        assert!(!demand.has_moved(f64::INFINITY) && demand.has_moved(1e6));
        demand.observe(100_000.0, false, TICK);
        assert!(!demand.has_moved(1_200_000.0) && demand.has_moved(1_000_000.0));
        assert!(demand.has_moved(f64::INFINITY));
    }
}
