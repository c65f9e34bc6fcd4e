//! Files that do not hold still while they are on their way.

use garland::connector::FileFacts;
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::{ErrorKind, Timestamp};

use crate::tools::{Call, Desk, Hooked, files, listed, plain};
use crate::world::START;

const OLD: &str = "first first first first first ";

/// A card whose file is replaced by `new` the first time that its third piece is read.
fn restless(new: &'static str) -> (MemoryPlatform, Hooked) {
    let options = MemoryOptions::bare(FileFacts::default()).with_piece_size(10);
    let card = MemoryPlatform::new(options);
    card.put_at("a.jpg", OLD, Timestamp::from_millis(START))
        .unwrap();
    let account = card.clone();
    let hooked = Hooked::new(card.clone()).before(move |call| {
        let account = account.clone();
        async move {
            let is_old = account.get("a.jpg").is_some_and(|now| now == OLD);
            if call == Call::Piece("a.jpg".into(), 2) && is_old {
                let later = Timestamp::from_millis(START + 60_000);
                account.put_at("a.jpg", new, later).unwrap();
            }
        }
    });
    (card, hooked)
}

#[tokio::test(start_paused = true)]
async fn a_file_replaced_grown_or_cut_while_it_is_read_arrives_as_it_is_in_the_end() {
    let replaced = "second second second second se";
    assert_eq!(replaced.len(), OLD.len());
    for new in [
        replaced,
        "first first first first first and more",
        "first first first",
        "",
    ] {
        let (card, hooked) = restless(new);
        let drive = plain();
        let written = Hooked::new(drive.clone());
        let desk = Desk::peers()
            .place("card", hooked)
            .place("drive", written.clone());
        let report = desk.settle().await;
        assert_eq!(report.rounds, 2, "{new:?}");
        assert_eq!(listed(&drive), files([("a.jpg", new)]));
        assert_eq!(listed(&card), listed(&drive));
        let appeared = written.calls().into_iter();
        let appeared = appeared.filter(|call| *call == Call::Finish).count();
        assert_eq!(appeared, 1, "only the last version ever appeared");
        assert_eq!(drive.unfinished_uploads(), 0);
        desk.at_rest().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_removed_while_it_is_read_is_gone_in_the_end() {
    let card = MemoryPlatform::new(MemoryOptions::default().with_piece_size(10));
    card.put("a.jpg", OLD).unwrap();
    card.put("b.jpg", "stays").unwrap();
    let account = card.clone();
    let hooked = Hooked::new(card.clone()).before(move |call| {
        let account = account.clone();
        async move {
            if call == Call::Piece("a.jpg".into(), 2) {
                account.remove("a.jpg").unwrap();
            }
        }
    });
    let drive = plain();
    let desk = Desk::peers()
        .place("card", hooked)
        .place("drive", drive.clone());
    let report = desk.settle().await;
    assert_eq!(report.rounds, 2);
    assert_eq!(listed(&drive), files([("b.jpg", "stays")]));
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_never_holds_still_is_reported_and_the_others_are_done() {
    let card = MemoryPlatform::new(MemoryOptions::default().with_piece_size(10));
    card.put("a.jpg", OLD).unwrap();
    card.put("b.jpg", "quiet").unwrap();
    let account = card.clone();
    let hooked = Hooked::new(card.clone()).before(move |call| {
        let account = account.clone();
        async move {
            if call == Call::Piece("a.jpg".into(), 2) {
                account.put("a.jpg", OLD).unwrap();
            }
        }
    });
    let drive = plain();
    let desk = Desk::peers()
        .place("card", hooked.clone())
        .place("drive", drive.clone());
    let report = desk.run().await.unwrap();
    assert_eq!(report.rounds, 3);
    let failed: Vec<_> = report
        .failed
        .iter()
        .map(|f| (f.path.as_str(), f.error.kind()))
        .collect();
    assert_eq!(failed, [("a.jpg", ErrorKind::Changed)]);
    assert_eq!(listed(&drive), files([("b.jpg", "quiet")]));
    assert_eq!(drive.unfinished_uploads(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_appears_at_the_destination_meanwhile_is_not_overwritten() {
    let (card, drive) = (plain(), plain());
    card.put_at("a.jpg", "from the card", Timestamp::from_millis(START))
        .unwrap();
    let account = drive.clone();
    let hooked = Hooked::new(drive.clone()).before(move |call| {
        let account = account.clone();
        async move {
            if call == Call::Finish && account.get("a.jpg").is_none() {
                let later = Timestamp::from_millis(START + 60_000);
                account
                    .put_at("a.jpg", "written there meanwhile", later)
                    .unwrap();
            }
        }
    });
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", hooked)
        .options(|options| options.with_strategy(garland::sync::ConflictStrategy::NewerWins));
    let report = desk.settle().await;
    assert_eq!(report.rounds, 2);
    assert_eq!(
        listed(&drive),
        files([("a.jpg", "written there meanwhile")])
    );
    assert_eq!(listed(&card), listed(&drive));
    let kept = card.contents();
    let recovered = kept.iter().find(|(path, _)| path.is_internal()).unwrap();
    assert_eq!(recovered.1, "from the card");
    desk.at_rest().await;
}
