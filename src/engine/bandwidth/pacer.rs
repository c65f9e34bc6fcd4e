//! When the next bytes of one transfer may pass.
//!
//! Times are seconds since the clock's start, rates bytes a second. Bytes pass when the rate has paid for them,
//! whatever it was meanwhile: neither a fall nor a rise makes any of them free. From its start a transfer never passes
//! more than what its rate gave. In any span it passes at most that, one chunk that was paid for just before, and
//! [`CREDIT`] seconds of its highest rate so far.

/// For how long, in seconds at its rate, a transfer may save up what it did not use: it repays wake-ups that came late.
const CREDIT: f64 = 0.1;
/// Waits shorter than this, in seconds, are none: finer than any timer. What is not paid for by then is owed.
const NONE: f64 = 1e-6;
/// Less than this, in bytes, is nothing: what rounding leaves.
const CRUMB: f64 = 1e-3;

/// What one transfer has been given and not used, and the one wait that may be under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    rate: f64,
    /// Bytes that may pass, as of `since`. Below 0 is owed.
    given: f64,
    since: f64,
    /// How many bytes are waited for.
    wait: Option<f64>,
}

impl Pacer {
    /// Makes one that lets nothing pass before it has a rate.
    pub(super) fn new(now: f64) -> Self {
        Self {
            rate: 0.0,
            given: 0.0,
            since: now,
            wait: None,
        }
    }

    /// Begins to wait for `bytes`, above 0. There is one wait at a time.
    pub(super) fn begin(&mut self, now: f64, bytes: f64) {
        self.settle(now);
        self.wait = Some(bytes);
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.wait.is_some()
    }

    /// How long the wait lasts from `now`: zero when its bytes may pass, infinite while there is no telling.
    pub(super) fn left(&self, now: f64) -> f64 {
        let missing = self.wait.unwrap_or(0.0) - self.given_at(now);
        let left = if missing > CRUMB {
            missing / self.rate
        } else {
            0.0
        };
        if left > NONE { left } else { 0.0 }
    }

    /// Lets the bytes pass.
    pub(super) fn pass(&mut self) {
        if let Some(bytes) = self.wait.take() {
            self.given -= bytes;
        }
    }

    /// Gives the bytes back that were waited for.
    pub(super) fn give_back(&mut self) {
        self.wait = None;
    }

    /// Changes the rate, and tells whether a wait has become shorter.
    ///
    /// What a wait still lacks is given at the new rate: a rate of nearly nothing must not hold one chunk for hours
    /// after it has risen, and a high one that has fallen must not let it pass, as others have that part of the link.
    pub(super) fn set_rate(&mut self, now: f64, rate: f64) -> bool {
        self.settle(now);
        let old = std::mem::replace(&mut self.rate, rate);
        self.is_waiting() && rate > old
    }

    fn settle(&mut self, now: f64) {
        self.given = self.given_at(now);
        self.since = self.since.max(now);
    }

    /// What may pass at `now`. Beyond a wait no more is kept than the credit: none while nothing is carried.
    fn given_at(&self, now: f64) -> f64 {
        let most = self.wait.unwrap_or(0.0) + CREDIT * self.rate;
        let more = self.rate * (now - self.since).max(0.0);
        // An endless rate gives no number in no time; the lesser is then the other.
        (self.given + more).min(most)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paced(rate: f64) -> Pacer {
        let mut pacer = Pacer::new(0.0);
        pacer.set_rate(0.0, rate);
        pacer
    }

    #[track_caller]
    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-9, "{one} is not {other}");
    }

    #[test]
    fn chunks_pass_when_they_are_paid() {
        let mut pacer = paced(100.0);
        let mut now = 0.0;
        for chunk in 1..=20 {
            pacer.begin(now, 10.0);
            now += pacer.left(now);
            close(pacer.left(now), 0.0);
            pacer.pass();
            close(now, f64::from(chunk) * 0.1);
        }
    }

    #[test]
    fn late_wake_ups_are_repaid_up_to_the_credit() {
        let mut pacer = paced(100.0);
        pacer.begin(0.0, 10.0);
        pacer.pass();
        // Woken at 0.15 instead of 0.1: the next is due at 0.2 all the same.
        pacer.begin(0.15, 10.0);
        close(pacer.left(0.15), 0.05);
        pacer.pass();
        // Away for long: a tenth of a second is caught up, no more.
        pacer.begin(9.0, 10.0);
        close(pacer.left(9.0), 0.0);
        pacer.pass();
        pacer.begin(9.0, 10.0);
        close(pacer.left(9.0), 0.1);
    }

    #[test]
    fn what_is_given_back_costs_nothing() {
        let mut pacer = paced(100.0);
        for _ in 0..1_000 {
            pacer.begin(0.0, 1e9);
            pacer.give_back();
        }
        pacer.begin(0.0, 10.0);
        close(pacer.left(0.0), 0.1);
    }

    #[test]
    fn what_is_left_of_a_wait_is_given_at_the_rate_there_is() {
        let mut pacer = paced(100.0);
        pacer.begin(0.0, 10.0);
        // Half is given; the other half takes as long as the rate says.
        assert!(!pacer.set_rate(0.05, 1.0));
        close(pacer.left(0.05), 5.0);
        assert!(pacer.set_rate(1.05, 100.0));
        close(pacer.left(1.05), 0.04);
        pacer.pass();
        // What passed too early is owed.
        pacer.begin(1.05, 96.0);
        close(pacer.left(1.05), 1.0);
        assert!(pacer.set_rate(1.55, 1_000.0));
        close(pacer.left(1.55), 0.05);
    }

    #[test]
    fn a_rate_that_falls_and_rises_makes_nothing_free() {
        let mut pacer = paced(100.0);
        pacer.begin(0.0, 10.0);
        // Every other hundredth of a second gives nothing.
        for step in 0..9 {
            let now = f64::from(step) * 0.02;
            pacer.set_rate(now, 100.0);
            close(pacer.left(now), 0.1 - now / 2.0);
            pacer.set_rate(now + 0.01, 0.0);
            assert!(pacer.left(now + 0.01).is_infinite());
        }
        pacer.set_rate(0.18, 100.0);
        close(pacer.left(0.18), 0.01);
    }

    #[test]
    fn without_a_rate_it_waits_until_there_is_one() {
        let mut pacer = Pacer::new(0.0);
        pacer.begin(0.0, 10.0);
        assert!(pacer.left(1e6).is_infinite());
        assert!(pacer.set_rate(50.0, 100.0));
        close(pacer.left(50.0), 0.1);
        pacer.set_rate(50.05, 0.0);
        assert!(pacer.left(50.05).is_infinite());
        pacer.set_rate(55.0, 100.0);
        close(pacer.left(55.0), 0.05);
        pacer.set_rate(55.05, 0.0);
        close(pacer.left(60.0), 0.0);
        pacer.pass();
        pacer.begin(60.0, 10.0);
        assert!(pacer.left(60.0).is_infinite());
        // Not caught up: there was nothing to be had.
        pacer.give_back();
        pacer.set_rate(70.0, 100.0);
        pacer.begin(70.0, 10.0);
        close(pacer.left(70.0), 0.1);
    }

    #[test]
    fn an_endless_rate_lets_everything_pass() {
        let mut pacer = Pacer::new(0.0);
        pacer.begin(0.0, 1e12);
        assert!(pacer.set_rate(1.0, f64::INFINITY));
        close(pacer.left(1.0), 0.0);
        pacer.pass();
        pacer.begin(1.0, 1e12);
        close(pacer.left(1.0), 0.0);
    }

    /// What happens to a pacer: time passes, then it is set to a rate, or a chunk is taken or given up.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Rate(f64),
        Take(f64),
        GiveUp,
    }

    fn steps() -> impl Strategy<Value = Vec<(f64, Step)>> {
        let pause = prop_oneof![Just(0.0), 0.0..0.01, 0.0..0.5];
        let rate = prop_oneof![Just(0.0), Just(1e6), 0.98e6..1.02e6, 0.0..2e6, 1.0..1e4];
        let step = prop_oneof![
            4 => rate.prop_map(Step::Rate),
            2 => (4_096_u32..262_144).prop_map(|bytes| Step::Take(f64::from(bytes))),
            1 => Just(Step::GiveUp),
        ];
        proptest::collection::vec((pause, step), 1..120)
    }

    /// Whenever something passed or changed: what the rate had given, what had passed, and the rate until then.
    type Seen = Vec<(f64, f64, f64)>;

    /// Runs a transfer that passes whatever may pass as soon as it may, and then wants another such chunk.
    fn run(steps: &[(f64, Step)]) -> (Seen, f64) {
        let mut pacer = Pacer::new(0.0);
        let (mut now, mut rate, mut chunk) = (0.0, 0.0, 1.0);
        let (mut given, mut passed, mut largest) = (0.0, 0.0, 0.0_f64);
        let mut seen = vec![(0.0, 0.0, 0.0)];
        for (pause, step) in steps {
            let until = now + pause;
            for _ in 0..100_000 {
                let left = pacer.left(now);
                if !pacer.is_waiting() || left > until - now {
                    break;
                }
                given += rate * left;
                now += left;
                pacer.pass();
                passed += chunk;
                seen.push((given, passed, rate));
                pacer.begin(now, chunk);
            }
            given += rate * (until - now);
            now = until;
            match *step {
                Step::Rate(new) => {
                    pacer.set_rate(now, new);
                    rate = new;
                }
                Step::Take(bytes) => {
                    if pacer.is_waiting() {
                        pacer.give_back();
                    }
                    chunk = bytes;
                    largest = largest.max(bytes);
                    pacer.begin(now, bytes);
                }
                Step::GiveUp => pacer.give_back(),
            }
            seen.push((given, passed, rate));
        }
        (seen, largest)
    }

    proptest! {
        /// From its start a transfer passes no more than its rate gave; in any span one chunk and the credit more.
        #[test]
        fn nothing_passes_that_was_not_given(steps in steps()) {
            let (seen, chunk) = run(&steps);
            // Waits that are too short for a timer, at the highest rate there is here.
            let noise = 2e6 * NONE + 0.01;
            let (mut behind, mut highest) = (0.0_f64, 0.0_f64);
            for (given, passed, rate) in seen {
                prop_assert!(passed <= given + noise, "{passed} of {given}");
                behind = behind.max(given - passed);
                highest = highest.max(rate);
                // In the span from when it was furthest behind.
                let more = passed - given + behind;
                prop_assert!(more <= chunk + CREDIT * highest + noise, "{more} more");
            }
        }

        /// Whoever always wants more falls behind what its rate gave by less than a chunk, whatever the rates.
        #[test]
        fn all_that_is_given_passes(
            rates in proptest::collection::vec((0.0..0.05, 0.0..2e6), 1..200),
            bytes in 4_096_u32..262_144,
        ) {
            let take = [(0.0, Step::Take(f64::from(bytes)))];
            let rates = rates.into_iter().map(|(pause, rate)| (pause, Step::Rate(rate)));
            let (seen, chunk) = run(&take.into_iter().chain(rates).collect::<Vec<_>>());
            for (given, passed, _) in seen {
                prop_assert!(given - passed <= chunk + 0.01, "{passed} of {given}");
            }
        }
    }
}
