//! Large uploads that go on after a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use garland::backends::Memory;
use garland::connector::{ChunkRules, FileFacts};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::testing::{FaultKind, FaultRule, Faults, Operation};
use garland::transfer::TRANSFER_UPLOADS;

use crate::tools::{Call, Desk, Hooked, files, listed, plain, shaky};

fn video() -> String {
    (0..10)
        .map(|number| {
            format!("chunk {number}---")
                .chars()
                .take(10)
                .collect::<String>()
        })
        .collect()
}

/// A drive that takes chunks of ten bytes, reports no hash and believes what it gets.
fn drive() -> MemoryPlatform {
    let facts = FileFacts::default().with_chunks(ChunkRules::new(1, 1, 10, 10));
    MemoryPlatform::new(MemoryOptions::new(facts))
}

/// The drive, which dies with the process before the sixth chunk.
fn dying(drive: &MemoryPlatform, faults: &Faults) -> Hooked {
    let chunks = Arc::new(AtomicU64::new(0));
    Hooked::new(shaky("drive", drive, faults))
        .credulous()
        .before(move |call| {
            let is_chunk = matches!(call, Call::Write(_));
            let dies = is_chunk && chunks.fetch_add(1, Ordering::Relaxed) >= 5;
            async move {
                if dies {
                    std::future::pending().await
                }
            }
        })
}

/// A desk whose first run has died with half of a video sent, and the drive of the second.
async fn half_sent(
    card: &MemoryPlatform,
    drive: &MemoryPlatform,
    faults: &Faults,
) -> (Desk, Hooked) {
    card.put("video.mp4", video()).unwrap();
    let database = Memory::new();
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", dying(drive, faults))
        .database(database.clone())
        .transfer(|transfer| transfer.with_resume_from(20));
    let run = tokio::time::timeout(Duration::from_secs(1), desk.run());
    assert!(run.await.is_err(), "the process dies here");
    assert_eq!(listed(drive), files([]));
    assert_eq!(desk.records(&TRANSFER_UPLOADS).await.len(), 1);
    let restarted = Hooked::new(drive.clone()).credulous();
    let mut desk = desk.database(database.reopen());
    desk.places[1].1 = Arc::new(restarted.clone());
    (desk, restarted)
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_a_crash_is_not_sent_again() {
    let (card, drive) = (plain(), drive());
    let (desk, restarted) = half_sent(&card, &drive, &Faults::none()).await;
    desk.settle().await;
    assert_eq!(restarted.sent(), 50);
    assert_eq!(
        restarted
            .calls()
            .iter()
            .filter(|call| **call == Call::Resume)
            .count(),
        1
    );
    assert_eq!(listed(&drive), files([("video.mp4", &*video())]));
    assert_eq!(drive.unfinished_uploads(), 0);
    assert!(desk.records(&TRANSFER_UPLOADS).await.is_empty());
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_the_platform_has_forgotten_begins_again() {
    let (card, drive) = (plain(), drive());
    let (desk, restarted) = half_sent(&card, &drive, &Faults::none()).await;
    drive.expire_uploads();
    desk.settle().await;
    assert_eq!(restarted.sent(), 100);
    assert_eq!(listed(&drive), files([("video.mp4", &*video())]));
    assert!(desk.records(&TRANSFER_UPLOADS).await.is_empty());
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_resumed_upload_is_read_back_where_nobody_vouches_for_its_beginning() {
    let (card, drive) = (plain(), drive());
    let spoil = FaultRule::new(Operation::Write, FaultKind::CorruptWrite).nth(2);
    let faults = Faults::none().with_rule(spoil);
    let (desk, restarted) = half_sent(&card, &drive, &faults).await;
    assert_eq!(faults.injected().len(), 1);
    desk.settle().await;
    // Once for the rest, once more for the whole, because the beginning was wrong.
    assert_eq!(restarted.sent(), 150);
    assert_eq!(listed(&drive), files([("video.mp4", &*video())]));
    assert_eq!(listed(&card), listed(&drive));
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn the_beginning_of_another_version_is_never_joined_to_this_one() {
    let (card, drive) = (plain(), drive());
    let (desk, restarted) = half_sent(&card, &drive, &Faults::none()).await;
    let edited = video().to_uppercase();
    card.put("video.mp4", edited.clone()).unwrap();
    desk.settle().await;
    assert_eq!(restarted.sent(), 100);
    assert_eq!(listed(&drive), files([("video.mp4", &*edited)]));
    assert!(desk.records(&TRANSFER_UPLOADS).await.is_empty());
    assert_eq!(
        drive.unfinished_uploads(),
        0,
        "the old beginning would stay for ever"
    );
    desk.at_rest().await;
}
