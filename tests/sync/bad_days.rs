//! Sources that cannot be read, and destinations that cannot be written.

use garland::ErrorKind;
use garland::connector::{ChunkRules, FileFacts, FileStore as _, HashAlgorithm};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::sync::{Phase, Relation, SyncReport};
use garland::testing::{FaultKind, FaultRule, Faults, Operation};

use crate::tools::{Call, Desk, Hooked, files, listed, path, plain, shaky};

fn hashing() -> MemoryPlatform {
    let facts = FileFacts::default().with_hashes(&[HashAlgorithm::Sha256]);
    MemoryPlatform::new(MemoryOptions::new(facts))
}

/// What failed: path, phase and kind.
fn failures(report: &SyncReport) -> Vec<(&str, Phase, ErrorKind)> {
    let failed = report.failed.iter();
    failed
        .map(|failed| (failed.path.as_str(), failed.phase, failed.error.kind()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_read_that_breaks_off_goes_on_where_it_was() {
    let card = MemoryPlatform::new(MemoryOptions::default().with_piece_size(10));
    let content = "0123456789abcdefghij0123456789ABCDEFGHIJ";
    card.put("a.jpg", content).unwrap();
    let broken = FaultRule::new(Operation::ReadPiece, FaultKind::BrokenRead).nth(3);
    let faults = Faults::none().with_rule(broken);
    let hooked = Hooked::new(shaky("card", &card, &faults));
    let drive = plain();
    let desk = Desk::peers()
        .place("card", hooked.clone())
        .place("drive", drive.clone());
    let report = desk.settle().await;
    assert_eq!(faults.injected().len(), 1);
    let mut opened = hooked.calls();
    opened.retain(|call| matches!(call, Call::Open(..)));
    let at = |start| Call::Open("a.jpg".into(), start);
    assert_eq!(opened, [at(0), at(20)]);
    assert_eq!(report.bytes_read, 40);
    assert_eq!(listed(&drive), files([("a.jpg", content)]));
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_read_stops_no_other() {
    let (card, drive) = (plain(), plain());
    for name in ["a", "b", "c"] {
        card.put(name, name.repeat(9)).unwrap();
    }
    let failed = FaultKind::Error(ErrorKind::Unavailable);
    let rule = FaultRule::new(Operation::ReadPiece, failed)
        .on("b")
        .always();
    let faults = Faults::none().with_rule(rule);
    let desk = Desk::peers()
        .place("card", shaky("card", &card, &faults))
        .place("drive", drive.clone());
    let report = desk.run().await.unwrap();
    assert_eq!(
        failures(&report),
        [("b", Phase::Copy, ErrorKind::Unavailable)]
    );
    assert_eq!(
        listed(&drive),
        files([("a", "aaaaaaaaa"), ("c", "ccccccccc")])
    );
    assert_eq!(drive.unfinished_uploads(), 0);
    assert_eq!(desk.agreed().await, ["a", "c"]);
    faults.heal();
    desk.settle().await;
    assert_eq!(listed(&drive), listed(&card));
}

#[tokio::test(start_paused = true)]
async fn a_full_account_takes_what_fits_and_the_rest_once_there_is_space() {
    // Once as a plain upload, once as one that would be resumed after a restart.
    for resume_from in [1 << 20, 8] {
        let card = plain();
        for (name, size) in [("a", 40), ("b", 120), ("c", 40)] {
            card.put(name, name.repeat(size)).unwrap();
        }
        let facts = FileFacts::default().with_chunks(ChunkRules::new(1, 1, 10, 10));
        let drive = MemoryPlatform::new(MemoryOptions::new(facts).with_capacity(210));
        drive.put("ballast", "x".repeat(60)).unwrap();
        let mut desk = Desk::new(Relation::Backup)
            .place("card", card.clone())
            .place("drive", drive.clone())
            .transfer(|transfer| transfer.with_resume_from(resume_from).with_concurrency(1));
        let report = desk.run().await.unwrap();
        assert_eq!(
            failures(&report),
            [("b", Phase::Copy, ErrorKind::Full)],
            "{resume_from}"
        );
        let there: Vec<String> = listed(&drive).into_keys().collect();
        assert_eq!(there, ["a", "ballast", "c"]);
        assert_eq!(drive.unfinished_uploads(), 0, "it would hold the space");
        drive.remove("ballast").unwrap();
        desk = desk.transfer(|transfer| transfer.with_concurrency(None));
        desk.settle().await;
        assert_eq!(listed(&drive), listed(&card));
        desk.at_rest().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_denies_one_file_gets_the_others_and_the_others_get_it() {
    let (card, drive, nas) = (plain(), plain(), plain());
    for name in ["a", "b", "c"] {
        card.put(name, name).unwrap();
    }
    let denied = FaultKind::Error(ErrorKind::Denied);
    let rule = FaultRule::new(Operation::Upload, denied)
        .on("b")
        .at("drive")
        .always();
    let faults = Faults::none().with_rule(rule);
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", shaky("drive", &drive, &faults))
        .place("nas", shaky("nas", &nas, &faults));
    let report = desk.run().await.unwrap();
    assert_eq!(failures(&report), [("b", Phase::Copy, ErrorKind::Denied)]);
    assert!(
        report.failed[0]
            .error
            .to_string()
            .contains("connector `drive`")
    );
    assert_eq!(faults.injected().len(), 1, "a denial is not tried again");
    assert_eq!(listed(&drive), files([("a", "a"), ("c", "c")]));
    assert_eq!(listed(&nas), listed(&card));
    assert_eq!(
        desk.agreed().await,
        ["a", "c"],
        "nobody may think that drive has it"
    );
    faults.heal();
    desk.settle().await;
    assert_eq!(listed(&drive), listed(&card));
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_denied_delete_and_a_denied_rename_leave_the_file_where_it_is() {
    let (card, drive) = (hashing(), hashing());
    for name in ["gone", "kept", "moved"] {
        card.put(name, name).unwrap();
    }
    let denied = FaultKind::Error(ErrorKind::Denied);
    let faults = Faults::none();
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", shaky("drive", &drive, &faults))
        .options(|options| {
            let plan = options.plan.clone().with_track_renames(true);
            options.with_plan(plan)
        });
    desk.settle().await;
    card.remove("gone").unwrap();
    let moved = card.get("moved").unwrap();
    let old = card.stat(&path("moved")).await.unwrap().unwrap();
    card.remove("moved").unwrap();
    card.put_at("new", moved, old.version.modified).unwrap();
    for operation in [Operation::Delete, Operation::Rename] {
        faults.add_rule(FaultRule::new(operation, denied).always());
    }
    let before = listed(&drive);
    let report = desk.run().await.unwrap();
    assert!(!report.is_complete());
    assert!(
        report
            .failed
            .iter()
            .all(|failed| failed.error.kind() == ErrorKind::Denied)
    );
    for name in ["gone", "moved"] {
        assert_eq!(listed(&drive).get(name), before.get(name));
    }
    faults.heal();
    desk.settle().await;
    assert_eq!(listed(&drive), files([("kept", "kept"), ("new", "moved")]));
    assert_eq!(listed(&card), listed(&drive));
    desk.at_rest().await;
}
