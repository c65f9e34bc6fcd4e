//! What was counted, at one moment.

use std::fmt;
use std::time::Duration;

use super::sink::Label;

/// How many buckets with an upper bound a histogram has.
pub(super) const BUCKETS: usize = 26;

/// The upper bound of a bucket: 0.1 ms, and twice as much from each to the next, up to 56 minutes.
pub(super) fn bound(index: usize) -> Duration {
    let factor = u32::try_from(index).ok().and_then(|n| 1_u32.checked_shl(n));
    Duration::from_micros(100).saturating_mul(factor.unwrap_or(u32::MAX))
}

/// One value with its name and labels.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Series<T> {
    /// The name, as listed in the [documentation of the crate](crate#observability).
    pub name: &'static str,
    /// Labels with their values, in the order they are listed there.
    pub labels: Vec<Label>,
    /// The value.
    pub value: T,
}

/// Everything that was counted, at one moment.
///
/// Prints one line for each series, ordered by name, as a page for people to read.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// What only grows.
    pub counters: Vec<Series<u64>>,
    /// What goes up and down.
    pub gauges: Vec<Series<f64>>,
    /// How long things took.
    pub histograms: Vec<Series<Histogram>>,
}

impl MetricsSnapshot {
    pub(super) fn new(
        counters: Vec<Series<u64>>,
        gauges: Vec<Series<f64>>,
        histograms: Vec<Series<Histogram>>,
    ) -> Self {
        Self {
            counters,
            gauges,
            histograms,
        }
    }

    /// Returns one counter; zero if nothing was counted under it.
    #[must_use]
    pub fn counter(&self, name: &str, labels: &[Label]) -> u64 {
        find(&self.counters, name, labels).copied().unwrap_or(0)
    }

    /// Returns the sum of a counter over all its labels.
    #[must_use]
    pub fn total(&self, name: &str) -> u64 {
        let series = self.counters.iter().filter(|series| series.name == name);
        series
            .map(|series| series.value)
            .fold(0, u64::saturating_add)
    }

    /// Returns one gauge, if it was ever set.
    #[must_use]
    pub fn gauge(&self, name: &str, labels: &[Label]) -> Option<f64> {
        find(&self.gauges, name, labels).copied()
    }

    /// Returns one histogram, if anything was timed under it.
    #[must_use]
    pub fn histogram(&self, name: &str, labels: &[Label]) -> Option<&Histogram> {
        find(&self.histograms, name, labels)
    }
}

fn find<'a, T>(all: &'a [Series<T>], name: &str, labels: &[Label]) -> Option<&'a T> {
    let mut all = all.iter();
    let found = all.find(|series| series.name == name && *series.labels == *labels);
    found.map(|series| &series.value)
}

impl fmt::Display for MetricsSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for series in &self.counters {
            writeln!(f, "{series}")?;
        }
        for series in &self.gauges {
            writeln!(f, "{series}")?;
        }
        for series in &self.histograms {
            writeln!(f, "{series}")?;
        }
        Ok(())
    }
}

impl<T: fmt::Display> fmt::Display for Series<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if let Some((last, others)) = self.labels.split_last() {
            f.write_str("{")?;
            for (name, value) in others {
                write!(f, "{name}={value},")?;
            }
            write!(f, "{}={}}}", last.0, last.1)?;
        }
        write!(f, " {}", self.value)
    }
}

/// How often something took how long.
///
/// Values are counted in buckets whose bounds double from 0.1 ms to 56 minutes, so that a
/// [`quantile`](Self::quantile) is at most twice what it was.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Histogram {
    counts: Vec<u64>,
    sum: Duration,
}

impl Histogram {
    pub(super) fn new(counts: Vec<u64>, sum: Duration) -> Self {
        Self { counts, sum }
    }

    /// Returns how many values there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Returns the sum of all values.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// Returns the least bound of a bucket that at least this share of the values was under, or `None` when there is no
    /// value, or it was over every bound. `share` is from 0 to 1; what is outside is taken for the nearest.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank is exact up to 2^53 values, and never negative"
        )]
        let rank = (self.count() as f64 * share.clamp(0.0, 1.0))
            .ceil()
            .max(1.0) as u64;
        let mut seen: u64 = 0;
        for (index, count) in (0..BUCKETS).zip(&self.counts) {
            seen = seen.saturating_add(*count);
            if seen >= rank {
                return Some(bound(index));
            }
        }
        None
    }

    /// Returns each bucket's upper bound with how many values were in it; the bound of the last is `None`.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = (0..BUCKETS).map(bound).map(Some).chain([None]);
        bounds.zip(self.counts.iter().copied())
    }
}

impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:?}", self.count(), self.sum)
    }
}
