//! Places that do not hold what they were given, or say that they hold something else.

use garland::connector::{FileFacts, HashAlgorithm};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::sync::{ConflictStrategy, SyncReport};
use garland::testing::{FaultKind, FaultRule, Faults, Operation};
use garland::transfer::Verify;
use garland::{Error, ErrorKind};

use crate::tools::{Call, Desk, Hooked, files, listed, plain, shaky};

const SHA_256_OF_CONTENT: &str = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";

fn hashing() -> MemoryPlatform {
    let facts = FileFacts::default().with_hashes(&[HashAlgorithm::Sha256]);
    MemoryPlatform::new(MemoryOptions::new(facts))
}

fn only_failure(report: &SyncReport) -> (&str, &Error) {
    let [failed] = report.failed.as_slice() else {
        panic!("{report}")
    };
    (failed.path.as_str(), &failed.error)
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_which_the_place_names_another_hash_is_removed_and_never_travels_back() {
    let (card, drive) = (hashing(), hashing());
    card.put("a.jpg", "content").unwrap();
    card.put("b.jpg", "other").unwrap();
    let lie = FaultRule::new(Operation::Finish, FaultKind::LyingHash);
    let faults = Faults::none().with_rule(lie.on("a.jpg").always());
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", shaky("drive", &drive, &faults));
    let before = listed(&card);
    for _ in 0..2 {
        let report = desk.run().await.unwrap();
        let (path, error) = only_failure(&report);
        assert_eq!((path, error.kind()), ("a.jpg", ErrorKind::Corrupt));
        let lied: String = SHA_256_OF_CONTENT.chars().map(flipped).collect();
        let text = error.to_string();
        assert!(
            text.contains(SHA_256_OF_CONTENT) && text.contains(&lied),
            "{text}"
        );
        assert_eq!(listed(&drive), files([("b.jpg", "other")]));
        assert_eq!(listed(&card), before);
    }
    faults.heal();
    desk.settle().await;
    assert_eq!(listed(&drive), before);
    desk.at_rest().await;
}

/// The hexadecimal digit of the flipped bits.
fn flipped(digit: char) -> char {
    char::from_digit(15 - digit.to_digit(16).unwrap(), 16).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_arrives_wrong_does_not_look_like_a_delete() {
    let (card, drive) = (hashing(), hashing());
    card.put("a.jpg", "first").unwrap();
    card.put("b.jpg", "other").unwrap();
    let faults = Faults::none();
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", shaky("drive", &drive, &faults))
        .options(|options| options.with_strategy(ConflictStrategy::NewerWins));
    desk.settle().await;
    card.put("a.jpg", "second").unwrap();
    faults.add_rule(FaultRule::new(Operation::Finish, FaultKind::LyingHash).always());
    for _ in 0..2 {
        let report = desk.run().await.unwrap();
        assert_eq!(only_failure(&report).1.kind(), ErrorKind::Corrupt);
        assert_eq!(
            listed(&card),
            files([("a.jpg", "second"), ("b.jpg", "other")])
        );
    }
    faults.heal();
    desk.settle().await;
    assert_eq!(listed(&drive), listed(&card));
    desk.at_rest().await;
}

/// A place that keeps what arrives without a look, and reports no hash. The chunks may be spoiled.
fn believer(account: &MemoryPlatform, faults: &Faults) -> Hooked {
    Hooked::new(shaky("drive", account, faults)).credulous()
}

#[tokio::test(start_paused = true)]
async fn bytes_spoiled_on_their_way_are_found_by_reading_them_back() {
    let (card, drive) = (plain(), plain());
    card.put("a.jpg", "content").unwrap();
    let spoil = FaultRule::new(Operation::Write, FaultKind::CorruptWrite);
    let faults = Faults::none().with_rule(spoil.clone());
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", believer(&drive, &faults))
        .transfer(|transfer| transfer.with_verify(Verify::ReadBack));
    desk.settle().await;
    assert_eq!(faults.injected().len(), 1);
    assert_eq!(listed(&drive), files([("a.jpg", "content")]));
    desk.at_rest().await;

    card.put("b.jpg", "more").unwrap();
    faults.add_rule(spoil.always());
    let report = desk.run().await.unwrap();
    let (path, error) = only_failure(&report);
    assert_eq!((path, error.kind()), ("b.jpg", ErrorKind::Corrupt));
    assert_eq!(listed(&drive), files([("a.jpg", "content")]));
    assert_eq!(
        listed(&card),
        files([("a.jpg", "content"), ("b.jpg", "more")])
    );
    faults.heal();
    desk.settle().await;
    assert_eq!(listed(&drive), listed(&card));
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_cannot_be_read_back_does_not_stay() {
    let (card, drive) = (plain(), plain());
    card.put("a.jpg", "content").unwrap();
    let spoil = FaultRule::new(Operation::Write, FaultKind::CorruptWrite).always();
    let refuse = FaultKind::Error(ErrorKind::Unavailable);
    let refuse = FaultRule::new(Operation::Read, refuse).always();
    let faults = Faults::none().with_rule(spoil).with_rule(refuse);
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", believer(&drive, &faults))
        .transfer(|transfer| transfer.with_verify(Verify::ReadBack));
    let report = desk.run().await.unwrap();
    let (path, error) = only_failure(&report);
    assert_eq!((path, error.kind()), ("a.jpg", ErrorKind::Unavailable));
    assert_eq!(
        listed(&drive),
        files([]),
        "it would count as the file in the next run"
    );
    faults.heal();
    desk.settle().await;
    assert_eq!(listed(&drive), files([("a.jpg", "content")]));
    assert_eq!(listed(&card), listed(&drive));
}

#[tokio::test(start_paused = true)]
async fn bytes_read_wrong_are_read_again() {
    let (card, drive) = (hashing(), plain());
    card.put("a.jpg", "content").unwrap();
    card.put("b.jpg", "other").unwrap();
    let corrupt = FaultRule::new(Operation::ReadPiece, FaultKind::CorruptRead).on("a.jpg");
    let faults = Faults::none().with_rule(corrupt.clone());
    let source = Hooked::new(shaky("card", &card, &faults));
    let desk = Desk::peers()
        .place("card", source.clone())
        .place("drive", drive.clone());
    desk.settle().await;
    let opened = source.calls().into_iter();
    let opened = opened
        .filter(|call| *call == Call::Open("a.jpg".into(), 0))
        .count();
    assert_eq!((opened, faults.injected().len()), (2, 1));
    assert_eq!(listed(&drive), listed(&card));
    desk.at_rest().await;

    card.put("a.jpg", "edited").unwrap();
    // Every read of the file is wrong, so no copy of it may appear.
    faults.add_rule(corrupt.always());
    let report = desk.run().await.unwrap();
    let (path, error) = only_failure(&report);
    assert_eq!((path, error.kind()), ("a.jpg", ErrorKind::Corrupt));
    assert_eq!(
        listed(&drive),
        files([("a.jpg", "content"), ("b.jpg", "other")])
    );
    assert_eq!(drive.unfinished_uploads(), 0);
    faults.heal();
    desk.settle().await;
    assert_eq!(listed(&drive), listed(&card));
}
