//! Calls that never answer, runs that are cancelled, and runs that are dropped.

use std::sync::Arc;
use std::time::Duration;

use garland::ErrorKind;
use garland::connector::FileFacts;
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::sync::{ConflictStrategy, SYNC_RECOVERED};
use garland::testing::{FaultKind, FaultRule, Faults, Moment, Operation};

use crate::tools::{Call, Desk, Hooked, files, listed, plain, shaky};

const FILE_CALLS: [Operation; 9] = [
    Operation::ListPage,
    Operation::Stat,
    Operation::Read,
    Operation::ReadPiece,
    Operation::Upload,
    Operation::Write,
    Operation::Finish,
    Operation::Rename,
    Operation::Delete,
];

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_given_up_and_made_again() {
    for resumable in [true, false] {
        for operation in FILE_CALLS {
            for moment in [Moment::Before, Moment::After] {
                let hang = FaultKind::Hang(moment);
                if !hang.befalls(operation) {
                    continue;
                }
                let when = format!("{operation:?} {moment:?}, resumable: {resumable}");
                let facts = FileFacts::default();
                let account = || {
                    let options = MemoryOptions::new(facts.clone()).with_resumable(resumable);
                    // A place that tells what changed is not listed again.
                    MemoryPlatform::new(options.with_change_feed(false))
                };
                let (card, drive) = (account(), account());
                for name in ["deleted", "edited", "both"] {
                    card.put(name, name).unwrap();
                }
                let faults = Faults::none();
                let desk = Desk::peers()
                    .place("card", shaky("card", &card, &faults))
                    .place("drive", shaky("drive", &drive, &faults))
                    .options(|options| options.with_strategy(ConflictStrategy::NewerWins))
                    .transfer(|transfer| transfer.with_stall(Duration::from_secs(5)));
                desk.settle().await;
                card.remove("deleted").unwrap();
                card.put("edited", "edited again").unwrap();
                card.put_at("both", "by the card", desk_time(60)).unwrap();
                drive
                    .put_at("both", "by the drive", desk_time(120))
                    .unwrap();
                card.put("new", "new").unwrap();
                if operation == Operation::Stat {
                    // Somebody only looks where an answer was lost.
                    let lost = FaultKind::LostAnswer(ErrorKind::Unavailable);
                    faults.add_rule(FaultRule::new(Operation::Finish, lost));
                }
                faults.add_rule(FaultRule::new(operation, hang));
                let report = desk.settle().await;
                let hung = faults.injected();
                assert!(
                    hung.iter().any(|f| f.kind == Some(hang)),
                    "{when}: {report}"
                );
                let all = files([
                    ("both", "by the drive"),
                    ("edited", "edited again"),
                    ("new", "new"),
                ]);
                assert_eq!(report.rounds, 1, "{when}: nothing is done twice");
                let kept_aside = desk.records(&SYNC_RECOVERED).await;
                assert_eq!(kept_aside.len(), 1, "{when}");
                assert_eq!(listed(&card), all, "{when}");
                assert_eq!(listed(&drive), all, "{when}");
                let kept = card.contents().into_values();
                assert_eq!(
                    kept.filter(|content| content == "by the card").count(),
                    1,
                    "{when}"
                );
                desk.at_rest().await;
            }
        }
    }
}

fn desk_time(seconds: i64) -> garland::Timestamp {
    garland::Timestamp::from_millis(crate::world::START + seconds * 1_000)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_for_ever_fails_its_file_and_no_other() {
    let (card, drive) = (plain(), plain());
    for name in ["a", "b"] {
        card.put(name, name).unwrap();
    }
    let hang = FaultRule::new(Operation::ReadPiece, FaultKind::Hang(Moment::Before));
    let faults = Faults::none().with_rule(hang.on("a").always());
    let desk = Desk::peers()
        .place("card", shaky("card", &card, &faults))
        .place("drive", drive.clone());
    let report = desk.run().await.unwrap();
    let failed: Vec<_> = report
        .failed
        .iter()
        .map(|f| (f.path.as_str(), f.error.kind()))
        .collect();
    assert_eq!(failed, [("a", ErrorKind::Timeout)]);
    assert_eq!(listed(&drive), files([("b", "b")]));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_never_says_that_it_holds_its_files_is_not_remembered_as_if_it_did() {
    for kind in [
        FaultKind::Hang(Moment::Before),
        FaultKind::Error(ErrorKind::Unavailable),
    ] {
        let (card, drive) = (plain(), plain());
        for name in ["a", "b"] {
            card.put_at(name, name, desk_time(0)).unwrap();
        }
        let faults = Faults::none().with_rule(FaultRule::new(Operation::Persist, kind));
        let desk = Desk::peers()
            .place("card", card.clone())
            .place("drive", shaky("drive", &drive, &faults));
        let report = desk.run().await.unwrap();
        assert!(!report.is_complete(), "{report}");
        let not_safe = report.replicas[1].not_safe.as_ref().unwrap();
        assert!(not_safe.is_retryable(), "{not_safe}");
        assert!(report.replicas[0].not_safe.is_none());
        assert_eq!(listed(&drive), listed(&card));
        assert_eq!(desk.agreed().await, [""; 0]);
        // Were the power lost now, what is missing would be sent again, and not be deleted.
        drive.remove("a").unwrap();
        let report = desk.settle().await;
        assert_eq!((report.done.copy, report.done.delete), (1, 0), "{report}");
        assert_eq!(listed(&drive), files([("a", "a"), ("b", "b")]));
        assert_eq!(desk.agreed().await, ["a", "b"]);
        desk.at_rest().await;
    }
}

/// A card with two quick files and one whose bytes never come.
fn stuck() -> (MemoryPlatform, Hooked) {
    let card = plain();
    for name in ["a", "b", "c"] {
        card.put(name, name).unwrap();
    }
    let hooked = Hooked::new(card.clone()).before(|call| async move {
        if call == Call::Piece("b".into(), 0) {
            std::future::pending().await
        }
    });
    (card, hooked)
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_ends_in_order_and_keeps_what_it_has_done() {
    let (card, hooked) = stuck();
    let drive = plain();
    let desk = Desk::peers()
        .place("card", hooked)
        .place("drive", drive.clone());
    let run = desk.request().await.start(None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    while drive.get("c").is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    run.cancel();
    let error = run.report().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(listed(&drive), files([("a", "a"), ("c", "c")]));
    assert_eq!(
        desk.agreed().await,
        ["a", "c"],
        "what was done is written down"
    );
    assert_eq!(drive.unfinished_uploads(), 0);
    // The lease is given back, so nobody has to wait.
    let mut again = desk.clone();
    again.places[0].1 = Arc::new(card.clone());
    let report = again.settle().await;
    assert_eq!((report.done.copy, report.done.agree), (1, 0), "{report}");
    assert_eq!(listed(&drive), listed(&card));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_started_run_cancels_it_in_order() {
    let (card, hooked) = stuck();
    let drive = plain();
    let desk = Desk::peers()
        .place("card", hooked)
        .place("drive", drive.clone());
    let run = desk.request().await.start(None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(run);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut again = desk.clone();
    again.places[0].1 = Arc::new(card.clone());
    again.settle().await;
    assert_eq!(listed(&drive), listed(&card));
}

#[tokio::test(start_paused = true)]
async fn no_more_files_move_at_once_than_memory_is_there_for() {
    for (memory, most) in [(1 << 20, 8), (2 << 20, 16), (24 << 20, 20)] {
        let card = plain();
        for n in 0..30 {
            card.put(&n.to_string(), "a").unwrap();
        }
        let hooked = Hooked::new(card).before(|call| async move {
            if let Call::Piece(..) = call {
                std::future::pending().await
            }
        });
        let desk = Desk::peers()
            .place("card", hooked.clone())
            .place("drive", plain())
            .transfer(|transfer| transfer.with_memory(memory).with_concurrency(20));
        let run = desk.request().await.start(None).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let calls = hooked.calls().into_iter();
        let moving = calls.filter(|call| matches!(call, Call::Piece(..))).count();
        assert_eq!(moving, most, "{memory}");
        run.cancel();
        assert_eq!(run.report().await.unwrap_err().kind(), ErrorKind::Cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_cancelled_while_it_lists_does_nothing() {
    let (card, drive) = (plain(), plain());
    card.put("a", "a").unwrap();
    let slow = Hooked::new(card.clone()).before(|call| async move {
        if call == Call::List {
            std::future::pending().await
        }
    });
    let desk = Desk::peers()
        .place("card", slow)
        .place("drive", drive.clone());
    let run = desk.request().await.start(None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    run.cancel();
    assert_eq!(run.report().await.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(listed(&drive), files([]));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_run_leaves_whole_files_and_the_next_goes_on() {
    // Dropped after every so many calls to the places.
    for drop_at in 1..40 {
        let (card, drive) = (plain(), plain());
        for name in ["a", "b", "c", "d"] {
            card.put(name, name.repeat(20)).unwrap();
        }
        let count = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let wrap = |account: &MemoryPlatform| {
            let count = Arc::clone(&count);
            Hooked::new(account.clone()).before(move |_| {
                let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                async move {
                    if number >= drop_at {
                        std::future::pending().await
                    }
                }
            })
        };
        let desk = Desk::peers()
            .place("card", wrap(&card))
            .place("drive", wrap(&drive))
            .transfer(|transfer| transfer.with_resume_from(10));
        // The run hangs at that call; then its future is dropped.
        drop(tokio::time::timeout(Duration::from_secs(10), desk.run()).await);
        for (name, content) in listed(&drive) {
            assert_eq!(content, name.repeat(20), "drop at {drop_at}");
        }
        let mut again = desk.clone();
        again.places[0].1 = Arc::new(card.clone());
        again.places[1].1 = Arc::new(drive.clone());
        tokio::time::sleep(Duration::from_secs(31)).await;
        again.settle().await;
        assert_eq!(listed(&drive), listed(&card), "drop at {drop_at}");
        again.at_rest().await;
        assert_eq!(drive.unfinished_uploads(), 0, "drop at {drop_at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_nobody_has_vouched_for_is_read_before_it_is_believed() {
    let faults = Faults::none();
    let (card, drive) = (plain(), plain());
    card.put("a", "first look").unwrap();
    let desk = Desk::peers()
        .place("card", shaky("card", &card, &faults))
        .place("drive", shaky("drive", &drive, &faults))
        .options(|options| options.with_strategy(ConflictStrategy::Duplicate));
    let lost = FaultKind::Error(ErrorKind::Corrupt);
    faults.add_rule(FaultRule::new(Operation::Persist, lost).at("drive"));
    assert!(!desk.run().await.unwrap().is_complete());
    assert!(
        drive.rot("a"),
        "the power went, and the disk has other bytes of the same size"
    );
    let report = desk.run().await.unwrap();
    assert_eq!(report.done.verify, 1, "{report}");
    assert_eq!(report.conflicts.len(), 1, "{report}");
    let kept = card
        .contents()
        .into_values()
        .any(|content| content == "first look");
    assert!(kept, "what looked alike was not taken for the same");
    desk.at_rest().await;
    // Once all has ended well, looks are believed again.
    card.put_at("b", "b", desk_time(0)).unwrap();
    drive.put_at("b", "b", desk_time(0)).unwrap();
    assert_eq!(desk.settle().await.done.verify, 0);
}
