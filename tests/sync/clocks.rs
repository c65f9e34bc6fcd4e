//! Times that are coarse, missing, or go back.

use std::sync::Arc;
use std::time::Duration;

use garland::backends::Memory;
use garland::connector::FileFacts;
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::sync::ConflictStrategy;
use garland::{ErrorKind, Timestamp};

use crate::tools::{Call, Desk, Hooked, files, listed, plain};
use crate::world::START;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1_000)
}

/// A place like a folder, with times kept so finely.
fn folder(precision: Option<Duration>) -> MemoryPlatform {
    MemoryPlatform::new(MemoryOptions::bare(
        FileFacts::default().with_time_precision(precision),
    ))
}

#[tokio::test(start_paused = true)]
async fn coarse_or_missing_times_move_nothing_twice() {
    for precision in [Some(Duration::from_secs(2)), Some(HOUR), None] {
        let card = folder(Some(Duration::from_millis(1)));
        let drive = folder(precision);
        for number in 0..20 {
            let moment = Timestamp::from_millis(START + number * 777);
            card.put_at(&format!("{number}.jpg"), format!("file {number}"), moment)
                .unwrap();
        }
        drive.put("of the drive.jpg", "made there").unwrap();
        let mut desk = Desk::peers()
            .place("card", card.clone())
            .place("drive", drive.clone());
        let report = desk.settle().await;
        assert_eq!(report.done.copy, 21);
        desk.at_rest().await;
        assert_eq!(listed(&card), listed(&drive));

        // Without a memory of the last run, too: what times cannot tell is read, not sent.
        desk.database = Arc::new(Memory::new());
        let report = desk.settle().await;
        assert_eq!(
            (report.done.copy, report.done.rename),
            (0, 0),
            "{precision:?}: {report}"
        );
        assert_eq!(report.conflicts, []);
        let unclear = if precision.is_some() { 0 } else { 20 };
        assert_eq!(report.done.verify, unclear, "{precision:?}: {report}");
        desk.at_rest().await;

        // And an edit is still seen, from both sides.
        card.put_at("1.jpg", "FILE 1", at(7_200)).unwrap();
        drive.put_at("2.jpg", "FILE 2", at(7_200)).unwrap();
        let report = desk.settle().await;
        assert_eq!(report.done.copy, 2, "{precision:?}: {report}");
        assert_eq!(listed(&card), listed(&drive));
        assert_eq!(listed(&card)["1.jpg"], "FILE 1");
        assert_eq!(listed(&card)["2.jpg"], "FILE 2");
        desk.at_rest().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_that_rounds_its_times_anew_has_not_changed() {
    let card = folder(Some(Duration::from_millis(1)));
    let drive = folder(Some(Duration::from_secs(2)));
    card.put_at("a.jpg", "picture", Timestamp::from_millis(START + 1_999))
        .unwrap();
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone());
    desk.settle().await;
    // As a driver does that rounds down in memory and up on the disk.
    drive.put_at("a.jpg", "picture", at(2)).unwrap();
    desk.at_rest().await;
    // An hour, as by a change of the zone, is another time; the contents decide what it means.
    drive.put_at("a.jpg", "picture", at(3_600)).unwrap();
    let report = desk.settle().await;
    assert_eq!(report.conflicts, []);
    assert_eq!(listed(&card), files([("a.jpg", "picture")]));
    assert_eq!(listed(&drive), listed(&card));
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_between_runs_changes_nothing() {
    for back in [HOUR, DAY] {
        let account = || folder(Some(Duration::from_millis(1)));
        let (card, drive) = (account(), account());
        card.put_at("a", "first", at(0)).unwrap();
        card.put_at("b", "b", at(0)).unwrap();
        let desk = Desk::peers()
            .place("card", card.clone())
            .place("drive", drive.clone());
        desk.settle().await;
        desk.clock.set_back(back);
        desk.at_rest().await;
        // The camera's clock went back as well: an edit is an edit, whatever its time.
        card.put_at("a", "later", at(-i64::try_from(back.as_secs()).unwrap()))
            .unwrap();
        drive.remove("b").unwrap();
        let report = desk.settle().await;
        assert_eq!((report.done.copy, report.done.delete), (1, 1));
        assert_eq!(listed(&drive), files([("a", "later")]));
        assert_eq!(listed(&card), listed(&drive));
        desk.at_rest().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_within_a_run_changes_nothing() {
    for back in [HOUR, DAY] {
        let (card, drive) = (plain(), plain());
        for name in ["a", "b", "c"] {
            card.put_at(name, name, at(0)).unwrap();
        }
        let mut desk = Desk::peers();
        let clock = desk.clock.clone();
        let hooked = Hooked::new(card.clone()).before(move |call| {
            let clock = clock.clone();
            async move {
                if call == Call::Piece("b".into(), 0) {
                    clock.set_back(back);
                    // Long enough for the lease to be renewed by the new time.
                    tokio::time::sleep(Duration::from_secs(20)).await;
                }
            }
        });
        desk = desk.place("card", hooked).place("drive", drive.clone());
        let report = desk.settle().await;
        assert_eq!(report.done.copy, 3);
        assert_eq!(listed(&drive), listed(&card));
        desk.at_rest().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_run_holds_no_longer_than_its_lease_when_the_clock_is_set_back() {
    for back in [Duration::ZERO, HOUR, DAY] {
        let (card, drive) = (plain(), plain());
        card.put("a", "a").unwrap();
        let stuck = Hooked::new(card.clone()).before(|call| async move {
            if call == Call::Piece("a".into(), 0) {
                std::future::pending().await
            }
        });
        let dead = Desk::peers()
            .place("card", stuck)
            .place("drive", drive.clone());
        let run = tokio::time::timeout(Duration::from_secs(1), dead.run());
        assert!(run.await.is_err(), "the run dies here");
        let mut desk = dead.clone();
        desk.places[0].1 = Arc::new(card.clone());
        desk.clock.set_back(back);
        let error = desk.run().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        let wait = error.retry_after().unwrap();
        assert!(wait <= Duration::from_secs(30), "{back:?}: {wait:?}");
        tokio::time::sleep(wait + Duration::from_millis(1)).await;
        desk.settle().await;
        assert_eq!(listed(&drive), files([("a", "a")]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_living_run_keeps_its_lease_when_the_clock_is_set_back() {
    let (card, drive) = (plain(), plain());
    card.put("a", "a").unwrap();
    let slow = Hooked::new(card.clone()).before(|call| async move {
        if call == Call::Piece("a".into(), 0) {
            tokio::time::sleep(Duration::from_secs(50)).await;
        }
    });
    let desk = Desk::peers()
        .place("card", slow)
        .place("drive", drive.clone());
    let other = desk.clone();
    let first = tokio::spawn(async move { desk.settle().await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    other.clock.set_back(DAY);
    for _ in 0..9 {
        // Whoever comes meanwhile is told to wait, and does the living run no harm.
        assert_eq!(other.run().await.unwrap_err().kind(), ErrorKind::Locked);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let report = first.await.unwrap();
    assert_eq!((report.done.copy, report.failed.len()), (1, 0));
    other.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn newer_wins_by_the_times_of_the_files_alone() {
    let (card, drive) = (plain(), plain());
    card.put_at("a", "base", at(0)).unwrap();
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone())
        .options(|options| options.with_strategy(ConflictStrategy::NewerWins));
    desk.settle().await;
    // Written second, seen second, but made first.
    card.put_at("a", "made at five", at(300)).unwrap();
    drive.put_at("a", "made at four", at(240)).unwrap();
    desk.clock.set_back(DAY);
    desk.settle().await;
    assert_eq!(listed(&card), files([("a", "made at five")]));
    assert_eq!(listed(&drive), files([("a", "made at five")]));
    desk.at_rest().await;
}
