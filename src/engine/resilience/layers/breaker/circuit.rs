//! The state of one breaker, with time by argument.

use std::time::Duration;

use super::window::{Sums, Window};

/// The longest time a breaker stays open, whatever its options say.
const LONGEST: Duration = Duration::from_secs(86_400);

/// What a call that comes too early in the trial is told to wait at least.
const TRIAL: Duration = Duration::from_secs(1);

/// Within what time calls that were under way together fail for one cause: a connection that carried them all
/// was lost. Long enough for all of them to hear of it, short for a platform that answers each by itself.
const TOGETHER: Duration = Duration::from_millis(250);

/// How many causes the failures of a window must have at least, so that their share says something.
const CAUSES: u32 = 3;

/// How [`Breaker`](super::Breaker) goes about it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BreakerOptions {
    /// Over which time failures are counted. Default 10 s.
    pub window: Duration,
    /// With fewer calls than this in the window nothing is concluded. Default 10.
    pub least_calls: u32,
    /// The share of failed calls at which the breaker opens, above 0 to 1, if they have not all failed for one
    /// lost connection or two. Default 0.5.
    pub failure_rate: f64,
    /// How many failures one after the other open it too, whatever the window holds: a platform that
    /// hangs fails rarely, but always. Calls that were under way together and fail in one moment with
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) are one failure, as of a connection that
    /// carried them all. Default 8.
    pub in_a_row: u32,
    /// How long it stays open at first; twice as long each time a trial fails. Default 5 s, give or
    /// take a fifth.
    pub open: Duration,
    /// The longest time it stays open, at most a day. Default 20 s, give or take a fifth.
    pub open_cap: Duration,
    /// How many calls are made at once in a trial, and how many must succeed. Default 3.
    pub probes: u32,
    /// After how long a trial whose calls do not come back makes room for others. Default 30 s.
    pub trial: Duration,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(10),
            least_calls: 10,
            failure_rate: 0.5,
            in_a_row: 8,
            open: Duration::from_secs(5),
            open_cap: Duration::from_secs(20),
            probes: 3,
            trial: Duration::from_secs(30),
        }
    }
}

impl BreakerOptions {
    /// Sets [`BreakerOptions::window`].
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets [`BreakerOptions::least_calls`], at least 1.
    #[must_use]
    pub fn with_least_calls(mut self, calls: u32) -> Self {
        self.least_calls = calls.max(1);
        self
    }

    /// Sets [`BreakerOptions::failure_rate`].
    #[must_use]
    pub fn with_failure_rate(mut self, rate: f64) -> Self {
        self.failure_rate = rate;
        self
    }

    /// Sets [`BreakerOptions::in_a_row`], at least 1.
    #[must_use]
    pub fn with_in_a_row(mut self, failures: u32) -> Self {
        self.in_a_row = failures.max(1);
        self
    }

    /// Sets [`BreakerOptions::open`] and [`BreakerOptions::open_cap`].
    #[must_use]
    pub fn with_open(mut self, first: Duration, longest: Duration) -> Self {
        self.open = first;
        self.open_cap = longest;
        self
    }

    /// Sets [`BreakerOptions::probes`], at least 1.
    #[must_use]
    pub fn with_probes(mut self, probes: u32) -> Self {
        self.probes = probes.max(1);
        self
    }
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// Calls are refused.
    Open,
    /// A few calls are tried.
    HalfOpen,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// The platform answered, be it with a no.
    Answered,
    /// It failed.
    Failed,
    /// It was not answered, and waited for that by itself.
    Hung,
    /// Nothing is known: dropped, refused here, or asked to slow down.
    Unknown,
}

/// What is worth telling.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Turn {
    Opened(Duration),
    Probing,
    Closed,
}

/// When a call was let through, and in which standing of the breaker. What comes of it later counts only there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) struct Era {
    number: u64,
    sent: Duration,
}

#[derive(Debug)]
pub(super) struct Circuit {
    options: BreakerOptions,
    standing: Standing,
    era: u64,
    /// How often it was opened without having closed.
    openings: u32,
    /// How many calls have failed one after the other.
    row: u32,
    /// When the last failure was counted that had a cause of its own.
    failed: Option<Duration>,
    window: Window,
}

#[derive(Clone, Copy, Debug)]
enum Standing {
    Closed,
    Open {
        until: Duration,
    },
    HalfOpen {
        since: Duration,
        running: u32,
        good: u32,
    },
}

impl Circuit {
    pub(super) fn new(options: BreakerOptions) -> Self {
        Self {
            window: Window::new(options.window),
            options,
            standing: Standing::Closed,
            era: 0,
            openings: 0,
            row: 0,
            failed: None,
        }
    }

    pub(super) fn state(&self) -> BreakerState {
        match self.standing {
            Standing::Closed => BreakerState::Closed,
            Standing::Open { .. } => BreakerState::Open,
            Standing::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Where it stands now, for a call that is sent.
    pub(super) fn era(&self, now: Duration) -> Era {
        Era {
            number: self.era,
            sent: now,
        }
    }

    /// Lets a call through, or tells how long to wait. `unit` is chance.
    pub(super) fn admit(
        &mut self,
        now: Duration,
        unit: f64,
    ) -> (Result<Era, Duration>, Option<Turn>) {
        let mut turn = None;
        if let Standing::Open { until } = self.standing {
            if now < until {
                return (Err(until.saturating_sub(now)), None);
            }
            self.stand_half_open(now);
            turn = Some(Turn::Probing);
        }
        if let Standing::HalfOpen {
            since,
            running,
            good,
        } = &mut self.standing
        {
            // Those that are on their way count, so that a trial never makes more calls than it needs.
            if running.saturating_add(*good) >= self.options.probes.max(1) {
                let gone = now.saturating_sub(*since);
                let rest = self.options.trial.saturating_sub(gone);
                if !rest.is_zero() {
                    // The longer its calls take, the more rarely others have to ask.
                    let wait = gone.max(TRIAL).min(rest).min(LONGEST);
                    return (Err(wait.mul_f64(1.0 + unit / 2.0)), None);
                }
                // Its calls are lost, or slow: what they say still counts, but nobody waits for it.
                (*since, *running) = (now, 0);
            }
            *running = running.saturating_add(1);
        }
        (Ok(self.era(now)), turn)
    }

    /// Takes in what came of a call. `unit` is chance.
    pub(super) fn record(
        &mut self,
        now: Duration,
        era: Era,
        outcome: Outcome,
        unit: f64,
    ) -> Option<Turn> {
        if era.number != self.era {
            return None;
        }
        match &mut self.standing {
            Standing::Closed => self.count(now, era.sent, outcome, unit),
            Standing::Open { .. } => None,
            Standing::HalfOpen { running, good, .. } => {
                *running = running.saturating_sub(1);
                match outcome {
                    Outcome::Unknown => None,
                    Outcome::Failed | Outcome::Hung => Some(self.open(now, unit)),
                    Outcome::Answered => {
                        *good += 1;
                        (*good >= self.options.probes.max(1)).then(|| self.close())
                    }
                }
            }
        }
    }

    /// Takes in what came of something that was not let through here, such as the rest of an answer, and has
    /// been waited for since `sent`.
    pub(super) fn failed_later(
        &mut self,
        now: Duration,
        sent: Duration,
        outcome: Outcome,
        unit: f64,
    ) -> Option<Turn> {
        match self.standing {
            Standing::Closed => self.count(now, sent, outcome, unit),
            _ => None,
        }
    }

    fn count(
        &mut self,
        now: Duration,
        sent: Duration,
        outcome: Outcome,
        unit: f64,
    ) -> Option<Turn> {
        let has_cause = match outcome {
            Outcome::Unknown => return None,
            Outcome::Answered => {
                self.row = 0;
                self.window.add(now, Sums::CALL);
                return None;
            }
            Outcome::Failed => !self.fails_with_another(now, sent),
            Outcome::Hung => true,
        };
        if has_cause {
            self.row = self.row.saturating_add(1);
            self.failed = Some(now);
        }
        let sums = self.window.add(now, Sums::failure(has_cause));
        let is_bad = sums.calls >= self.options.least_calls.max(1)
            && sums.causes >= CAUSES.min(self.options.least_calls)
            && f64::from(sums.failures) >= f64::from(sums.calls) * self.options.failure_rate;
        (is_bad || self.row >= self.options.in_a_row.max(1)).then(|| self.open(now, unit))
    }

    /// Tells whether a call that was sent then was under way when the last failure was counted, and fails
    /// in the same moment.
    fn fails_with_another(&self, now: Duration, sent: Duration) -> bool {
        self.failed
            .is_some_and(|failed| sent < failed && now.saturating_sub(failed) < TOGETHER)
    }

    fn open(&mut self, now: Duration, unit: f64) -> Turn {
        let factor = 2_u32.saturating_pow(self.openings);
        self.openings = self.openings.saturating_add(1);
        let ceiling = self.options.open.saturating_mul(factor);
        let wait = ceiling.min(self.options.open_cap).min(LONGEST);
        let wait = wait.mul_f64(0.8 + 0.4 * unit);
        self.era += 1;
        self.standing = Standing::Open {
            until: now.saturating_add(wait),
        };
        Turn::Opened(wait)
    }

    fn stand_half_open(&mut self, now: Duration) {
        self.era += 1;
        self.standing = Standing::HalfOpen {
            since: now,
            running: 0,
            good: 0,
        };
    }

    fn close(&mut self) -> Turn {
        self.era += 1;
        self.openings = 0;
        self.row = 0;
        self.window = Window::new(self.options.window);
        self.standing = Standing::Closed;
        Turn::Closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn call(circuit: &mut Circuit, now: Duration, outcome: Outcome) -> Option<Turn> {
        let era = circuit.admit(now, 0.0).0.unwrap();
        circuit.record(now, era, outcome, 0.5)
    }

    /// A breaker that has just opened, at 1 s, for 5 s.
    fn open() -> Circuit {
        let mut circuit = Circuit::new(BreakerOptions::default().with_in_a_row(100));
        for _ in 0..9 {
            assert_eq!(call(&mut circuit, s(1), Outcome::Failed), None);
        }
        assert_eq!(
            call(&mut circuit, s(1), Outcome::Failed),
            Some(Turn::Opened(s(5)))
        );
        circuit
    }

    #[test]
    fn a_few_failures_or_a_small_share_open_nothing() {
        let mut circuit = Circuit::new(BreakerOptions::default().with_in_a_row(100));
        for _ in 0..11 {
            call(&mut circuit, s(1), Outcome::Answered);
        }
        for _ in 0..10 {
            assert_eq!(call(&mut circuit, s(2), Outcome::Failed), None);
        }
        assert_eq!(
            call(&mut circuit, s(2), Outcome::Failed),
            Some(Turn::Opened(s(5)))
        );
    }

    #[test]
    fn calls_that_fail_together_are_one_failure_unless_each_has_waited_by_itself() {
        for (outcome, opens) in [(Outcome::Failed, false), (Outcome::Hung, true)] {
            let mut circuit = Circuit::new(BreakerOptions::default());
            let sent = [(); 16].map(|()| circuit.admit(s(1), 0.0).0.unwrap());
            let turns = sent.map(|era| circuit.record(s(2), era, outcome, 0.5));
            assert_eq!(turns.iter().any(Option::is_some), opens, "{outcome:?}");
        }
    }

    #[test]
    fn calls_that_fail_one_after_the_other_do_so_for_themselves_however_many_run() {
        let mut circuit = Circuit::new(BreakerOptions::default());
        let sent = [(); 8].map(|()| circuit.admit(s(1), 0.0).0.unwrap());
        let turns: Vec<_> = (0..)
            .map(|at| s(2) + TOGETHER * at)
            .zip(sent)
            .map(|(at, era)| circuit.record(at, era, Outcome::Failed, 0.5))
            .collect();
        assert_eq!(turns.last(), Some(&Some(Turn::Opened(s(5)))));
    }

    #[test]
    fn rare_failures_open_it_when_there_is_nothing_else() {
        let mut circuit = Circuit::new(BreakerOptions::default());
        for minute in 1..8 {
            assert_eq!(call(&mut circuit, s(minute * 60), Outcome::Failed), None);
        }
        call(&mut circuit, s(8 * 60), Outcome::Answered);
        for minute in 9..16 {
            assert_eq!(call(&mut circuit, s(minute * 60), Outcome::Failed), None);
        }
        let opened = Some(Turn::Opened(s(5)));
        assert_eq!(call(&mut circuit, s(16 * 60), Outcome::Failed), opened);
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let mut circuit = Circuit::new(BreakerOptions::default().with_in_a_row(100));
        for _ in 0..9 {
            call(&mut circuit, s(1), Outcome::Failed);
        }
        assert_eq!(call(&mut circuit, s(32), Outcome::Failed), None);
    }

    #[test]
    fn an_open_breaker_tries_a_few_and_closes_when_they_answer() {
        let mut circuit = open();
        assert_eq!(circuit.admit(s(4), 0.0), (Err(s(2)), None));
        let (first, turn) = circuit.admit(s(6), 0.0);
        assert_eq!(turn, Some(Turn::Probing));
        let probes = [
            first,
            circuit.admit(s(6), 0.0).0,
            circuit.admit(s(6), 0.0).0,
        ]
        .map(Result::unwrap);
        assert_eq!(circuit.admit(s(6), 0.0).0, Err(TRIAL));
        let turns = probes.map(|era| circuit.record(s(7), era, Outcome::Answered, 0.5));
        assert_eq!(turns, [None, None, Some(Turn::Closed)]);
        assert_eq!(circuit.state(), BreakerState::Closed);
    }

    #[test]
    fn a_trial_that_fails_opens_for_longer_up_to_the_cap() {
        let mut circuit = open();
        let mut now = s(1);
        for wait in [5, 10, 20, 20] {
            now += s(wait);
            let turn = call(&mut circuit, now, Outcome::Failed);
            let longer = s((wait * 2).min(20));
            assert_eq!(turn, Some(Turn::Opened(longer)));
        }
    }

    #[test]
    fn a_probe_of_which_nothing_is_known_makes_room_for_another() {
        let mut circuit = open();
        for _ in 0..100 {
            assert_eq!(call(&mut circuit, s(6), Outcome::Unknown), None);
        }
        assert_eq!(circuit.state(), BreakerState::HalfOpen);
    }

    #[test]
    fn a_trial_whose_calls_never_come_back_makes_room() {
        let mut circuit = open();
        let _lost = [(); 3].map(|()| circuit.admit(s(6), 0.0).0.unwrap());
        assert!(circuit.admit(s(35), 0.0).0.is_err());
        for _ in 0..2 {
            assert_eq!(
                call(&mut circuit, s(36), Outcome::Answered),
                None,
                "two of three"
            );
        }
        let closed = Some(Turn::Closed);
        assert_eq!(call(&mut circuit, s(36), Outcome::Answered), closed);
    }

    #[test]
    fn a_trial_closes_however_slow_its_calls_are() {
        let mut circuit = open();
        let slow = [(); 3].map(|()| circuit.admit(s(6), 0.0).0.unwrap());
        assert!(circuit.admit(s(40), 0.0).0.is_ok());
        let turns = slow.map(|era| circuit.record(s(41), era, Outcome::Answered, 0.5));
        assert_eq!(turns, [None, None, Some(Turn::Closed)]);
    }

    #[test]
    fn a_slow_trial_is_asked_for_ever_more_rarely() {
        let mut circuit = open();
        let _slow = [(); 3].map(|()| circuit.admit(s(6), 0.0).0.unwrap());
        let mut told = |at, unit| circuit.admit(s(at), unit).0.unwrap_err();
        assert_eq!((told(6, 0.0), told(16, 0.0)), (s(1), s(10)));
        assert_eq!((told(16, 1.0), told(34, 0.0)), (s(15), s(2)));
    }

    #[test]
    fn however_long_it_is_to_stay_open_it_can_be_counted() {
        let longest = BreakerOptions::default().with_open(Duration::MAX, Duration::MAX);
        let mut circuit = Circuit::new(longest.with_in_a_row(1));
        let era = circuit.admit(s(1), 1.0).0.unwrap();
        let turn = circuit.record(s(1), era, Outcome::Failed, 1.0);
        assert_eq!(turn, Some(Turn::Opened(LONGEST.mul_f64(1.2))));
    }

    #[test]
    fn what_was_sent_before_it_opened_says_nothing_of_the_trial() {
        let mut circuit = Circuit::new(BreakerOptions::default().with_in_a_row(100));
        let early = circuit.admit(s(0), 0.0).0.unwrap();
        for _ in 0..10 {
            call(&mut circuit, s(1), Outcome::Failed);
        }
        assert!(circuit.admit(s(6), 0.0).0.is_ok());
        assert_eq!(circuit.record(s(6), early, Outcome::Failed, 0.5), None);
        assert_eq!(circuit.state(), BreakerState::HalfOpen);
    }
}
