//! A small sync in which something happens: a copy, a conflict, a call that is tried again.

use std::sync::Arc;
use std::time::Duration;

use garland::backends::Memory;
use garland::platforms::MemoryPlatform;
use garland::storage::StorageBackend;
use garland::sync::{ConflictStrategy, SyncOptions, SyncReport};
use garland::telemetry::MetricsSnapshot;
use garland::testing::{FaultKind, FaultRule, Faults, FaultyConnector, Operation, PausedClock};
use garland::transfer::{RetryPolicy, TransferOptions};
use garland::{Chance, ErrorKind, Orchestrator, Timestamp};

/// A password that must not come up anywhere.
pub(crate) const CONTENT: &str = "correct horse battery staple";

/// Syncs two accounts over `storage`, on this thread, and returns what was counted besides. A database with threads of its
/// own needs time that passes.
pub(crate) fn sync_over(
    storage: impl StorageBackend,
    paused: bool,
) -> (SyncReport, MetricsSnapshot) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(paused)
        .build()
        .unwrap();
    runtime.block_on(async {
        let [card, archive] = [(); 2].map(|()| MemoryPlatform::default());
        card.put("day/IMG_1.jpg", CONTENT).unwrap();
        card.put_at("both.txt", "one", Timestamp::from_millis(1_000))
            .unwrap();
        archive
            .put_at("both.txt", "other", Timestamp::from_millis(900_000))
            .unwrap();
        let busy = FaultKind::Error(ErrorKind::Unavailable);
        let faults = Faults::none().with_rule(FaultRule::new(Operation::Upload, busy));
        let archive = FaultyConnector::new("archive", Arc::new(archive), faults);
        let retry = RetryPolicy::default().with_base(Duration::from_millis(10));
        let options = SyncOptions::default()
            .with_strategy(ConflictStrategy::NewerWins)
            .with_transfer(TransferOptions::default().with_retry(retry));
        let builder = Orchestrator::builder();
        #[cfg(feature = "metrics")]
        let builder = builder.metrics(garland::telemetry::Facade::new());
        let studio = builder
            .storage(storage)
            .connector("card", card)
            .connector("archive", archive)
            .clock(PausedClock::starting(Timestamp::from_millis(1_000_000)))
            .chance(Chance::seeded(1))
            .build()
            .await
            .unwrap();
        let request = studio.sync("card").with("archive").options(options);
        request.plan().await.unwrap();
        let report = request.run().await.unwrap();
        assert!(report.is_complete(), "{report}");
        (report, studio.metrics())
    })
}

/// The same over a database in memory.
pub(crate) fn sync() -> (SyncReport, MetricsSnapshot) {
    sync_over(Memory::new(), true)
}
