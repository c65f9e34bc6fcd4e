//! Rules of listings.

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;

use super::account::{Account, list, path, put, read, stat};

pub(super) async fn an_empty_account_lists_nothing(account: &Account) {
    let Some(files) = account.files() else { return };
    let pages: Vec<_> = files.list().try_collect().await.unwrap();
    for page in pages {
        assert!(
            page.entries.is_empty() && page.skipped.is_empty(),
            "{page:?}"
        );
    }
}

pub(super) async fn a_listing_has_every_file_once_and_in_the_stated_order(account: &Account) {
    let Some(files) = account.files() else { return };
    let mut expected = BTreeSet::new();
    for number in 0..1_000 {
        // Names around `/` (0x2f) in byte order, where a folder and a file are easily confused.
        let name = match number % 5 {
            0 => format!("day/IMG_{number:04}.jpg"),
            1 => format!("day-{number}.jpg"),
            2 => format!("day.{number}/a/b.jpg"),
            3 => format!("day0/{number}.jpg"),
            _ => format!("z {number}.jpg"),
        };
        put(files, &name, "x").await;
        expected.insert(path(&name));
    }
    let listed: Vec<_> = list(files)
        .await
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    assert_eq!(listed.len(), 1_000, "a file is missing or listed twice");
    if files.facts().lists_in_order {
        assert!(
            listed.is_sorted(),
            "the listing is not in the order it states"
        );
    }
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected);
}

pub(super) async fn a_listing_tells_what_stat_tells(account: &Account) {
    let Some(files) = account.files() else { return };
    for name in ["a.txt", "day/b.txt", "day/c/d.txt"] {
        let finished = put(files, name, "content").await;
        assert_eq!(stat(files, name).await.unwrap(), finished);
    }
    let listed = list(files).await;
    assert_eq!(listed.len(), 3);
    for entry in listed {
        assert_eq!(stat(files, entry.path.as_str()).await.unwrap(), entry);
    }
}

pub(super) async fn garlands_own_files_are_not_listed(account: &Account) {
    let Some(files) = account.files() else { return };
    let own = ".garland/recovered/run/day/a.txt";
    put(files, "day/a.txt", "a").await;
    put(files, own, "recovered").await;
    let listed: Vec<_> = list(files)
        .await
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    assert_eq!(listed, [path("day/a.txt")]);
    assert_eq!(read(files, own).await, b"recovered");
}
