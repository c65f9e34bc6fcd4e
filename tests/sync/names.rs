//! Many names that are one name elsewhere.

use std::collections::BTreeSet;

use garland::connector::{FileFacts, NameRules, UnicodeForm};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::sync::{ConflictKind, Relation, Resolution};
use unicode_normalization::UnicodeNormalization as _;

use crate::tools::{Desk, listed, plain};

fn narrow() -> MemoryPlatform {
    let names = NameRules::default()
        .with_case_sensitive(false)
        .with_unicode(UnicodeForm::Nfc);
    MemoryPlatform::new(MemoryOptions::bare(FileFacts::default().with_names(names)))
}

/// 10,000 names of 4,000 pictures: by case, by Unicode form, and some of their own.
fn names() -> Vec<String> {
    let mut all = Vec::new();
    for number in 0..2_000 {
        let name = format!("day/h\u{e9}l\u{e8}ne_{number:04}.jpg");
        all.push(name.nfc().collect());
        all.push(name.nfd().collect());
        all.push(name.to_uppercase().nfc().collect());
        all.push(format!("Day/Hélène_{number:04}.JPG").nfd().collect());
        all.push(format!("alone/{number:04}.jpg"));
    }
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), 10_000);
    all
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_names_that_differ_by_case_or_form_lose_nothing() {
    for relation in [Relation::Peers, Relation::Backup] {
        let (card, drive) = (plain(), narrow());
        for name in names() {
            card.put(&name, name.clone()).unwrap();
        }
        let before = listed(&card);
        let desk = Desk::new(relation)
            .place("card", card.clone())
            .place("drive", drive.clone());
        let report = desk.settle().await;
        assert_eq!(listed(&card), before, "nothing is lost or renamed");

        let skipped: Vec<_> = report.conflicts.iter().collect();
        assert!(
            skipped
                .iter()
                .all(|c| c.resolution == Resolution::Skipped
                    && c.kind == ConflictKind::NameCollision),
            "{report}"
        );
        let skipped: BTreeSet<&str> = skipped.iter().map(|c| c.path.as_str()).collect();
        assert_eq!(skipped.len(), 6_000, "{relation:?}");

        // One of each four spellings is there, with the content that this spelling has on the card.
        let there = listed(&drive);
        assert_eq!(there.len(), 4_000);
        for (name, content) in &there {
            assert_eq!(before.get(content), Some(content));
            assert!(!skipped.contains(content.as_str()));
            assert_eq!(*name, content.nfc().collect::<String>());
        }
        desk.at_rest().await;
        assert_eq!(listed(&card), before);
        assert_eq!(listed(&drive), there);
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_deleted_where_it_was_one_of_several_deletes_no_other_spelling() {
    let (card, drive) = (plain(), narrow());
    card.put("A.jpg", "large").unwrap();
    card.put("a.jpg", "small").unwrap();
    card.put("e\u{301}.jpg", "decomposed").unwrap();
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone());
    desk.settle().await;
    assert_eq!(listed(&drive).len(), 2);
    desk.at_rest().await;
    drive.remove("a.jpg").unwrap();
    drive.remove("\u{e9}.jpg").unwrap();
    drive.put("still something.jpg", "x").unwrap();
    desk.settle().await;
    // The one that was there is deleted, the one that never could be is copied now.
    assert_eq!(card.get("A.jpg"), None);
    assert_eq!(card.get("a.jpg").unwrap(), "small");
    assert_eq!(card.get("e\u{301}.jpg"), None);
    desk.settle().await;
    assert_eq!(drive.get("a.jpg").unwrap(), "small");
    desk.at_rest().await;
}
