//! When the next bytes of one transfer may pass.
//!
//! Times are seconds since the clock's start, rates bytes a second.

/// How far a transfer may be behind its deadline and still catch up: it repays wake-ups that came late.
const CREDIT: f64 = 0.1;
/// Waits shorter than this, in seconds, are none: finer than any timer.
const NONE: f64 = 1e-6;

/// The deadline of one transfer, and the one wait that may be under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    /// When everything that has passed is paid for.
    paid: f64,
    rate: f64,
    wait: Option<Wait>,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    bytes: f64,
    /// When its bytes are paid for; infinite while nothing is carried at all.
    next: f64,
}

impl Pacer {
    /// Makes one that lets nothing pass before it has a rate.
    pub(super) fn new(now: f64) -> Self {
        Self {
            paid: now,
            rate: 0.0,
            wait: None,
        }
    }

    /// Begins to wait for `bytes`, above 0. There is one wait at a time.
    pub(super) fn begin(&mut self, now: f64, bytes: f64) {
        let from = self.paid.max(now - CREDIT);
        let next = from + bytes / self.rate;
        self.wait = Some(Wait { bytes, next });
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.wait.is_some()
    }

    /// How long the wait lasts from `now`: zero when its bytes may pass, infinite while there is no telling.
    pub(super) fn left(&self, now: f64) -> f64 {
        let left = self.wait.map_or(0.0, |wait| wait.next - now);
        if left > NONE { left } else { 0.0 }
    }

    /// Lets the bytes pass.
    pub(super) fn pass(&mut self) {
        if let Some(wait) = self.wait.take() {
            self.paid = wait.next;
        }
    }

    /// Gives the bytes back that were waited for.
    pub(super) fn give_back(&mut self) {
        self.wait = None;
    }

    /// Changes the rate, and tells whether a wait has become shorter.
    ///
    /// A wait keeps its deadline, unless what is left of its bytes is paid sooner at the new rate: a rate of nearly
    /// nothing must not hold one chunk for hours after it has risen.
    pub(super) fn set_rate(&mut self, now: f64, rate: f64) -> bool {
        let old = std::mem::replace(&mut self.rate, rate);
        if old <= 0.0 {
            // While nothing is carried there is nothing to catch up with.
            self.paid = self.paid.max(now);
        }
        let Some(wait) = self.wait.as_mut().filter(|_| rate > old) else {
            return false;
        };
        let left = if wait.next.is_finite() {
            ((wait.next - now) * old).clamp(0.0, wait.bytes)
        } else {
            wait.bytes
        };
        let next = now + left / rate;
        let sooner = next < wait.next;
        wait.next = wait.next.min(next);
        sooner
    }
}

#[cfg(test)]
mod tests {
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
    fn a_lower_rate_keeps_the_deadline_and_a_higher_one_pays_the_rest_sooner() {
        let mut pacer = paced(100.0);
        pacer.begin(0.0, 10.0);
        assert!(!pacer.set_rate(0.05, 1.0));
        close(pacer.left(0.05), 0.05);
        assert!(pacer.set_rate(0.05, 100.0));
        // Five hundredths at one byte a second are left: next to nothing.
        close(pacer.left(0.05), 0.0005);
        pacer.pass();
        pacer.begin(0.06, 100.0);
        close(pacer.left(0.06), 0.9905);
        assert!(pacer.set_rate(0.5505, 1_000.0));
        close(pacer.left(0.5505), 0.05);
    }

    #[test]
    fn without_a_rate_it_waits_until_there_is_one() {
        let mut pacer = Pacer::new(0.0);
        pacer.begin(0.0, 10.0);
        assert!(pacer.left(1e6).is_infinite());
        assert!(pacer.set_rate(50.0, 100.0));
        close(pacer.left(50.0), 0.1);
        pacer.set_rate(50.0, 0.0);
        close(pacer.left(50.0), 0.1);
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
}
