//! What a round of a sync costs when a platform tells what changed: 10 changes in 100,000 files.
//!
//! `cargo bench --features testing --bench changes`. The drive tells its changes, the folder beside it is listed; the state is
//! a SQLite file. Requests are those that the drive got in the round.
#![expect(clippy::print_stdout, reason = "figures are its product")]
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::sync::Arc;
use std::time::Instant;

use garland::backends::Sqlite;
use garland::connector::{FileFacts, PlatformConnector};
use garland::permission::TrustedHost;
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::resilience::ResilienceOptions;
use garland::sync::ConflictStrategy;
use garland::testing::{Faults, FaultyConnector};
use garland::{Orchestrator, OrganizationId, Result};

/// Without optimization nothing is measured, only run once.
const FILES: usize = if cfg!(debug_assertions) { 300 } else { 100_000 };
const CHANGES: usize = 10;
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir().map_err(|cause| {
        garland::Error::new(garland::ErrorKind::Unavailable, "bench.folder", "no folder")
            .with_source(cause)
    })?;
    let (drive, card) = (account(true), account(false));
    for number in 0..FILES {
        let name = format!("wedding-{:03}/IMG_{number:06}.jpg", number % 500);
        let content = format!("picture {number}");
        drive.put(&name, content.clone())?;
        card.put(&name, content)?;
    }
    // It injects nothing, and counts the calls.
    let faults = Faults::none();
    let counted = FaultyConnector::new("drive", Arc::new(drive.clone()), faults.clone());
    let counted: Arc<dyn PlatformConnector> = Arc::new(counted);
    let studio = Orchestrator::builder()
        .storage(Sqlite::open(folder.path().join("state.db")).await?)
        .permissions(TrustedHost::new())
        .resilience(None::<ResilienceOptions>)
        .connector("card", card)
        .connector_of(&OrganizationId::default(), "drive", counted)
        .build()
        .await?;
    let sync = || {
        studio
            .sync("drive")
            .with("card")
            .on_conflict(ConflictStrategy::NewerWins)
    };
    let begun = Instant::now();
    sync().run().await?;
    println!(
        "first round, {FILES} files: {:.2} s",
        begun.elapsed().as_secs_f64()
    );
    sync().run().await?;
    let mut best = f64::MAX;
    let mut requests = 0;
    for round in 0..ROUNDS {
        for number in 0..CHANGES {
            drive.put(&format!("wedding-{number:03}/new-{round}.jpg"), "new")?;
        }
        let (before, begun) = (faults.steps(), Instant::now());
        let report = sync().run().await?;
        best = best.min(begun.elapsed().as_secs_f64());
        requests = requests.max(faults.steps() - before);
        assert_eq!(report.done.copy, CHANGES as u64, "{report}");
    }
    println!(
        "{CHANGES} changes in {FILES} files: {best:.3} s, {requests} calls of the drive at most, each piece that is read counted"
    );
    Ok(())
}

fn account(tells: bool) -> MemoryPlatform {
    let facts = FileFacts::default().with_lists_in_order(true);
    let options = MemoryOptions::new(facts).with_page_size(1_000);
    MemoryPlatform::new(options.with_change_feed(tells))
}
