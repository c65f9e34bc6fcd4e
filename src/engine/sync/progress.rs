//! How far a run is.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a run is doing.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Finishing what an earlier run had begun.
    Resume,
    /// Listing every place and reading what was last agreed.
    Scan,
    /// Working out what to do.
    Plan,
    /// Hashing files that could not be told apart otherwise.
    Verify,
    /// Moving versions that will be replaced to the recovery folder.
    Recover,
    /// Renaming.
    Rename,
    /// Copying.
    Copy,
    /// Merging.
    Merge,
    /// Deleting.
    Delete,
    /// Recording what is agreed.
    Agree,
}

impl Phase {
    /// Returns the stable name, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Scan => "scan",
            Self::Plan => "plan",
            Self::Verify => "verify",
            Self::Recover => "recover",
            Self::Rename => "rename",
            Self::Copy => "copy",
            Self::Merge => "merge",
            Self::Delete => "delete",
            Self::Agree => "agree",
        }
    }
}

/// How far the present phase is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Items done: files listed, or actions carried out or given up.
    pub items: u64,
    /// Items in all; `None` while listing, when nobody knows.
    pub total_items: Option<u64>,
    /// Bytes that destinations have taken.
    pub bytes: u64,
    /// Bytes to move in all.
    pub total_bytes: u64,
    /// Bytes a second, over the last seconds.
    pub bytes_per_second: f64,
    /// Items a second, over the last seconds.
    pub items_per_second: f64,
    /// How long the rest will take at this rate; `None` while nobody can tell.
    pub eta: Option<Duration>,
}

/// Works out rates from what was seen over the last seconds. Pure: time comes in by argument.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    seen: VecDeque<(Duration, u64, u64)>,
}

/// How often progress is told.
pub(crate) const TICK: Duration = Duration::from_millis(200);

/// How far back a rate looks.
const WINDOW: Duration = Duration::from_secs(8);

impl Rates {
    pub(crate) fn new() -> Self {
        Self {
            seen: VecDeque::new(),
        }
    }

    /// Takes in the totals at `now` and gives the rates of bytes and items.
    pub(crate) fn update(&mut self, now: Duration, bytes: u64, items: u64) -> (f64, f64) {
        self.seen.push_back((now, bytes, items));
        while self.seen.len() > 2
            && self
                .seen
                .get(1)
                .is_some_and(|(then, ..)| now.saturating_sub(*then) >= WINDOW)
        {
            self.seen.pop_front();
        }
        let Some(&(then, bytes_then, items_then)) = self.seen.front() else {
            return (0.0, 0.0);
        };
        let seconds = now.saturating_sub(then).as_secs_f64();
        if seconds <= 0.0 {
            return (0.0, 0.0);
        }
        let rate = |now: u64, then: u64| as_f64(now.saturating_sub(then)) / seconds;
        (rate(bytes, bytes_then), rate(items, items_then))
    }
}

/// Estimates the rest: by bytes where bytes are to be moved, otherwise by items.
pub(crate) fn eta(progress: &Progress) -> Option<Duration> {
    let by = |rest: u64, rate: f64| {
        (rate > 0.0)
            .then(|| Duration::try_from_secs_f64(as_f64(rest) / rate).ok())
            .flatten()
    };
    let bytes = progress.total_bytes.saturating_sub(progress.bytes);
    let items = progress.total_items?.saturating_sub(progress.items);
    match (bytes, items) {
        (0, 0) => Some(Duration::ZERO),
        (0, items) => by(items, progress.items_per_second),
        (bytes, _) => by(bytes, progress.bytes_per_second),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate for people needs no more than 53 bits"
)]
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_looks_back_some_seconds_only() {
        let mut rates = Rates::new();
        let second = Duration::from_secs;
        assert_eq!(rates.update(second(0), 0, 0), (0.0, 0.0));
        assert_eq!(rates.update(second(4), 400, 8), (100.0, 2.0));
        for at in 5..=20 {
            rates.update(second(at), 400, 8);
        }
        assert_eq!(rates.update(second(21), 400, 8), (0.0, 0.0));
    }

    #[test]
    fn the_rest_is_told_by_bytes_or_by_items() {
        let mut progress = Progress {
            phase: Phase::Copy,
            items: 1,
            total_items: Some(3),
            bytes: 100,
            total_bytes: 300,
            bytes_per_second: 50.0,
            items_per_second: 1.0,
            eta: None,
        };
        assert_eq!(eta(&progress), Some(Duration::from_secs(4)));
        progress.bytes = 300;
        assert_eq!(eta(&progress), Some(Duration::from_secs(2)));
        progress.items_per_second = 0.0;
        assert_eq!(eta(&progress), None);
        progress.total_items = None;
        assert_eq!(eta(&progress), None);
    }
}
