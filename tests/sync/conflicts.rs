//! Conflicts that wait for a person, and versions that are kept aside.

use std::collections::BTreeMap;
use std::time::Duration;

use garland::connector::{FileFacts, NameRules, UnicodeForm};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::sync::{
    Choice, ConflictKind, ConflictStrategy, OpenConflict, Relation, SYNC_RECOVERED,
};
use garland::{ErrorKind, Timestamp};

use crate::tools::{Desk, files, listed, path, plain, text};
use crate::world::START;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1_000)
}

fn put(account: &MemoryPlatform, path: &str, content: &str, seconds: i64) {
    account
        .put_at(path, content.to_owned(), at(seconds))
        .unwrap();
}

/// A conflict in short: path, kind, and who holds which size.
type Told<'a> = (&'a str, ConflictKind, Vec<(Vec<&'a str>, u64)>);

fn told(conflicts: &[OpenConflict]) -> Vec<Told<'_>> {
    let told = conflicts.iter().map(|conflict| {
        let versions = conflict.versions.iter().map(|version| {
            let holders = version.replicas.iter().map(|name| name.as_str());
            (holders.collect(), version.version.size)
        });
        (conflict.path.as_str(), conflict.kind, versions.collect())
    });
    told.collect()
}

fn paths(conflicts: &[OpenConflict]) -> Vec<&str> {
    conflicts
        .iter()
        .map(|conflict| conflict.path.as_str())
        .collect()
}

/// What lies in the recovery folder of an account, by the path it had.
fn recovered(account: &MemoryPlatform) -> BTreeMap<String, String> {
    let all = account.contents().into_iter();
    all.filter(|(path, _)| path.is_internal())
        .map(|(path, content)| {
            let mut parts = path.as_str().splitn(4, '/');
            assert_eq!(
                parts.by_ref().take(2).collect::<Vec<_>>(),
                [".garland", "recovered"]
            );
            (parts.nth(1).unwrap().to_owned(), text(&content))
        })
        .collect()
}

/// Three places with three conflicts and one plain edit.
async fn disagreement() -> (Desk, [MemoryPlatform; 3]) {
    let accounts = [plain(), plain(), plain()];
    let [card, drive, nas] = &accounts;
    for name in ["keep.jpg", "both.jpg", "lines.xmp"] {
        put(card, name, "base", 0);
    }
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone())
        .place("nas", nas.clone());
    desk.settle().await;
    put(card, "keep.jpg", "by the card", 60);
    put(drive, "keep.jpg", "by the drive", 120);
    put(card, "both.jpg", "by the card", 60);
    put(nas, "both.jpg", "by the nas", 120);
    put(card, "lines.xmp", "rating", 60);
    put(drive, "lines.xmp", "label", 120);
    (desk, accounts)
}

#[tokio::test(start_paused = true)]
async fn conflicts_wait_for_a_person_with_nothing_touched() {
    let (desk, accounts) = disagreement().await;
    let before = accounts.each_ref().map(MemoryPlatform::contents);
    let report = desk.settle().await;
    assert_eq!(report.conflicts.len(), 3);
    assert_eq!(accounts.each_ref().map(MemoryPlatform::contents), before);
    let request = desk.request().await;
    let open = request.conflicts().await.unwrap();
    let kind = ConflictKind::ModifyModify;
    assert_eq!(
        told(&open),
        [
            (
                "both.jpg",
                kind,
                vec![(vec!["card"], 11), (vec!["nas"], 10)]
            ),
            (
                "keep.jpg",
                kind,
                vec![(vec!["card"], 11), (vec!["drive"], 12)]
            ),
            (
                "lines.xmp",
                kind,
                vec![(vec!["card"], 6), (vec!["drive"], 5)]
            ),
        ]
    );
    assert!(open.iter().all(|conflict| conflict.run == report.run));
    // A later run finds them again and remembers when they were found first.
    desk.settle().await;
    assert_eq!(request.conflicts().await.unwrap(), open);
}

#[tokio::test(start_paused = true)]
async fn each_choice_does_what_it_says_and_nothing_else() {
    let (desk, accounts) = disagreement().await;
    let [card, drive, nas] = &accounts;
    desk.settle().await;
    put(card, "waits.jpg", "for the next run", 60);
    let request = desk.request().await;

    let keep = Choice::Keep("drive".parse().unwrap());
    let report = request.resolve(&path("keep.jpg"), keep).await.unwrap();
    assert!(report.is_complete());
    for account in &accounts {
        assert_eq!(account.get("keep.jpg").unwrap(), "by the drive");
    }
    assert_eq!(recovered(card), files([("keep.jpg", "by the card")]));
    assert_eq!((recovered(drive), recovered(nas)), (files([]), files([])));
    assert_eq!(drive.get("waits.jpg"), None);
    assert_eq!(card.get("both.jpg").unwrap(), "by the card");
    assert_eq!(
        paths(&request.conflicts().await.unwrap()),
        ["both.jpg", "lines.xmp"]
    );

    request
        .resolve(&path("both.jpg"), Choice::KeepAll)
        .await
        .unwrap();
    let copy = "both (conflict card 20250615T150740Z).jpg";
    for account in &accounts {
        assert_eq!(account.get("both.jpg").unwrap(), "by the nas");
        assert_eq!(account.get(copy).unwrap(), "by the card");
    }
    assert_eq!(paths(&request.conflicts().await.unwrap()), ["lines.xmp"]);

    request
        .resolve(&path("lines.xmp"), Choice::Merge)
        .await
        .unwrap();
    for account in &accounts {
        assert_eq!(account.get("lines.xmp").unwrap(), "label\nrating");
    }
    assert_eq!(recovered(card)["lines.xmp"], "rating");
    assert_eq!(recovered(drive)["lines.xmp"], "label");
    assert_eq!(request.conflicts().await.unwrap(), []);
    assert_eq!(drive.get("waits.jpg"), None);

    let report = desk.settle().await;
    assert_eq!(
        (report.done.copy, report.conflicts.len()),
        (2, 0),
        "{report}"
    );
    assert_eq!(listed(card), listed(drive));
    assert_eq!(listed(card), listed(nas));
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_choice_that_cannot_be_is_refused_and_the_conflict_stays() {
    let (desk, accounts) = disagreement().await;
    desk.settle().await;
    let before = accounts.each_ref().map(MemoryPlatform::contents);
    let request = desk.request().await;
    let open = request.conflicts().await.unwrap();
    let keep = |name: &str| Choice::Keep(name.parse().unwrap());
    for (name, choice, kind) in [
        ("nothing.jpg", Choice::KeepAll, ErrorKind::NotFound),
        ("keep.jpg", keep("nas"), ErrorKind::InvalidInput),
        ("keep.jpg", keep("somebody"), ErrorKind::InvalidInput),
    ] {
        let error = request.resolve(&path(name), choice).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(accounts.each_ref().map(MemoryPlatform::contents), before);
    assert_eq!(request.conflicts().await.unwrap(), open);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_people_settle_themselves_is_forgotten() {
    let (desk, accounts) = disagreement().await;
    desk.settle().await;
    let [card, drive, _] = &accounts;
    put(card, "keep.jpg", "by the drive", 120);
    desk.settle().await;
    let open = desk.request().await.conflicts().await.unwrap();
    assert_eq!(paths(&open), ["both.jpg", "lines.xmp"]);
    assert_eq!(drive.get("keep.jpg").unwrap(), "by the drive");
}

#[tokio::test(start_paused = true)]
async fn a_file_edited_here_and_deleted_there_waits_and_is_given_back() {
    let (card, drive) = (plain(), plain());
    put(&card, "a.jpg", "base", 0);
    put(&card, "b.jpg", "base", 0);
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone());
    desk.settle().await;
    put(&card, "a.jpg", "edited", 60);
    drive.remove("a.jpg").unwrap();
    desk.settle().await;
    assert_eq!(
        (card.get("a.jpg").unwrap(), drive.get("a.jpg")),
        ("edited".into(), None)
    );
    let request = desk.request().await;
    let open = request.conflicts().await.unwrap();
    assert_eq!(
        told(&open),
        [("a.jpg", ConflictKind::DeleteModify, vec![(vec!["card"], 6)])]
    );
    assert_eq!(open[0].deleted, ["drive".parse().unwrap()]);
    request
        .resolve(&path("a.jpg"), Choice::Keep("card".parse().unwrap()))
        .await
        .unwrap();
    assert_eq!(drive.get("a.jpg").unwrap(), "edited");
    assert_eq!(request.conflicts().await.unwrap(), []);
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn the_source_of_a_mirror_is_never_written_to_by_a_choice() {
    let (card, drive) = (plain(), plain());
    put(&card, "a.jpg", "base", 0);
    let desk = Desk::new(Relation::Mirror)
        .place("card", card.clone())
        .place("drive", drive.clone());
    desk.settle().await;
    put(&card, "a.jpg", "by the card", 60);
    put(&drive, "a.jpg", "by the drive", 120);
    desk.settle().await;
    let request = desk.request().await;
    assert_eq!(paths(&request.conflicts().await.unwrap()), ["a.jpg"]);
    let keep = |name: &str| Choice::Keep(name.parse().unwrap());
    let error = request
        .resolve(&path("a.jpg"), keep("drive"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    request.resolve(&path("a.jpg"), keep("card")).await.unwrap();
    assert_eq!(card.get("a.jpg").unwrap(), "by the card");
    assert_eq!(drive.get("a.jpg").unwrap(), "by the card");
    assert_eq!(recovered(&drive), files([("a.jpg", "by the drive")]));
    assert_eq!(request.conflicts().await.unwrap(), []);
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_conflict_tells_every_version_whatever_the_spelling() {
    let names = NameRules::default().with_unicode(UnicodeForm::Nfc);
    let facts = FileFacts::default().with_names(names);
    let (card, drive) = (plain(), MemoryPlatform::new(MemoryOptions::new(facts)));
    let name = "cafe\u{301}.jpg";
    put(&card, name, "base", 0);
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone());
    desk.settle().await;
    put(&card, name, "by the card", 60);
    put(&drive, "caf\u{e9}.jpg", "by the drive", 120);
    desk.settle().await;
    let request = desk.request().await;
    let open = request.conflicts().await.unwrap();
    let versions = vec![(vec!["card"], 11), (vec!["drive"], 12)];
    assert_eq!(told(&open), [(name, ConflictKind::ModifyModify, versions)]);
    request
        .resolve(&path(name), Choice::Keep("drive".parse().unwrap()))
        .await
        .unwrap();
    assert_eq!(card.get(name).unwrap(), "by the drive");
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_replaced_is_kept_aside_for_as_long_as_was_asked_for() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let (card, drive) = (plain(), plain());
    put(&card, "day/a.jpg", "base", 0);
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone())
        .options(|options| {
            options
                .with_strategy(ConflictStrategy::NewerWins)
                .with_keep_recovered(10 * DAY)
        });
    desk.settle().await;
    put(&card, "day/a.jpg", "older", 60);
    put(&drive, "day/a.jpg", "newer", 120);
    let report = desk.settle().await;
    let run = report.run;
    let place = format!(".garland/recovered/{run}/day/a.jpg");
    assert_eq!(card.get(&place).unwrap(), "older");
    assert_eq!(card.get("day/a.jpg").unwrap(), "newer");
    let records: Vec<_> = desk.records(&SYNC_RECOVERED).await.into_values().collect();
    let [record] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(
        (
            record.connector.as_str(),
            record.path.as_str(),
            record.recovered.as_str(),
            record.run
        ),
        ("card", "day/a.jpg", &*place, run)
    );
    assert!(record.at >= report.started);

    tokio::time::sleep(9 * DAY).await;
    desk.at_rest().await;
    assert_eq!(card.get(&place).unwrap(), "older");
    tokio::time::sleep(2 * DAY).await;
    desk.at_rest().await;
    assert_eq!(card.get(&place), None);
    assert!(desk.records(&SYNC_RECOVERED).await.is_empty());
    assert_eq!(listed(&card), files([("day/a.jpg", "newer")]));
}

#[tokio::test(start_paused = true)]
async fn a_mirror_keeps_aside_what_only_the_target_had() {
    let (card, drive) = (plain(), plain());
    put(&card, "a.jpg", "a", 0);
    put(&drive, "extra.jpg", "extra", 0);
    let desk = Desk::new(Relation::Mirror)
        .place("card", card.clone())
        .place("drive", drive.clone())
        .options(|options| options.with_strategy(ConflictStrategy::SourceWins));
    let report = desk.settle().await;
    assert_eq!((report.done.delete, report.done.recover), (1, 1));
    assert_eq!(listed(&drive), files([("a.jpg", "a")]));
    assert_eq!(recovered(&drive), files([("extra.jpg", "extra")]));
    assert_eq!(recovered(&card), files([]));
    assert_eq!(desk.records(&SYNC_RECOVERED).await.len(), 1);
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_merge_keeps_its_inputs_and_a_merge_that_fails_touches_nothing() {
    let (card, drive) = (plain(), plain());
    put(&card, "a.xmp", "base", 0);
    let mut desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone())
        .options(|options| options.with_strategy(ConflictStrategy::Merge));
    desk.settle().await;
    put(&card, "a.xmp", "rating", 60);
    put(&drive, "a.xmp", "label", 120);
    let merger = desk.options.merger.take();
    let before = [card.contents(), drive.contents()];
    let report = desk.run().await.unwrap();
    let failed: Vec<_> = report
        .failed
        .iter()
        .map(|f| (f.path.as_str(), f.error.kind()))
        .collect();
    assert_eq!(failed, [("a.xmp", ErrorKind::Unsupported)]);
    assert_eq!([card.contents(), drive.contents()], before);
    desk.options.merger = merger;
    let report = desk.settle().await;
    assert_eq!(report.done.merge, 2);
    assert_eq!(listed(&card), files([("a.xmp", "label\nrating")]));
    assert_eq!(listed(&drive), files([("a.xmp", "label\nrating")]));
    assert_eq!(recovered(&card), files([("a.xmp", "rating")]));
    assert_eq!(recovered(&drive), files([("a.xmp", "label")]));
    assert_eq!(desk.records(&SYNC_RECOVERED).await.len(), 2);
    desk.at_rest().await;
}
