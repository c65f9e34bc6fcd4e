//! Rules of change feeds.

use std::collections::BTreeMap;

use crate::connector::{Change, ChangeCursor, ChangeFeed, Expect, FilePath, FileVersion};
use crate::error::ErrorKind;

use super::account::{Account, kind, list, path, put};

/// What somebody knows who listed once and then only followed the feed.
type Known = BTreeMap<FilePath, FileVersion>;

pub(super) async fn a_feed_without_changes_is_empty(account: &Account) {
    let (Some(files), Some(feed)) = (account.files(), account.first().changes()) else {
        return;
    };
    put(files, "a.txt", "a").await;
    let cursor = feed.start().await.unwrap();
    let page = feed.changes(&cursor).await.unwrap();
    assert_eq!((page.changes, page.more), (Vec::new(), false));
}

pub(super) async fn every_change_after_the_cursor_is_told(account: &Account) {
    let (Some(files), Some(feed)) = (account.files(), account.first().changes()) else {
        return;
    };
    for name in ["stays.txt", "goes.txt", "changes.txt", "moves.txt"] {
        put(files, name, "old").await;
    }
    let cursor = feed.start().await.unwrap();
    let mut known = known(list(files).await);
    put(files, "changes.txt", "newer").await;
    put(files, "comes.txt", "new").await;
    put(files, ".garland/recovered/x", "own").await;
    files
        .delete(&path("goes.txt"), &Expect::Anything)
        .await
        .unwrap();
    let (from, to) = (path("moves.txt"), path("day/moved.txt"));
    files.rename(&from, &Expect::Anything, &to).await.unwrap();
    follow(feed, cursor, &mut known).await;
    assert_eq!(known, self::known(list(files).await));
}

pub(super) async fn an_old_cursor_goes_on_where_it_was(account: &Account) {
    let (Some(files), Some(feed)) = (account.files(), account.first().changes()) else {
        return;
    };
    let cursor = feed.start().await.unwrap();
    for number in 0..20 {
        put(files, &format!("file-{number}.txt"), "x").await;
    }
    for _ in 0..2 {
        let mut known = Known::new();
        let stored = serde_json::to_string(&cursor).unwrap();
        let cursor: ChangeCursor = serde_json::from_str(&stored).unwrap();
        let end = follow(feed, cursor, &mut known).await;
        assert_eq!(known, self::known(list(files).await));
        assert_eq!(feed.changes(&end).await.unwrap().changes, []);
    }
}

pub(super) async fn a_cursor_that_ran_out_has_expired(account: &Account) {
    let (Some(files), Some(feed)) = (account.files(), account.first().changes()) else {
        return;
    };
    let cursor = feed.start().await.unwrap();
    put(files, "a.txt", "a").await;
    if !account.expire_cursors() {
        return;
    }
    assert_eq!(kind(feed.changes(&cursor).await), ErrorKind::Expired);
    let fresh = feed.start().await.unwrap();
    assert_eq!(feed.changes(&fresh).await.unwrap().changes, []);
}

fn known(entries: Vec<crate::connector::FileEntry>) -> Known {
    entries
        .into_iter()
        .map(|entry| (entry.path, entry.version))
        .collect()
}

/// Takes in everything after `cursor`, as a sync would.
async fn follow(
    feed: &dyn ChangeFeed,
    mut cursor: ChangeCursor,
    known: &mut Known,
) -> ChangeCursor {
    loop {
        let page = feed.changes(&cursor).await.unwrap();
        for change in page.changes {
            match change {
                Change::Present(entry) => {
                    let id = entry.version.id.clone();
                    known.retain(|_, version| id.is_none() || version.id != id);
                    known.insert(entry.path, entry.version);
                }
                Change::Gone(gone) => {
                    known.retain(|path, _| *path != gone && !path.is_inside(gone.as_str()));
                }
                Change::Skipped(skipped) => {
                    let name = skipped.name.as_str();
                    known.retain(|path, _| path.as_str() != name && !path.is_inside(name));
                }
                Change::GoneById(id) => {
                    known.retain(|_, version| version.id.as_ref() != Some(&id));
                }
            }
        }
        cursor = page.next;
        if !page.more {
            return cursor;
        }
    }
}
