//! Counters and durations, as a recorder sees them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

use garland::resilience::AccountName;
use garland::resilience::pool::{
    Outcome, PlatformPool, PoolOptions, Priority, SessionFactory, SessionOptions, SessionPool,
};
use garland::{Chance, SystemClock};

use crate::world::{CONTENT, sync, sync_over};

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
fn a_small_sync_is_counted_under_the_documented_names() {
    let collected = Collected::default();
    let report = metrics::with_local_recorder(&collected, sync);
    let counters = collected.counters.lock().unwrap();
    let count = |name: &str| counters.get(name).copied().unwrap_or_default();
    let written = (CONTENT.len() + "other".len()) as u64;
    assert_eq!(count("transfer_bytes_total{}"), written, "{counters:#?}");
    assert_eq!(
        count("transfer_files_total{outcome=delivered}"),
        report.done.copy
    );
    assert_eq!(
        count("retries_total{operation=transfer.upload}"),
        1,
        "{counters:#?}"
    );
    assert_eq!(count("sync_runs_total{outcome=complete}"), 1);
    assert_eq!(count("sync_actions_total{action=copy}"), 2);
    assert_eq!(
        count("sync_actions_total{action=recover}"),
        report.done.recover
    );
    assert_eq!(
        count("sync_conflicts_total{kind=create_create}"),
        1,
        "{counters:#?}"
    );
    assert!(count("storage_commits_total{backend=memory,outcome=committed}") > 3);
    let histograms = collected.histograms.lock().unwrap();
    let many = |name: &str| histograms.get(name).map_or(0, Vec::len) as u64;
    assert_eq!(many("sync_seconds{outcome=complete}"), 1, "{histograms:#?}");
    let transfers = many("transfer_seconds{outcome=delivered}");
    assert_eq!(transfers, report.done.copy);
    // No label is made of what a person wrote.
    let names = counters.keys().chain(histograms.keys());
    for name in names {
        assert!(
            !name.contains("day/") && !name.contains("archive"),
            "{name}"
        );
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn commits_to_sqlite_are_counted_and_timed() {
    use garland::backends::Sqlite;

    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let database = runtime
        .block_on(Sqlite::open(folder.path().join("studio.db")))
        .unwrap();
    let collected = Collected::default();
    metrics::with_local_recorder(&collected, || sync_over(database, false));
    let labels = "{backend=sqlite,outcome=committed}";
    let commits = collected.counters.lock().unwrap()[&format!("storage_commits_total{labels}")];
    let times = collected.histograms.lock().unwrap();
    let times = &times[&format!("storage_commit_seconds{labels}")];
    assert_eq!(times.len() as u64, commits);
    assert!(times.iter().all(|seconds| *seconds >= 0.0));
}

/// Opens sessions that are nothing.
#[derive(Debug)]
struct Desk;

#[async_trait::async_trait]
impl SessionFactory for Desk {
    type Session = ();

    async fn connect(&self) -> garland::Result<()> {
        Ok(())
    }

    async fn validate(&self, (): &mut ()) -> garland::Result<()> {
        Ok(())
    }
}

async fn use_pools() {
    let clock = Arc::new(SystemClock::new());
    let account = |platform| AccountName::new(platform, "studio-7/clients");
    let options = PoolOptions::default().with_max(1);
    let pool = PlatformPool::new(account("drive"), options, Arc::<SystemClock>::clone(&clock));
    let first = pool.acquire(Priority::NORMAL).await.unwrap();
    let (second, ()) = tokio::join!(pool.acquire(Priority::NORMAL), async {
        first.done(Outcome::RateLimited);
    });
    drop(second);
    pool.drain().await;

    let options = SessionOptions::default();
    let sessions = SessionPool::new(account("sftp"), Desk, options, clock, Chance::seeded(1));
    sessions.get(Priority::NORMAL).await.unwrap().release();
    drop(sessions.get(Priority::NORMAL).await.unwrap());
}

#[test]
fn calls_and_sessions_of_pools_are_counted_by_platform() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let collected = Collected::default();
    metrics::with_local_recorder(&collected, || runtime.block_on(use_pools()));
    let counters = collected.counters.lock().unwrap();
    let expected = [
        ("pool_calls_total{platform=drive,outcome=cancelled}", 1),
        ("pool_calls_total{platform=drive,outcome=rate_limited}", 1),
        (
            "pool_health_changes_total{platform=drive,state=draining}",
            1,
        ),
        ("sessions_total{platform=sftp,event=broken}", 1),
        ("sessions_total{platform=sftp,event=opened}", 1),
        ("sessions_total{platform=sftp,event=reused}", 1),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(*counters, BTreeMap::from(expected));
    let waits = collected.histograms.lock().unwrap();
    assert_eq!(waits["pool_wait_seconds{platform=drive}"].len(), 1);
}
