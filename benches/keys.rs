//! Figures of keys: rotating 10,000 files on SQLite, and reading their keys.
//!
//! `cargo bench --bench keys -- [FOLDER]`; the folder decides which disk is measured (the system's
//! temporary folder if none is named).
#![expect(clippy::print_stdout, reason = "figures are its product")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use garland::backends::Sqlite;
use garland::crypto::{Entropy, KeyFile, KeyName, KeyRing, Purpose, SystemEntropy};
use garland::storage::{Batch, Store};
use garland::{Clock, OrganizationId, SystemClock};

const FILES: usize = 10_000;
const ROUNDS: usize = 5;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let named = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let folder = named.map_or_else(std::env::temp_dir, PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(measure(&folder))
}

async fn measure(folder: &std::path::Path) -> Outcome<()> {
    let folder = tempfile::tempdir_in(folder)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
    let root = KeyFile::create(folder.path().join("studio.key"), Arc::clone(&entropy)).await?;
    let database = Sqlite::open(folder.path().join("bench.db")).await?;
    let store = Store::new(Arc::new(database.clone()), OrganizationId::default());
    let ring = KeyRing::new(store.clone(), Arc::new(root), Arc::clone(&clock), entropy);
    let names: Vec<KeyName> = (0..FILES)
        .map(|file| KeyName::new(format!("2026/06/15/IMG_{file:06}.CR3"), "1", Purpose::Body))
        .collect();
    let timed = |start: Duration| clock.elapsed().saturating_sub(start);

    let start = clock.elapsed();
    for names in names.chunks(Batch::MAX - 1) {
        let mut batch = Batch::new(clock.now());
        for name in names {
            ring.create(&mut batch, name).await?;
        }
        store.commit(batch).await?;
    }
    println!("{FILES} keys made in {:?}", timed(start));

    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = clock.elapsed();
        let report = ring.rotate().await?;
        assert_eq!((report.moved, report.failed), (FILES as u64, 0));
        times.push(timed(start));
    }
    times.sort_unstable();
    println!("{FILES} keys rotated in {times:?}");

    let start = clock.elapsed();
    let found = ring.keys(&names).await?;
    assert!(found.iter().all(Option::is_some));
    let read = timed(start);
    println!("{FILES} keys read in {read:?}");
    database.close().await;

    let median = times.get(ROUNDS / 2).copied().unwrap_or_default();
    println!("figure rotate_10k_keys_ms {}", median.as_millis());
    println!("figure read_10k_keys_ms {}", read.as_millis());
    Ok(())
}
