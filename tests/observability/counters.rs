//! Counters and durations, as a host reads them.

use std::sync::Arc;

use garland::resilience::AccountName;
use garland::resilience::pool::{
    Outcome, PlatformPool, PoolOptions, Priority, SessionFactory, SessionOptions, SessionPool,
};
use garland::telemetry::Registry;
use garland::{Chance, SystemClock};

use crate::world::{CONTENT, sections, sync, sync_over};

#[test]
fn a_small_sync_is_counted_under_the_documented_names() {
    let (report, counted) = sync();
    let count = |name: &str, labels| counted.counter(&format!("garland_{name}"), labels);
    let written = (CONTENT.len() + "other".len()) as u64;
    assert_eq!(count("transfer_bytes_total", &[]), written, "{counted}");
    assert_eq!(
        count("transfer_files_total", &[("outcome", "delivered")]),
        report.done.copy
    );
    assert_eq!(
        count("retries_total", &[("operation", "transfer.upload")]),
        1,
        "{counted}"
    );
    assert_eq!(count("sync_runs_total", &[("outcome", "complete")]), 1);
    assert_eq!(count("sync_actions_total", &[("action", "copy")]), 2);
    assert_eq!(
        count("sync_actions_total", &[("action", "recover")]),
        report.done.recover
    );
    assert_eq!(
        count("sync_conflicts_total", &[("kind", "create_create")]),
        1,
        "{counted}"
    );
    let commits = count("storage_commits_total", &[("outcome", "committed")]);
    assert!(commits > 3);
    let many = |name: &str, outcome| {
        let found = counted.histogram(&format!("garland_{name}"), &[("outcome", outcome)]);
        found.map_or(0, garland::telemetry::Histogram::count)
    };
    assert_eq!(many("sync_seconds", "complete"), 1, "{counted}");
    assert_eq!(many("transfer_seconds", "delivered"), report.done.copy);
    assert_eq!(many("storage_commit_seconds", "committed"), commits);
    // No label is made of what a person wrote.
    let text = counted.to_string();
    assert!(
        !text.contains("day/") && !text.contains("archive"),
        "{text}"
    );
}

#[test]
fn what_is_done_with_sections_is_counted_under_the_documented_names() {
    let counted = sections();
    for (operation, outcome, times) in [
        ("team.write", "done", 1),
        ("team.read", "done", 1),
        ("section.create", "done", 1),
        ("section.patch", "done", 1),
        ("section.patch", "conflict", 1),
        ("section.read", "denied", 1),
        ("section.read", "not_found", 1),
        ("section.queue", "done", 1),
        ("section.mark", "done", 1),
        ("partner.put", "done", 1),
    ] {
        let labels = [("operation", operation), ("outcome", outcome)];
        let found = counted.counter("garland_sections_calls_total", &labels);
        assert_eq!(found, times, "{operation} {outcome}: {counted}");
    }
    let flushes = |queue| {
        let labels = [("queue", queue), ("outcome", "done")];
        counted.counter("garland_sections_flushes_total", &labels)
    };
    assert_eq!(flushes("changes"), 1);
    let marks = flushes("marks");
    assert!(marks > 0, "{counted}");
    // Each flush of marks is of one member, and so is the bulk work.
    let stored = counted.counter("garland_sections_results_total", &[]);
    assert_eq!(stored, marks + 1, "{counted}");
    let tries = |outcome| {
        let labels = [("outcome", outcome)];
        counted.counter("garland_sections_partner_tries_total", &labels)
    };
    assert_eq!(tries("retry"), 1);
    assert_eq!(tries("delivered"), marks + 1, "{counted}");
    let lag = counted.histogram("garland_journal_lag_seconds", &[("reader", "permissions")]);
    let lag = lag.map_or(0, garland::telemetry::Histogram::count);
    assert!(lag > 0, "{counted}");
    let text = counted.to_string();
    assert!(!text.contains("ann") && !text.contains("crm"), "{text}");
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
    let (_, counted) = sync_over(database, false);
    let labels = [("outcome", "committed")];
    let times = counted
        .histogram("garland_storage_commit_seconds", &labels)
        .unwrap();
    let commits = counted.counter("garland_storage_commits_total", &labels);
    assert_eq!(times.count(), commits);
    assert!(commits > 3);
}

#[test]
fn two_orchestrators_count_apart() {
    let (_, one) = sync();
    let (_, other) = sync();
    let name = "garland_sync_runs_total";
    assert_eq!((one.total(name), other.total(name)), (1, 1));
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

async fn use_pools(counted: &Arc<Registry>) {
    let clock = Arc::new(SystemClock::new());
    let account = |platform| AccountName::new(platform, "studio-7/clients");
    let options = PoolOptions::default()
        .with_max(1)
        .with_metrics(Arc::<Registry>::clone(counted));
    let pool = PlatformPool::new(account("drive"), options, Arc::<SystemClock>::clone(&clock));
    let first = pool.acquire(Priority::NORMAL).await.unwrap();
    let (second, ()) = tokio::join!(pool.acquire(Priority::NORMAL), async {
        first.done(Outcome::RateLimited);
    });
    drop(second);
    pool.drain().await;

    let options = SessionOptions::default().with_metrics(Arc::<Registry>::clone(counted));
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
    let registry = Arc::new(Registry::new());
    runtime.block_on(use_pools(&registry));
    let counted = registry.snapshot();
    let mut lines: Vec<_> = counted.counters.iter().map(ToString::to_string).collect();
    lines.sort();
    let expected = [
        "garland_pool_calls_total{platform=drive,outcome=cancelled} 1",
        "garland_pool_calls_total{platform=drive,outcome=rate_limited} 1",
        "garland_pool_health_changes_total{platform=drive,state=draining} 1",
        "garland_sessions_total{platform=sftp,event=broken} 1",
        "garland_sessions_total{platform=sftp,event=opened} 1",
        "garland_sessions_total{platform=sftp,event=reused} 1",
    ];
    assert_eq!(lines, expected);
    let waits = counted.histogram("garland_pool_wait_seconds", &[("platform", "drive")]);
    assert_eq!(waits.map(garland::telemetry::Histogram::count), Some(1));
}
