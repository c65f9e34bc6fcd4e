//! How a transfer flows: what it gets of its link, what it leaves to others, and what it counts.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use garland::ErrorKind;
use garland::bandwidth::{Bandwidth, Rate};
use garland::connector::{FileFacts, HashAlgorithm};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::resilience::ResilienceOptions;
use garland::sync::{Relation, SyncOptions};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyConnector, Operation};
use garland::transfer::{TransferOptions, Verify};
use garland::{Orchestrator, OrchestratorBuilder};
use tokio::time::Instant;

use crate::account::{Drive, card, clock, film, over};
use crate::wire::{Wire, parts};

const PART: u64 = 256 << 10;

fn link(upload: impl Into<Option<Rate>>, download: impl Into<Option<Rate>>) -> Bandwidth {
    let link = Bandwidth::builder().clock(Arc::new(clock()));
    let (upload, download) = (upload.into(), download.into());
    let link = upload
        .into_iter()
        .fold(link, |link, rate| link.upload(rate));
    let link = download
        .into_iter()
        .fold(link, |link, rate| link.download(rate));
    link.build().unwrap()
}

/// A studio whose accounts are bare, so that only the transfer itself waits and tries again.
async fn bare(studio: OrchestratorBuilder) -> Orchestrator {
    let studio = studio.resilience(None::<ResilienceOptions>);
    studio.build().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_upload_has_its_whole_rate_on_a_wire_that_is_no_faster() {
    // A part takes a second: far more than what the link lets anybody catch up with.
    const BYTES: u32 = 16 << 20;
    const RATE: f64 = 262_144.0;
    let account = parts(PART);
    let studio = over(link(Rate::bytes(PART), None))
        .connector("card", card(BYTES as usize))
        .connector("drive", Wire::to(&account).carrying(RATE));
    let studio = bare(studio).await;
    let begun = Instant::now();
    let moved = film(&studio, "card", "drive", TransferOptions::default()).await;
    moved.unwrap().destinations.remove(0).unwrap();
    let used = f64::from(BYTES) / begun.elapsed().as_secs_f64() / RATE;
    assert!((0.95..=1.0).contains(&used), "{used}");
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_again_is_paid_again_and_nothing_beyond_the_file_is() {
    let account = parts(PART);
    let studio = over(link(Rate::megabytes(1), None))
        .connector("card", card(1_000_000))
        .connector("drive", Wire::to(&account).busy_for(Duration::from_secs(1)));
    let studio = bare(studio).await;
    let mut events = studio.bandwidth().subscribe();
    let moved = film(&studio, "card", "drive", TransferOptions::default()).await;
    moved.unwrap().destinations.remove(0).unwrap();
    let mut taken = 0;
    while let Some(Some(event)) = events.next().now_or_never() {
        if let garland::bandwidth::BandwidthEvent::Left { bytes, .. } = event {
            taken += bytes;
        }
    }
    assert_eq!(taken, 1_000_000 + PART);
}

#[tokio::test(start_paused = true)]
async fn a_slow_read_back_goes_on_where_the_server_has_closed_it() {
    let account = parts(PART);
    let wire = Wire::to(&account).closing_after(Duration::from_secs(20));
    // Each read brings a tenth of the file, and there are five tries.
    let studio = over(link(None, Rate::bytes(10_000)))
        .connector("card", card(2_000_000))
        .connector("drive", wire);
    let studio = bare(studio).await;
    let options = TransferOptions::default().with_verify(Verify::ReadBack);
    let begun = Instant::now();
    let moved = film(&studio, "card", "drive", options).await.unwrap();
    assert!(moved.destinations.iter().all(Result::is_ok), "{moved:?}");
    assert_eq!(account.get("film.mov").unwrap().len(), 2_000_000);
    let took = begun.elapsed().as_secs_f64();
    assert!((195.0..230.0).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_may_not_read_ends_with_its_last_destination() {
    let refuse = FaultRule::new(Operation::Upload, FaultKind::Error(ErrorKind::Denied)).always();
    let faults = Faults::none().with_rule(refuse);
    let closed = FaultyConnector::new("disk", Arc::new(MemoryPlatform::default()), faults);
    let studio = over(link(None, Rate::ZERO))
        .connector("drive", Drive(Arc::new(card(2_000_000))))
        .connector("disk", closed);
    let studio = bare(studio).await;
    let moving = film(&studio, "drive", "disk", TransferOptions::default());
    let moved = tokio::time::timeout(Duration::from_secs(60), moving).await;
    let error = moved.unwrap().unwrap().destinations.remove(0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_platform_holds_nothing_of_the_link() {
    let minute = Duration::from_secs(60);
    for wire in [
        Wire::to(&parts(PART)).finishing_in(minute),
        Wire::to(&parts(PART)).busy_for(minute),
    ] {
        let studio = over(link(Rate::megabytes(8), None))
            .connector("card", card(1_000_000))
            .connector("drive", wire);
        let studio = bare(studio).await;
        let during = async {
            tokio::time::sleep(minute / 2).await;
            studio.bandwidth().snapshot().upload.organizations.len()
        };
        let begun = Instant::now();
        let moving = film(&studio, "card", "drive", TransferOptions::default());
        let (moved, on_link) = tokio::join!(moving, during);
        moved.unwrap().destinations.remove(0).unwrap();
        assert!(begun.elapsed() >= minute);
        assert_eq!(on_link, 0);
    }
}

/// Accounts of one kind, whose pieces are a quarter of the least memory there may be.
fn hashing() -> MemoryPlatform {
    let facts = FileFacts::default().with_hashes(&[HashAlgorithm::Sha256]);
    MemoryPlatform::new(MemoryOptions::new(facts).with_piece_size(256 << 10))
}

#[tokio::test(start_paused = true)]
async fn a_file_that_may_not_leave_does_not_hold_up_another() {
    let (card, drive, disk) = (hashing(), hashing(), hashing());
    // Only the films are missing on the drive, which nothing reaches, and only the photo on the disk.
    for number in 0..3 {
        let film = vec![number; 12 << 20];
        card.put(&format!("film {number}.mov"), film.clone())
            .unwrap();
        disk.put(&format!("film {number}.mov"), film).unwrap();
    }
    card.put("photo.jpg", vec![1; 3 << 20]).unwrap();
    drive.put("photo.jpg", vec![1; 3 << 20]).unwrap();
    let studio = over(link(Rate::ZERO, None))
        .connector("card", card)
        .connector("drive", Drive(Arc::new(drive)))
        .connector("disk", disk.clone());
    let studio = bare(studio).await;
    let transfer = TransferOptions::default().with_memory(1 << 20);
    let sync = studio
        .sync("card")
        .with("drive")
        .with("disk")
        .relation(Relation::Peers)
        .options(SyncOptions::default().with_transfer(transfer));
    let waited = tokio::time::timeout(Duration::from_secs(600), sync.run()).await;
    assert!(waited.is_err(), "the films may not leave");
    assert_eq!(
        disk.get("photo.jpg").map(|photo| photo.len()),
        Some(3 << 20)
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_there_before_a_restart_is_not_counted_as_sent() {
    let account = parts(PART);
    let studio = over(link(Rate::megabytes(1), None))
        .connector("card", card(2_000_000))
        .connector("drive", Wire::to(&account));
    let studio = bare(studio).await;
    let options = || TransferOptions::default().with_resume_from(1);
    let sent = || studio.metrics().total("garland_transfer_bytes_total");
    let half = film(&studio, "card", "drive", options());
    let half = tokio::time::timeout(Duration::from_secs(1), half).await;
    assert!(half.is_err(), "it is cut off");
    assert!((PART..2_000_000 - PART).contains(&sent()), "{}", sent());
    let moved = film(&studio, "card", "drive", options()).await.unwrap();
    assert!(moved.destinations.iter().all(Result::is_ok), "{moved:?}");
    assert_eq!(sent(), 2_000_000);
}
