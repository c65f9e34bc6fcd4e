//! What is left behind, and what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use garland::Clock as _;
use garland::connector::{Expect, FileStore, UploadRequest};
use garland::crypto::Tidied;
use garland::journal::Event;
use garland::platforms::MemoryPlatform;
use garland::storage::JournalName;
use garland::testing::{FaultKind, FaultRule, Faults, Operation};

use crate::world::{Studio, content, kind, options, path, put, read, send};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn events(studio: &Studio, name: &str) -> usize {
    let entries = studio
        .store()
        .read_journal(&JournalName::main(), 0, 1_000)
        .await
        .unwrap();
    let events = entries
        .iter()
        .map(|entry| entry.event.read::<Event>().unwrap());
    events.filter(|event| event.kind.as_str() == name).count()
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_nobody_ends_is_tidied_away_and_no_live_one_is() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account.clone()), options());
    let bytes = content(20_000, 1);
    let begin = async |name: &str| {
        sealed
            .upload(UploadRequest::new(path(name), 20_000))
            .await
            .unwrap()
    };
    let forgotten = begin("forgotten.jpg").await;
    let token = forgotten.token().unwrap();
    drop(forgotten);
    tokio::time::advance(DAY * 2).await;
    // One look is not enough.
    assert_eq!(sealed.tidy(studio.clock.now()).await.unwrap().dropped, 0);
    let mut live = begin("live.jpg").await;
    tokio::time::advance(DAY * 2).await;
    send(&mut *live, &bytes).await.unwrap();
    // However it is asked, what moved a moment ago is alive.
    let tidied = sealed.tidy(studio.clock.now()).await.unwrap();
    assert_eq!((tidied.dropped, tidied.erased), (1, 0));
    assert_eq!(studio.file_keys().await, 1);
    live.finish(&crate::world::none()).await.unwrap();
    assert!(read(&sealed, "live.jpg").await.unwrap() == bytes);
    let expired = sealed.resume_upload(&token).await.map(drop);
    assert_eq!(kind(expired), garland::ErrorKind::Expired);
    assert_eq!(
        account.unfinished_uploads(),
        0,
        "what it had sent is gone as well"
    );
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_was_tidied_away_does_not_appear() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account.clone()), options());
    let bytes = content(5, 1);
    let mut slow = sealed
        .upload(UploadRequest::new(path("a"), 5))
        .await
        .unwrap();
    send(&mut *slow, &bytes).await.unwrap();
    for dropped in [0, 1] {
        tokio::time::advance(DAY * 2).await;
        let tidied = sealed.tidy(studio.clock.now()).await.unwrap();
        assert_eq!(tidied.dropped, dropped);
    }
    let finished = slow.finish(&crate::world::none()).await.map(drop);
    assert_eq!(kind(finished), garland::ErrorKind::Expired);
    assert!(account.listed().is_empty(), "nobody could ever read it");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_removed_on_the_account_is_erased_after_a_while() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account.clone()), options());
    for name in ["gone.jpg", "back.jpg", "stays.jpg"] {
        put(&sealed, name, &content(100, 1)).await.unwrap();
    }
    let kept = ["gone.jpg", "back.jpg"].map(|name| account.get(&format!("{name}.sealed")).unwrap());
    for name in ["gone.jpg.sealed", "back.jpg.sealed"] {
        account.remove(name).unwrap();
    }
    let tidy = async || sealed.tidy(studio.clock.now()).await.unwrap();
    let missing = |tidied: Tidied| (tidied.missing, tidied.erased);
    assert_eq!(missing(tidy().await), (2, 0));
    account.put("back.jpg.sealed", kept[1].clone()).unwrap();
    tokio::time::advance(DAY / 2).await;
    assert_eq!(missing(tidy().await), (1, 0));
    tokio::time::advance(DAY * 2).await;
    assert_eq!(missing(tidy().await), (0, 1));
    assert_eq!(events(&studio, "keys.destroyed").await, 1);
    assert_eq!(studio.file_keys().await, 2);
    // It comes out of the bin, and is nothing any more.
    account.put("gone.jpg.sealed", kept[0].clone()).unwrap();
    assert_eq!(
        kind(read(&sealed, "gone.jpg").await),
        garland::ErrorKind::Corrupt
    );
    assert!(read(&sealed, "back.jpg").await.unwrap() == content(100, 1));
}

#[tokio::test(start_paused = true)]
async fn a_delete_erases_every_version_that_was_kept() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account.clone()), options());
    for seed in 0..80 {
        put(&sealed, "a.jpg", &content(100, seed)).await.unwrap();
    }
    assert_eq!(studio.file_keys().await, 80);
    let object = account.get("a.jpg.sealed").unwrap();
    sealed
        .delete(&path("a.jpg"), &Expect::Anything)
        .await
        .unwrap();
    account.put("a.jpg.sealed", object).unwrap();
    assert_eq!(
        kind(read(&sealed, "a.jpg").await),
        garland::ErrorKind::Corrupt
    );
    assert_eq!(studio.file_keys().await, 0);
    assert_eq!(events(&studio, "keys.destroyed").await, 80);
    assert!(studio.records().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn replaced_versions_are_kept_until_they_are_pruned() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account.clone()), options());
    for seed in 0..3 {
        tokio::time::advance(DAY).await;
        put(&sealed, "a.jpg", &content(100, seed)).await.unwrap();
    }
    let before = studio.clock.now();
    assert_eq!(sealed.prune(before).await.unwrap(), 1);
    assert_eq!(studio.file_keys().await, 2);
    tokio::time::advance(DAY).await;
    assert_eq!(sealed.prune(studio.clock.now()).await.unwrap(), 1);
    assert!(read(&sealed, "a.jpg").await.unwrap() == content(100, 2));
}

#[tokio::test(start_paused = true)]
async fn of_several_uploads_to_one_path_the_last_stands_and_no_key_is_left() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let faults = Faults::none();
    let shaky = studio.through(&faults);
    for silent in [None, Some(0), Some(1), Some(2)] {
        let sealed = shaky.sealed(Arc::new(account.clone()), options());
        let mut uploads = Vec::new();
        for seed in 0..3 {
            let bytes = content(20_000, seed);
            let request = UploadRequest::new(path("a.jpg"), 20_000);
            let mut session = sealed.upload(request).await.unwrap();
            send(&mut *session, &bytes).await.unwrap();
            uploads.push(session);
        }
        for (number, session) in uploads.into_iter().enumerate() {
            if silent == Some(number) {
                // It comes to its place, and that cannot be put on record.
                let lost = FaultKind::Error(garland::ErrorKind::Unavailable);
                faults.add_rule(FaultRule::new(Operation::Commit, lost));
            }
            let finished = session.finish(&crate::world::none()).await;
            assert_eq!(finished.is_ok(), silent != Some(number), "{finished:?}");
            let seed = u64::try_from(number).unwrap();
            let there = read(&sealed, "a.jpg").await.unwrap();
            assert!(there == content(20_000, seed), "{silent:?}: {number}");
        }
        for _ in 0..2 {
            tokio::time::advance(DAY * 2).await;
            sealed.tidy(studio.clock.now()).await.unwrap();
        }
        sealed.prune(studio.clock.now()).await.unwrap();
        assert_eq!(studio.file_keys().await, 1);
        assert!(read(&sealed, "a.jpg").await.unwrap() == content(20_000, 2));
    }
}
