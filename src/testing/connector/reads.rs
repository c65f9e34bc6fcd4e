//! Rules of reading.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::connector::{ContentHasher, Expect, FileVersion, ReadOptions, UploadRequest};
use crate::error::ErrorKind;

use super::account::{Account, content, kind, path, put, read, read_with, stat, upload};

pub(super) async fn what_was_put_reads_back(account: &Account) {
    let Some(files) = account.files() else { return };
    let entry = put(files, "day/ceremony/IMG_0001.jpg", "picture").await;
    assert_eq!(entry.path, path("day/ceremony/IMG_0001.jpg"));
    assert_eq!(entry.version.size, 7);
    assert_eq!(read(files, "day/ceremony/IMG_0001.jpg").await, b"picture");
    let elsewhere = account.files_elsewhere().unwrap();
    assert_eq!(
        read(elsewhere, "day/ceremony/IMG_0001.jpg").await,
        b"picture"
    );
}

pub(super) async fn an_empty_file_reads_back(account: &Account) {
    let Some(files) = account.files() else { return };
    let entry = put(files, "empty.txt", "").await;
    assert_eq!(entry.version.size, 0);
    assert_eq!(read(files, "empty.txt").await, b"");
}

pub(super) async fn a_file_of_several_chunks_reads_back(account: &Account) {
    let Some(files) = account.files() else { return };
    let rules = files.facts().chunks;
    let size = rules.preferred * 2 + rules.preferred / 3 + 1;
    if files.facts().max_file_size.is_some_and(|most| most < size) {
        return;
    }
    let content = content(size, 1);
    let entry = upload(files, UploadRequest::new(path("large.bin"), size), &content).await;
    assert_eq!(entry.unwrap().version.size, size);
    assert!(
        read(files, "large.bin").await == content,
        "other bytes came back"
    );
    let middle = rules.preferred - 1..rules.preferred + 2;
    let options = ReadOptions::default().with_range(middle.clone());
    let from = usize::try_from(middle.start).unwrap();
    let part = read_with(files, "large.bin", options).await.unwrap();
    assert_eq!(part, content.slice(from..from + 3));
}

pub(super) async fn a_range_gives_exactly_its_bytes(account: &Account) {
    let Some(files) = account.files() else { return };
    put(files, "a.txt", "0123456789").await;
    for (range, expected) in [
        (0..10, "0123456789"),
        (0..1, "0"),
        (3..7, "3456"),
        (9..10, "9"),
        (8..100, "89"),
        (5..5, ""),
    ] {
        let options = ReadOptions::default().with_range(range.clone());
        let part = read_with(files, "a.txt", options).await.unwrap();
        assert_eq!(part, expected.as_bytes(), "{range:?}");
    }
}

pub(super) async fn another_version_than_asked_for_is_not_read(account: &Account) {
    let Some(files) = account.files() else { return };
    let old = put(files, "a.txt", "old").await;
    let now = put(files, "a.txt", "newer").await;
    let asking = |version: &FileVersion| ReadOptions::default().with_version(version.clone());
    let answer = read_with(files, "a.txt", asking(&old.version)).await;
    assert_eq!(kind(answer), ErrorKind::Changed);
    let answer = read_with(files, "a.txt", asking(&now.version)).await;
    assert_eq!(answer.unwrap(), b"newer");
}

pub(super) async fn what_is_missing_is_not_found(account: &Account) {
    let Some(files) = account.files() else { return };
    put(files, "day/there.txt", "x").await;
    for name in [
        "missing.txt",
        "day/missing.txt",
        "no/such/folder.txt",
        "day",
    ] {
        let (missing, any) = (path(name), Expect::Anything);
        assert_eq!(stat(files, name).await, None, "{name}");
        let answer = files.read(&missing, ReadOptions::default()).await;
        if name == "day" {
            // A folder is not a file, but platforms differ in what they call it.
            assert!(answer.is_err());
            continue;
        }
        assert_eq!(kind(answer), ErrorKind::NotFound, "{name}");
        let answer = files.delete(&missing, &any).await;
        assert_eq!(kind(answer), ErrorKind::NotFound, "{name}");
        let answer = files.rename(&missing, &any, &path("to.txt")).await;
        assert_eq!(kind(answer), ErrorKind::NotFound, "{name}");
        assert_eq!(stat(files, "to.txt").await, None);
    }
}

pub(super) async fn what_was_deleted_is_gone(account: &Account) {
    let Some(files) = account.files() else { return };
    put(files, "day/a.txt", "a").await;
    put(files, "day/b.txt", "b").await;
    let target = path("day/a.txt");
    files.delete(&target, &Expect::Anything).await.unwrap();
    assert_eq!(stat(files, "day/a.txt").await, None);
    let answer = files.delete(&target, &Expect::Anything).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    assert_eq!(read(files, "day/b.txt").await, b"b");
    files.persist().await.unwrap();
}

pub(super) async fn reported_hashes_are_those_of_the_content(account: &Account) {
    let Some(files) = account.files() else { return };
    let algorithms = files.facts().hashes;
    let content = content(100_000, 2);
    let mut hasher = ContentHasher::new(algorithms.iter().copied());
    hasher.update(&content);
    let expected = hasher.finish();
    let request = UploadRequest::new(path("a.bin"), 100_000);
    let finished = upload(files, request, &content).await.unwrap();
    let looked_at = stat(files, "a.bin").await.unwrap();
    for version in [finished.version, looked_at.version] {
        for &algorithm in algorithms {
            let reported = version.hashes.get(algorithm);
            assert_eq!(reported, expected.get(algorithm), "{algorithm}");
        }
    }
}

pub(super) async fn modified_times_are_kept_as_finely_as_stated(account: &Account) {
    let Some(files) = account.files() else { return };
    let Some(precision) = files.facts().time_precision else {
        return;
    };
    let precision = precision.max(Duration::from_millis(1));
    for millis in [1_750_000_000_000, 1_750_000_001_999, 946_684_801_001] {
        let moment = Timestamp::from_millis(millis);
        let request = UploadRequest::new(path("a.txt"), 1).with_modified(moment);
        let finished = upload(files, request, &"x".into()).await.unwrap();
        let looked_at = stat(files, "a.txt").await.unwrap();
        assert_eq!(finished.version.modified, looked_at.version.modified);
        let kept = looked_at.version.modified.unwrap();
        let apart = kept.saturating_since(moment) + moment.saturating_since(kept);
        assert!(apart < precision, "{moment} is kept as {kept}");
    }
}
