//! Rules of [`Expect`]: nothing is replaced, moved or deleted that was not expected.

use futures_util::future::join_all;

use crate::connector::{Expect, FileStore, Hashes, UploadRequest};
use crate::error::ErrorKind;

use super::account::{Account, kind, list, path, put, put_if, read, send, stat};

pub(super) async fn an_upload_over_anything_replaces_it(account: &Account) {
    let Some(files) = account.files() else { return };
    put(files, "a.txt", "one").await;
    let entry = put(files, "a.txt", "second").await;
    assert_eq!(read(files, "a.txt").await, b"second");
    assert_eq!(list(files).await, [entry]);
}

pub(super) async fn an_upload_that_expects_nothing_never_replaces(account: &Account) {
    let Some(files) = account.files() else { return };
    put_if(files, "a.txt", "one", Expect::Absent).await.unwrap();
    let answer = put_if(files, "a.txt", "second", Expect::Absent).await;
    assert_eq!(kind(answer), ErrorKind::AlreadyExists);
    assert_eq!(read(files, "a.txt").await, b"one");
}

pub(super) async fn an_upload_over_a_version_replaces_only_that(account: &Account) {
    let Some(files) = account.files() else { return };
    let (one, two) = two_versions(files, "a.txt").await;
    let answer = put_if(files, "a.txt", "third!", one.clone()).await;
    assert_eq!(kind(answer), ErrorKind::Conflict);
    assert_eq!(read(files, "a.txt").await, b"second");
    put_if(files, "a.txt", "third!!", two).await.unwrap();
    assert_eq!(read(files, "a.txt").await, b"third!!");
    let answer = put_if(files, "missing.txt", "x", one).await;
    assert_eq!(kind(answer), ErrorKind::Conflict);
    assert_eq!(stat(files, "missing.txt").await, None);
}

pub(super) async fn what_is_expected_is_checked_at_the_end(account: &Account) {
    let Some(files) = account.files() else { return };
    let request = UploadRequest::new(path("a.txt"), 4).with_expect(Expect::Absent);
    let mut session = files.upload(request).await.unwrap();
    send(&mut *session, &"late".into()).await.unwrap();
    let early = put(files, "a.txt", "early").await;
    let answer = session.finish(&Hashes::new()).await;
    assert_eq!(kind(answer), ErrorKind::AlreadyExists);
    assert_eq!(read(files, "a.txt").await, b"early");

    let expect = Expect::Version(early.version);
    let request = UploadRequest::new(path("a.txt"), 4).with_expect(expect);
    let mut session = files.upload(request).await.unwrap();
    send(&mut *session, &"late".into()).await.unwrap();
    put(files, "a.txt", "between").await;
    let answer = session.finish(&Hashes::new()).await;
    assert_eq!(kind(answer), ErrorKind::Conflict);
    assert_eq!(read(files, "a.txt").await, b"between");
}

pub(super) async fn of_two_uploads_that_expect_nothing_one_wins(account: &Account) {
    let Some(files) = account.files() else { return };
    let names = ["day/a.txt"; 4];
    let contents = ["one", "two", "three", "four"];
    let uploads = names
        .into_iter()
        .zip(contents)
        .map(|(name, content)| put_if(files, name, content, Expect::Absent));
    let answers = join_all(uploads).await;
    let winners = (0..4).zip(answers).filter_map(|(n, answer)| match answer {
        Ok(_) => contents.get(n),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");
            None
        }
    });
    let winners: Vec<_> = winners.collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    let stands = read(files, "day/a.txt").await;
    assert!(winners.iter().all(|content| content.as_bytes() == stands));
}

pub(super) async fn a_delete_of_a_version_deletes_only_that(account: &Account) {
    let Some(files) = account.files() else { return };
    let (one, two) = two_versions(files, "a.txt").await;
    for wrong in [one, Expect::Absent] {
        let answer = files.delete(&path("a.txt"), &wrong).await;
        assert_eq!(kind(answer), ErrorKind::Conflict);
        assert_eq!(read(files, "a.txt").await, b"second");
    }
    files.delete(&path("a.txt"), &two).await.unwrap();
    assert_eq!(stat(files, "a.txt").await, None);
}

pub(super) async fn a_rename_of_a_version_moves_only_that(account: &Account) {
    let Some(files) = account.files() else { return };
    let (one, two) = two_versions(files, "a.txt").await;
    let (from, to) = (path("a.txt"), path("day/b.txt"));
    for wrong in [one, Expect::Absent] {
        let answer = files.rename(&from, &wrong, &to).await;
        assert_eq!(kind(answer), ErrorKind::Conflict);
        assert_eq!(read(files, "a.txt").await, b"second");
        assert_eq!(stat(files, "day/b.txt").await, None);
    }
    files.rename(&from, &two, &to).await.unwrap();
    assert_eq!(read(files, "day/b.txt").await, b"second");
}

/// Writes a file twice and returns both versions, which differ in size.
async fn two_versions(files: &dyn FileStore, name: &str) -> (Expect, Expect) {
    let one = put(files, name, "one").await;
    let two = put(files, name, "second").await;
    (Expect::Version(one.version), Expect::Version(two.version))
}
