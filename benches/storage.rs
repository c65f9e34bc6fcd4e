//! Figures of the SQLite database: durable commits a second, and reading by pages.
//!
//! `cargo bench --bench storage -- [FOLDER …]`; the folder decides which disk is measured
//! (the system's temporary folder if none is named).
#![expect(clippy::print_stdout, reason = "figures are its product")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use garland::backends::Sqlite;
use garland::storage::{Batch, Collection, Query, RecordId, Store};
use garland::{Chance, Clock, Ids, OrganizationId, RunId, SystemClock, Timestamp};
use tokio::task::JoinSet;

const THINGS: Collection<String> = Collection::new("things");
const COMMITS: usize = 60_000;
const RECORDS: usize = 100_000;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let named = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'));
    let mut folders: Vec<PathBuf> = named.map(PathBuf::from).collect();
    if folders.is_empty() {
        folders.push(std::env::temp_dir());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    for folder in folders {
        println!("in {}", folder.display());
        runtime.block_on(measure(&folder))?;
    }
    Ok(())
}

async fn measure(folder: &Path) -> Outcome<()> {
    let mut slowest = f64::MAX;
    for (tasks, journalled) in [
        (1, false),
        (64, false),
        (256, false),
        (64, true),
        (256, true),
    ] {
        let rate = writes(folder, tasks, journalled).await?;
        let what = if journalled {
            "record and event"
        } else {
            "record"
        };
        println!("  {tasks:>3} tasks, one {what} a commit: {rate:.0} commits a second");
        if tasks > 1 && !journalled {
            slowest = slowest.min(rate);
        }
    }
    let wide = reads(folder, Query::MAX_LIMIT).await?;
    let narrow = reads(folder, 1_000).await?;
    println!("  {RECORDS} records by pages of 10,000: {wide:?}, of 1,000: {narrow:?}");
    println!("figure sqlite_writes_per_second {slowest:.0}");
    println!("figure sqlite_read_100k_records_ms {}", narrow.as_millis());
    Ok(())
}

/// Commits of one record of about 150 bytes each, by many tasks; durable commits a second.
async fn writes(folder: &Path, tasks: usize, journalled: bool) -> Outcome<f64> {
    let folder = tempfile::tempdir_in(folder)?;
    let database = Sqlite::open(folder.path().join("bench.db")).await?;
    let store = Store::new(Arc::new(database.clone()), OrganizationId::default());
    let clock = SystemClock::new();
    let ids = Ids::new(Arc::new(clock), Chance::seeded(7));
    let each = if tasks == 1 { 500 } else { COMMITS / tasks };
    let start = clock.elapsed();
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let (store, ids) = (store.clone(), ids.clone());
        running.spawn(async move {
            for number in 0..each {
                let id = RunId::generate(&ids).to_string();
                let mut batch = Batch::new(Timestamp::from_millis(0));
                batch.put(&THINGS, RecordId::parse(id)?, &value(number))?;
                if journalled {
                    batch.append(garland::storage::JournalName::main(), "thing.made")?;
                }
                store.commit(batch).await?;
            }
            Ok(())
        });
    }
    while let Some(done) = running.join_next().await {
        let done: Outcome<()> = done?;
        done?;
    }
    let took = clock.elapsed() - start;
    database.close().await;
    Ok((each * tasks) as f64 / took.as_secs_f64())
}

/// Reads every record by pages; the best of five.
async fn reads(folder: &Path, limit: usize) -> Outcome<Duration> {
    let folder = tempfile::tempdir_in(folder)?;
    let database = Sqlite::open(folder.path().join("bench.db")).await?;
    let store = Store::new(Arc::new(database), OrganizationId::default());
    for first in (0..RECORDS).step_by(Batch::MAX) {
        let mut batch = Batch::new(Timestamp::from_millis(0));
        for number in first..first + Batch::MAX {
            let id = format!("2026/06/15/wedding/IMG_{number:06}.CR3");
            batch.put(&THINGS, RecordId::parse(id)?, &value(number))?;
        }
        store.commit(batch).await?;
    }
    let clock = SystemClock::new();
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = clock.elapsed();
        let (mut query, mut found) = (Query::all(THINGS.name().clone()).with_limit(limit), 0);
        loop {
            let page = store.query(&query).await?;
            found += page.records.len();
            match page.next {
                Some(next) => query = query.with_after(next),
                None => break,
            }
        }
        assert_eq!(found, RECORDS);
        best = best.min(clock.elapsed() - start);
    }
    Ok(best)
}

fn value(number: usize) -> String {
    format!("{number:0>146}")
}
