//! When an account is to be left alone: the state behind [`Pause`](super::Pause), with time by argument.

use std::time::Duration;

/// The longest pause that is believed.
const LONGEST: Duration = Duration::from_secs(86_400);

/// By how little a pause may be made longer without being another: two layers that see one refusal tell
/// of it one after the other.
const SAME: Duration = Duration::from_millis(50);

/// How long after a pause calls are let through by and by.
const RAMP: Duration = Duration::from_secs(30);

/// After how long twice as many of them are let through.
const STEP: Duration = Duration::from_secs(5);

/// How [`Pause`](super::Pause) goes about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PauseOptions {
    /// The first pause where the platform does not say how long. Default 1 s. The true pause is
    /// between half of it and the whole.
    pub base: Duration,
    /// The longest such pause. Default 60 s.
    pub cap: Duration,
    /// How long a call waits for the end of a pause; if it lasts longer, the call fails at once.
    /// Default 30 s, less than the time after which a transfer takes a call for stalled.
    pub patience: Duration,
    /// How many calls wait at most, those not counted that are less urgent. Default 1,024.
    pub queue: usize,
    /// How many calls a second are let through when a pause ends; twice as many every five
    /// seconds, and all after thirty. Default 20.
    pub restart: u32,
}

impl Default for PauseOptions {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(60),
            patience: Duration::from_secs(30),
            queue: 1024,
            restart: 20,
        }
    }
}

impl PauseOptions {
    /// Sets [`PauseOptions::base`].
    #[must_use]
    pub fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets [`PauseOptions::cap`].
    #[must_use]
    pub fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Sets [`PauseOptions::patience`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets [`PauseOptions::queue`].
    #[must_use]
    pub fn with_queue(mut self, queue: usize) -> Self {
        self.queue = queue;
        self
    }

    /// Sets [`PauseOptions::restart`], at least 1.
    #[must_use]
    pub fn with_restart(mut self, calls_per_second: u32) -> Self {
        self.restart = calls_per_second.max(1);
        self
    }
}

/// The state of one account.
#[derive(Debug)]
pub(super) struct Hush {
    options: PauseOptions,
    /// The pause that is, or was the last.
    last: Option<Span>,
    /// How many refusals without advice came one after the other.
    strikes: u32,
    /// The earliest moment for the next call while they are let through by and by.
    next: Duration,
    /// Whether no call has gone through since the pause began.
    is_held: bool,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    begun: Duration,
    end: Duration,
}

impl Hush {
    pub(super) fn new(options: PauseOptions) -> Self {
        Self {
            options,
            last: None,
            strikes: 0,
            next: Duration::ZERO,
            is_held: false,
        }
    }

    /// Takes in that a call sent at `sent` was refused, with the wait that was asked for; returns how
    /// long the account is paused, if that is news. `unit` is chance.
    pub(super) fn limited(
        &mut self,
        now: Duration,
        sent: Duration,
        asked: Option<Duration>,
        unit: f64,
    ) -> Option<Duration> {
        let wait = match asked {
            Some(wait) => wait.min(LONGEST),
            // Calls that were under way together are refused together: that is one refusal.
            None if self.last.is_some_and(|last| sent <= last.begun) => return None,
            None => {
                let factor = 2_u32.saturating_pow(self.strikes);
                self.strikes = self.strikes.saturating_add(1);
                let ceiling = self.options.base.saturating_mul(factor);
                let ceiling = ceiling.min(self.options.cap).min(LONGEST);
                ceiling.mul_f64(0.5 + unit / 2.0)
            }
        };
        let end = now.saturating_add(wait);
        if self.last.is_some_and(|last| last.end >= end) {
            return None;
        }
        if let Some(last) = &mut self.last
            && now < last.end
            && end.saturating_sub(last.end) < SAME
        {
            (last.end, self.next) = (end, end);
            return None;
        }
        self.last = Some(Span { begun: now, end });
        self.next = end;
        self.is_held = true;
        Some(wait)
    }

    /// Takes in that a call sent at `sent` was heard. Once the platform has been well for as long as it
    /// was left alone, the next guess begins anew.
    pub(super) fn answered(&mut self, now: Duration, sent: Duration) {
        if let Some(last) = self.last {
            let well = last.end.saturating_add(last.end.saturating_sub(last.begun));
            if sent >= last.end && now >= well {
                self.strikes = 0;
            }
        }
    }

    /// Lets a call through, and tells whether it is the first after a pause; or how long to wait.
    pub(super) fn pass(&mut self, now: Duration, unit: f64) -> Result<bool, Duration> {
        let Some(last) = self.last else {
            return Ok(false);
        };
        let past = now
            .checked_sub(last.end)
            .ok_or(last.end.saturating_sub(now))?;
        if past < RAMP {
            if now < self.next {
                return Err(self.next.saturating_sub(now));
            }
            let doublings = u32::try_from(past.as_millis() / STEP.as_millis()).unwrap_or(0);
            let rate = self
                .options
                .restart
                .max(1)
                .saturating_mul(2_u32.saturating_pow(doublings));
            let gap = Duration::from_secs(1) / rate;
            self.next = now.saturating_add(gap.mul_f64(0.5 + unit));
        }
        Ok(std::mem::take(&mut self.is_held))
    }

    /// Ends the pause.
    pub(super) fn lift(&mut self, now: Duration) {
        if let Some(last) = &mut self.last
            && now < last.end
        {
            (last.end, self.next) = (now, now);
        }
    }

    /// How long the pause still lasts.
    pub(super) fn remaining(&self, now: Duration) -> Option<Duration> {
        let left = self.last?.end.checked_sub(now)?;
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_refusal_that_two_layers_tell_of_is_one_pause() {
        let mut hush = Hush::new(PauseOptions::default());
        let later = Duration::from_micros(300);
        let asked = Some(s(10));
        assert_eq!(hush.limited(s(5), s(4), asked, 0.0), Some(s(10)));
        assert_eq!(hush.limited(s(5) + later, s(3), asked, 0.0), None);
        assert_eq!(hush.remaining(s(5)), Some(s(10) + later));
        // What asks for more is news.
        assert_eq!(hush.limited(s(6), s(4), asked, 0.0), Some(s(10)));
        hush.lift(s(7));
        assert_eq!(
            (hush.remaining(s(7)), hush.pass(s(7), 0.0)),
            (None, Ok(true))
        );
    }

    #[test]
    fn a_guess_doubles_and_begins_anew_after_a_while_without_refusals() {
        let mut hush = Hush::new(PauseOptions::default());
        let almost = 1.0 - f64::EPSILON;
        let mut refuse = |now: u64| {
            hush.limited(s(now), s(now), None, almost)
                .map(|w| w.as_secs_f64().round())
        };
        assert_eq!(refuse(10), Some(1.0));
        assert_eq!(refuse(20), Some(2.0));
        assert_eq!(refuse(30), Some(4.0));
        hush.answered(s(35), s(34));
        assert!(
            hush.limited(s(36), s(36), None, almost).unwrap() > s(7),
            "well only for a moment"
        );
        hush.answered(s(60), s(59));
        assert!(hush.limited(s(61), s(61), None, almost).unwrap() <= s(1));
    }

    #[test]
    fn refusals_of_calls_that_ran_together_are_one() {
        let mut hush = Hush::new(PauseOptions::default());
        assert!(hush.limited(s(10), s(9), None, 0.5).is_some());
        for _ in 0..100 {
            assert_eq!(hush.limited(s(10), s(9), None, 0.5), None);
        }
        assert!(hush.limited(s(20), s(20), None, 0.0).unwrap() <= s(1));
    }

    #[test]
    fn a_shorter_wait_never_shortens_a_pause() {
        let mut hush = Hush::new(PauseOptions::default());
        assert_eq!(hush.limited(s(0), s(0), Some(s(60)), 0.5), Some(s(60)));
        assert_eq!(hush.limited(s(1), s(0), Some(s(2)), 0.5), None);
        assert_eq!(hush.remaining(s(1)), Some(s(59)));
        assert_eq!(hush.pass(s(59), 0.5), Err(s(1)));
        assert_eq!(hush.pass(s(60), 0.5), Ok(true));
    }

    #[test]
    fn a_wait_beyond_belief_is_a_day() {
        let mut hush = Hush::new(PauseOptions::default());
        assert_eq!(
            hush.limited(s(0), s(0), Some(Duration::MAX), 0.5),
            Some(LONGEST)
        );
    }
}
