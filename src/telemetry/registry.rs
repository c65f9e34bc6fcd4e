//! Counts kept in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::sink::{Label, Metrics};
use super::snapshot::{BUCKETS, Histogram, MetricsSnapshot, Series, bound};

/// Keeps every count in memory, to be read at any time.
///
/// It holds one number for each name and set of labels, and a fixed set of buckets for each histogram; both come from
/// fixed lists, so it does not grow with the work.
///
/// # Example
///
/// ```
/// use garland::telemetry::{Metrics, Registry};
///
/// let registry = Registry::new();
/// registry.add("garland_retries_total", &[("operation", "transfer.read")], 2);
/// let seen = registry.snapshot();
/// assert_eq!(seen.counter("garland_retries_total", &[("operation", "transfer.read")]), 2);
/// assert_eq!(seen.total("garland_retries_total"), 2);
/// ```
#[derive(Default)]
pub struct Registry {
    counters: Table<AtomicU64>,
    /// The bits of an `f64`.
    gauges: Table<AtomicU64>,
    histograms: Table<Buckets>,
}

impl Registry {
    /// Makes an empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns everything counted so far. Counts that go on meanwhile may be in one series and not yet in another.
    #[must_use]
    pub fn snapshot(&self) -> MetricsSnapshot {
        let counters = self.counters.read(|n| n.load(Ordering::Relaxed));
        let gauges = self
            .gauges
            .read(|bits| f64::from_bits(bits.load(Ordering::Relaxed)));
        let histograms = self.histograms.read(Buckets::read);
        MetricsSnapshot::new(counters, gauges, histograms)
    }
}

impl Metrics for Registry {
    fn add(&self, name: &'static str, labels: &[Label], amount: u64) {
        let counter = self.counters.at(name, labels);
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    fn set(&self, name: &'static str, labels: &[Label], value: f64) {
        let gauge = self.gauges.at(name, labels);
        gauge.store(value.to_bits(), Ordering::Relaxed);
    }

    fn record(&self, name: &'static str, labels: &[Label], seconds: f64) {
        self.histograms.at(name, labels).add(seconds);
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

/// The cells of one name: few, so that a look through them is faster than a hash.
type Cells<T> = Vec<(Box<[Label]>, Arc<T>)>;

/// One cell for each name and set of labels.
#[derive(Default)]
struct Table<T>(RwLock<BTreeMap<&'static str, Cells<T>>>);

impl<T: Default> Table<T> {
    fn at(&self, name: &'static str, labels: &[Label]) -> Arc<T> {
        let same = |(known, _): &&(Box<[Label]>, Arc<T>)| **known == *labels;
        {
            let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let cells = table.get(name).map(Vec::as_slice).unwrap_or_default();
            if let Some((_, cell)) = cells.iter().find(same) {
                return Arc::clone(cell);
            }
        }
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let cells = table.entry(name).or_default();
        // Another may have been faster.
        if let Some((_, cell)) = cells.iter().find(same) {
            return Arc::clone(cell);
        }
        let cell = Arc::<T>::default();
        cells.push((labels.into(), Arc::clone(&cell)));
        cell
    }

    fn read<V>(&self, value: impl Fn(&T) -> V) -> Vec<Series<V>> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let named = table.iter().flat_map(|(name, cells)| {
            let cell = |(labels, cell): &(Box<[Label]>, Arc<T>)| Series {
                name,
                labels: labels.to_vec(),
                value: value(cell),
            };
            cells.iter().map(cell).collect::<Vec<_>>()
        });
        named.collect()
    }
}

/// How often a value fell into each bucket.
#[derive(Default)]
struct Buckets {
    /// The last one has no bound.
    counts: [AtomicU64; BUCKETS + 1],
    nanoseconds: AtomicU64,
}

impl Buckets {
    fn add(&self, seconds: f64) {
        let time = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
        let index = (0..BUCKETS).position(|index| time <= bound(index));
        if let Some(count) = self.counts.get(index.unwrap_or(BUCKETS)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    fn read(&self) -> Histogram {
        let counts = self.counts.iter();
        Histogram::new(
            counts.map(|count| count.load(Ordering::Relaxed)).collect(),
            Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)),
        )
    }
}
