//! The same counters and durations, as a recorder of the `metrics` facade sees them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

use crate::world::sync;

type Table<T> = Arc<Mutex<BTreeMap<String, T>>>;

#[derive(Debug, Default)]
struct Collected {
    counters: Table<u64>,
    histograms: Table<Vec<f64>>,
}

struct Count(String, Table<u64>);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        *self.1.lock().unwrap().entry(self.0.clone()).or_default() += value;
    }

    fn absolute(&self, _: u64) {
        unreachable!("nothing is counted so");
    }
}

struct Durations(String, Table<Vec<f64>>);

impl HistogramFn for Durations {
    fn record(&self, value: f64) {
        let mut table = self.1.lock().unwrap();
        table.entry(self.0.clone()).or_default().push(value);
    }
}

impl Recorder for Collected {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(Count(text(key), Arc::clone(&self.counters))))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let table = Arc::clone(&self.histograms);
        Histogram::from_arc(Arc::new(Durations(text(key), table)))
    }
}

/// `name{label=value,…}` without the prefix of the crate.
fn text(key: &Key) -> String {
    let labels: Vec<String> = key
        .labels()
        .map(|label| format!("{}={}", label.key(), label.value()))
        .collect();
    let name = key.name().strip_prefix("garland_").unwrap();
    format!("{name}{{{}}}", labels.join(","))
}

#[test]
fn a_recorder_is_given_what_the_orchestrator_counts() {
    let collected = Collected::default();
    let (_, counted) = metrics::with_local_recorder(&collected, sync);
    let counters = collected.counters.lock().unwrap();
    let ours: BTreeMap<String, u64> = counted
        .counters
        .iter()
        .map(|series| (named(series.name, &series.labels), series.value))
        .collect();
    assert!(ours.len() > 5, "{ours:#?}");
    assert_eq!(*counters, ours);
    let histograms = collected.histograms.lock().unwrap();
    let times = histograms
        .iter()
        .map(|(name, all)| (name.clone(), all.len() as u64));
    let ours = counted
        .histograms
        .iter()
        .map(|series| (named(series.name, &series.labels), series.value.count()));
    assert_eq!(times.collect::<BTreeMap<_, _>>(), ours.collect());
}

fn named(name: &str, labels: &[(&str, &str)]) -> String {
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let name = name.strip_prefix("garland_").unwrap();
    format!("{name}{{{}}}", labels.join(","))
}
