//! Calls and failures of the last while.

use std::time::Duration;

/// Into how many parts the window is cut.
const PARTS: usize = 10;

/// Calls and failures of the last while, part by part.
#[derive(Debug)]
pub(super) struct Window {
    part: Duration,
    number: u128,
    parts: [Sums; PARTS],
}

/// What is counted in a window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) calls: u32,
    pub(super) failures: u32,
    /// How many of the failures have a cause of their own.
    pub(super) causes: u32,
}

impl Sums {
    pub(super) const CALL: Self = Self {
        calls: 1,
        failures: 0,
        causes: 0,
    };

    pub(super) fn failure(has_cause: bool) -> Self {
        Self {
            calls: 1,
            failures: 1,
            causes: u32::from(has_cause),
        }
    }

    fn plus(self, more: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(more.calls),
            failures: self.failures.saturating_add(more.failures),
            causes: self.causes.saturating_add(more.causes),
        }
    }
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let part = length.as_nanos().div_ceil(PARTS as u128).max(1);
        Self {
            part: Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX)),
            number: 0,
            parts: [Sums::default(); PARTS],
        }
    }

    /// Adds a call and returns the sums of the window.
    pub(super) fn add(&mut self, now: Duration, call: Sums) -> Sums {
        let number = now.as_nanos() / self.part.as_nanos();
        let passed = number.saturating_sub(self.number);
        let passed = usize::try_from(passed).map_or(PARTS, |passed| passed.min(PARTS));
        self.number = self.number.max(number);
        // The newest part is the first.
        self.parts.rotate_right(passed);
        self.parts
            .iter_mut()
            .take(passed)
            .for_each(|part| *part = Sums::default());
        if let Some(part) = self.parts.first_mut() {
            *part = part.plus(call);
        }
        let parts = self.parts.iter().copied();
        parts.fold(Sums::default(), Sums::plus)
    }
}
