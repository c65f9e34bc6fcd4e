//! Places whose platform tells what changed: a round costs what changed, and a feed that is late or wrong does no harm.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use garland::connector::{
    ChangeCursor, ChangeFeed, ChangePage, FileFacts, FileStore, Health, Platform,
    PlatformConnector,
};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::sync::{Listed, Relation, SYNC_SNAPSHOTS, SnapshotRecord, SyncReport};
use garland::testing::{Faults, FaultyStorage, Moment};
use garland::{Error, ErrorKind, Result};

use crate::tools::{Call, Desk, Hooked, files, listed, plain};

/// An account that counts its listings, and whose feed a test can hold back.
#[derive(Clone, Debug)]
struct Told {
    account: MemoryPlatform,
    files: Hooked,
    /// The feed tells nothing new.
    is_late: Arc<AtomicBool>,
    /// How many pages of the feed fail first.
    failures: Arc<AtomicU64>,
}

impl Told {
    fn new() -> Self {
        Self::of(plain())
    }

    fn of(account: MemoryPlatform) -> Self {
        Self {
            files: Hooked::new(account.clone()),
            account,
            is_late: Arc::default(),
            failures: Arc::default(),
        }
    }

    fn listings(&self) -> usize {
        let calls = self.files.calls().into_iter();
        calls.filter(|call| *call == Call::List).count()
    }

    fn is_late(&self, late: bool) {
        self.is_late.store(late, Ordering::Relaxed);
    }
}

#[async_trait]
impl PlatformConnector for Told {
    fn platform(&self) -> &'static Platform {
        self.account.platform()
    }

    async fn check(&self) -> Result<Health> {
        self.account.check().await
    }

    fn files(&self) -> Option<&dyn FileStore> {
        self.files.files()
    }

    fn changes(&self) -> Option<&dyn ChangeFeed> {
        Some(self)
    }
}

#[async_trait]
impl ChangeFeed for Told {
    async fn start(&self) -> Result<ChangeCursor> {
        ChangeFeed::start(&self.account).await
    }

    async fn changes(&self, cursor: &ChangeCursor) -> Result<ChangePage> {
        let failures = &self.failures;
        let left = failures.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        if left.is_ok() {
            return Err(Error::new(ErrorKind::Denied, "told.changes", "not today"));
        }
        if self.is_late.load(Ordering::Relaxed) {
            return Ok(ChangePage::new(Vec::new(), cursor.clone(), false));
        }
        ChangeFeed::changes(&self.account, cursor).await
    }
}

fn how(report: &SyncReport, place: &str) -> Listed {
    let mut replicas = report.replicas.iter();
    let replica = replicas.find(|replica| replica.name.as_str() == place);
    replica.unwrap().listed
}

fn told(report: &SyncReport, place: &str) -> (u64, u64) {
    match how(report, place) {
        Listed::Changes { told, asked, .. } => (told, asked),
        other => panic!("{other:?}"),
    }
}

/// A card of 50 files and a drive that tells, in agreement.
async fn settled(drive: &Told) -> (MemoryPlatform, Desk) {
    let card = MemoryPlatform::new(MemoryOptions::bare(FileFacts::default()));
    for number in 0..50 {
        card.put(&format!("day/{number:02}.jpg"), format!("picture {number}"))
            .unwrap();
    }
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone());
    let report = desk.settle().await;
    assert_eq!(how(&report, "drive"), Listed::Whole);
    assert_eq!(how(&report, "card"), Listed::Whole, "it tells nothing");
    (card, desk)
}

#[tokio::test(start_paused = true)]
async fn a_round_costs_what_changed() {
    let drive = Told::new();
    let (card, desk) = settled(&drive).await;
    let listings = drive.listings();
    let report = desk.settle().await;
    assert_eq!(told(&report, "drive"), (50, 0), "what the first run wrote");
    assert_eq!(told(&desk.settle().await, "drive"), (0, 0));

    drive.account.put("day/00.jpg", "retouched").unwrap();
    drive.account.put("night/a.jpg", "new").unwrap();
    drive.account.remove("day/01.jpg").unwrap();
    card.put("day/02.jpg", "retouched too").unwrap();
    let report = desk.settle().await;
    assert_eq!(told(&report, "drive"), (3, 1), "what is gone is asked about");
    assert_eq!(listed(&card), listed(&drive.account));
    assert!(card.get("day/01.jpg").is_none() && card.get("night/a.jpg").is_some());
    desk.at_rest().await;
    assert_eq!(drive.listings(), listings, "nothing was listed again");
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_is_late_deletes_nothing() {
    let drive = Told::new();
    let (card, desk) = settled(&drive).await;
    desk.settle().await;
    drive.is_late(true);
    card.put("new.jpg", "new").unwrap();
    card.put("day/00.jpg", "newer than the drive's").unwrap();
    desk.settle().await;
    // The feed has told neither of both, and remembers the drive as it was before.
    let report = desk.settle().await;
    assert_eq!(told(&report, "drive"), (0, 2));
    assert_eq!(report.done, garland::sync::Counts::default(), "{report}");
    assert!(card.get("new.jpg").is_some() && drive.account.get("new.jpg").is_some());
    drive.is_late(false);
    let report = desk.settle().await;
    assert_eq!(told(&report, "drive").1, 0);
    assert_eq!(listed(&card), listed(&drive.account));
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_is_very_late_is_not_believed() {
    let drive = Told::new();
    let (card, desk) = settled(&drive).await;
    drive.is_late(true);
    for number in 0..300 {
        card.put(&format!("late/{number}.jpg"), "x").unwrap();
    }
    desk.settle().await;
    let report = desk.settle().await;
    assert_eq!(how(&report, "drive"), Listed::WholeInDoubt);
    assert_eq!(report.done, garland::sync::Counts::default(), "{report}");
    assert_eq!(listed(&card), listed(&drive.account));
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_ran_out_is_followed_by_a_listing_and_said() {
    let drive = Told::new();
    let (card, desk) = settled(&drive).await;
    drive.account.put("day/00.jpg", "retouched").unwrap();
    drive.account.remove("day/03.jpg").unwrap();
    drive.account.expire_cursors();
    let report = desk.settle().await;
    assert_eq!(how(&report, "drive"), Listed::WholeAfterExpiry);
    assert!(report.to_string().contains("its feed of changes had run out"), "{report}");
    assert_eq!(listed(&card), listed(&drive.account));
    assert!(matches!(how(&desk.settle().await, "drive"), Listed::Changes { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_fails_is_an_incomplete_listing() {
    let drive = Told::new();
    let (card, desk) = settled(&drive).await;
    drive.account.remove("day/03.jpg").unwrap();
    drive.failures.store(1, Ordering::Relaxed);
    let report = desk.run().await.unwrap();
    let replica = report.replicas.iter().find(|r| r.name.as_str() == "drive").unwrap();
    assert_eq!(replica.incomplete.as_ref().unwrap().kind(), ErrorKind::Denied);
    assert!(card.get("day/03.jpg").is_some());
    desk.settle().await;
    assert!(card.get("day/03.jpg").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_place_is_listed_as_a_whole_now_and_then() {
    let drive = Told::new();
    let (_, desk) = settled(&drive).await;
    let desk = desk.options(|options| options.with_whole_listing_after(Duration::from_secs(3600)));
    assert!(matches!(how(&desk.settle().await, "drive"), Listed::Changes { .. }));
    // What is dated later than now is not believed to be young.
    desk.clock.set_back(Duration::from_secs(60));
    assert_eq!(how(&desk.settle().await, "drive"), Listed::Whole);
    let desk = desk.options(|options| options.with_whole_listing_after(Duration::ZERO));
    assert_eq!(how(&desk.settle().await, "drive"), Listed::Whole);
}

#[tokio::test(start_paused = true)]
async fn filters_of_two_syncs_share_one_memory_of_a_place() {
    #[derive(Debug)]
    struct Only(&'static str);
    impl garland::sync::PathFilter for Only {
        fn includes(&self, path: &str) -> bool {
            path.starts_with(self.0)
        }
    }
    let drive = Told::new();
    let (card, desk) = settled(&drive).await;
    desk.settle().await;
    let listings = drive.listings();
    drive.account.put("day/a.jpg", "a").unwrap();
    drive.account.put("night/b.jpg", "b").unwrap();
    let night = desk.clone().options(|options| options.with_filter(Only("night/")));
    let report = night.settle().await;
    assert_eq!(told(&report, "drive").0, 2);
    assert!(card.get("night/b.jpg").is_some() && card.get("day/a.jpg").is_none());
    let report = desk.settle().await;
    assert_eq!(listed(&card), listed(&drive.account), "{report}");
    assert_eq!(drive.listings(), listings);
}

#[tokio::test(start_paused = true)]
async fn a_plan_remembers_nothing() {
    let drive = Told::new();
    drive.account.put("a.jpg", "a").unwrap();
    let desk = Desk::peers().place("card", plain()).place("drive", drive);
    desk.request().await.plan().await.unwrap();
    let kept = desk.records::<SnapshotRecord>(&SYNC_SNAPSHOTS).await;
    assert!(kept.is_empty(), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn a_mirror_of_a_place_that_tells_loses_nothing_to_a_late_feed() {
    let source = Told::new();
    source.account.put("a.jpg", "a").unwrap();
    let (one, two) = (plain(), plain());
    let desk = Desk::new(Relation::Mirror)
        .place("source", source.clone())
        .place("one", one.clone())
        .place("two", two.clone());
    desk.settle().await;
    source.account.put("b.jpg", "b").unwrap();
    desk.settle().await;
    source.is_late(true);
    source.account.put("c.jpg", "c").unwrap();
    desk.settle().await;
    assert_eq!(listed(&one), files([("a.jpg", "a"), ("b.jpg", "b")]));
    source.is_late(false);
    desk.settle().await;
    assert_eq!((listed(&one), listed(&two)), (listed(&source.account), listed(&source.account)));
}

/// Whatever the database does while a snapshot is kept, the places end equal, and what is read back is what was there.
#[tokio::test(start_paused = true)]
async fn a_snapshot_that_was_cut_off_is_not_believed() {
    for step in 0..12 {
        let drive = Told::new();
        let (card, desk) = settled(&drive).await;
        for number in 0..40 {
            drive.account.put(&format!("new/{number}.jpg"), "new").unwrap();
        }
        drive.account.remove("day/03.jpg").unwrap();
        let good = Arc::clone(&desk.database);
        let faults = Faults::crash_at(step, Moment::After);
        let broken = desk.clone().database(FaultyStorage::new(Arc::clone(&good), faults));
        let outcome = broken.run().await;
        // Until the dead run's lease is over.
        tokio::time::sleep(Duration::from_secs(600)).await;
        let desk = Desk { database: good, ..desk };
        desk.settle().await;
        assert_eq!(listed(&card), listed(&drive.account), "step {step}: {outcome:?}");
        assert!(card.get("day/03.jpg").is_none());
        desk.at_rest().await;
    }
}
