//! Rules of renames and copies.

use crate::connector::{Expect, FileVersion};
use crate::error::ErrorKind;

use super::account::{Account, kind, list, path, put, put_if, read, stat};

pub(super) async fn a_rename_moves_the_file_and_nothing_else(account: &Account) {
    let Some(files) = account.files() else { return };
    let before = put(files, "day/a.txt", "content").await;
    put(files, "day/other.txt", "other").await;
    let (from, to) = (path("day/a.txt"), path("new/folder/b.txt"));
    let after = files.rename(&from, &Expect::Anything, &to).await.unwrap();
    assert_eq!(after.path, to);
    assert_eq!(after.version.size, before.version.size);
    assert_eq!(stat(files, "day/a.txt").await, None);
    assert_eq!(stat(files, "new/folder/b.txt").await.as_ref(), Some(&after));
    assert_eq!(read(files, "new/folder/b.txt").await, b"content");
    assert_eq!(read(files, "day/other.txt").await, b"other");
    if files.facts().time_precision.is_some() {
        assert_eq!(after.version.modified, before.version.modified);
    }
}

pub(super) async fn a_rename_never_replaces(account: &Account) {
    let Some(files) = account.files() else { return };
    put(files, "a.txt", "a").await;
    put(files, "b.txt", "b").await;
    let answer = files
        .rename(&path("a.txt"), &Expect::Anything, &path("b.txt"))
        .await;
    assert_eq!(kind(answer), ErrorKind::AlreadyExists);
    assert_eq!(read(files, "a.txt").await, b"a");
    assert_eq!(read(files, "b.txt").await, b"b");
}

pub(super) async fn a_file_keeps_its_id_when_renamed(account: &Account) {
    let Some(files) = account.files() else { return };
    let before = put(files, "a.txt", "content").await;
    let other = put(files, "b.txt", "content").await;
    let Some(id) = before.version.id else { return };
    assert_ne!(other.version.id.as_ref(), Some(&id));
    let (from, to) = (path("a.txt"), path("c/d.txt"));
    let after = files.rename(&from, &Expect::Anything, &to).await.unwrap();
    assert_eq!(after.version.id.as_ref(), Some(&id));
    let listed = list(files).await;
    let holders = listed
        .iter()
        .filter(|entry| entry.version.id.as_ref() == Some(&id));
    assert_eq!(holders.count(), 1);
}

pub(super) async fn a_copy_is_a_file_of_its_own(account: &Account) {
    let Some(files) = account.files() else { return };
    let source = put(files, "a.txt", "content").await;
    let (from, to) = (path("a.txt"), path("day/b.txt"));
    let copied = files
        .copy(&from, &source.version, &to, &Expect::Absent)
        .await
        .unwrap();
    let Some(copy) = copied else { return };
    assert_eq!((&copy.path, copy.version.size), (&to, 7));
    if files.facts().time_precision.is_some() {
        assert_eq!(copy.version.modified, source.version.modified);
    }
    assert_eq!(stat(files, "day/b.txt").await, Some(copy));
    put(files, "a.txt", "changed").await;
    assert_eq!(read(files, "day/b.txt").await, b"content");
    assert_eq!(read(files, "a.txt").await, b"changed");
}

pub(super) async fn a_copy_keeps_to_what_is_expected(account: &Account) {
    let Some(files) = account.files() else { return };
    let old = put(files, "a.txt", "old").await;
    let now = put(files, "a.txt", "newer").await;
    let other = put(files, "b.txt", "b").await;
    let copy = async |version: &FileVersion, to: &str, expect: Expect| {
        files
            .copy(&path("a.txt"), version, &path(to), &expect)
            .await
    };
    let first = copy(&now.version, "c.txt", Expect::Absent).await.unwrap();
    if first.is_none() {
        return;
    }
    let answer = copy(&old.version, "d.txt", Expect::Absent).await;
    assert_eq!(kind(answer), ErrorKind::Changed);
    assert_eq!(stat(files, "d.txt").await, None);
    let answer = copy(&now.version, "b.txt", Expect::Absent).await;
    assert_eq!(kind(answer), ErrorKind::AlreadyExists);
    let wrong = Expect::Version(now.version.clone());
    let answer = copy(&now.version, "b.txt", wrong).await;
    assert_eq!(kind(answer), ErrorKind::Conflict);
    assert_eq!(read(files, "b.txt").await, b"b");
    let right = Expect::Version(other.version);
    // A platform may copy only to where no file is.
    let over = copy(&now.version, "b.txt", right).await.unwrap();
    let expected: &[u8] = if over.is_some() { b"newer" } else { b"b" };
    assert_eq!(read(files, "b.txt").await, expected);
    let answer = files
        .copy(&path("none"), &now.version, &path("e.txt"), &Expect::Absent)
        .await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
}

pub(super) async fn a_file_and_a_folder_of_one_name_never_harm_each_other(account: &Account) {
    let Some(files) = account.files() else { return };
    put(files, "name", "file").await;
    put(files, "folder/a.txt", "inside").await;
    for expect in [Expect::Absent, Expect::Anything] {
        for (at, content) in [("name/below.txt", "x"), ("folder", "y")] {
            match put_if(files, at, content, expect.clone()).await {
                Ok(_) => assert_eq!(read(files, at).await, content.as_bytes()),
                Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}"),
            }
            assert_eq!(read(files, "name").await, b"file");
            assert_eq!(read(files, "folder/a.txt").await, b"inside");
        }
    }
}
