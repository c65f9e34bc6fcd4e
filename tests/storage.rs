//! Databases keep the promises of the seam.
#![cfg(feature = "testing")]

use std::sync::Arc;

use garland::backends::Memory;
use garland::storage::StorageBackend;
use garland::testing;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_keeps_every_promise() {
    testing::storage(async || Arc::new(Memory::new()) as Arc<dyn StorageBackend>).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_every_promise() {
    use garland::backends::{Sqlite, SqliteOptions};
    use std::sync::atomic::{AtomicU32, Ordering};

    let folder = tempfile::tempdir().unwrap();
    let number = AtomicU32::new(0);
    for shared in [false, true] {
        testing::storage(async || {
            let name = format!("{}.db", number.fetch_add(1, Ordering::Relaxed));
            let options = SqliteOptions::default().with_shared(shared);
            let opened = Sqlite::open_with(folder.path().join(name), options).await;
            Arc::new(opened.unwrap()) as Arc<dyn StorageBackend>
        })
        .await;
    }
}
