//! A wrong option or a wrong account destroys nothing, and what shall be destroyed is, to the last key.

use std::sync::Arc;
use std::time::Duration;

use garland::connector::{Expect, FileStore};
use garland::platforms::MemoryPlatform;
use garland::testing::{FaultKind, FaultRule, Faults, Operation};
use garland::{Clock as _, ErrorKind};

use crate::world::{Studio, content, kind, list, options, path, put, read, sealed_names};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(start_paused = true)]
async fn a_place_under_another_kind_of_names_is_refused() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account.clone()), options());
    put(&sealed, "a", &content(10, 1)).await.unwrap();
    let wrong = studio.sealed(Arc::new(account), sealed_names());
    for _ in 0..3 {
        tokio::time::advance(DAY * 2).await;
        let tidied = wrong.tidy(studio.clock.now()).await;
        assert_eq!(kind(tidied), ErrorKind::InvalidInput);
    }
    assert_eq!(kind(read(&wrong, "a").await), ErrorKind::InvalidInput);
    assert_eq!(kind(list(&wrong).await), ErrorKind::InvalidInput);
    assert!(read(&sealed, "a").await.unwrap() == content(10, 1));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_erased_for_a_wrong_account() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account), options());
    for name in ["a", "b", ".garland/recovered/c"] {
        put(&sealed, name, &content(10, 1)).await.unwrap();
    }
    let empty = studio.sealed(Arc::new(MemoryPlatform::default()), options());
    for _ in 0..3 {
        tokio::time::advance(DAY * 2).await;
        assert_eq!(
            kind(empty.tidy(studio.clock.now()).await),
            ErrorKind::Conflict
        );
    }
    assert_eq!(studio.file_keys().await, 3);
    assert_eq!(sealed.tidy(studio.clock.now()).await.unwrap().missing, 0);
    assert!(read(&sealed, "a").await.unwrap() == content(10, 1));
}

#[tokio::test(start_paused = true)]
async fn most_of_many_files_are_erased_only_if_that_is_allowed() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account.clone()), options());
    for number in 0..12 {
        put(&sealed, &format!("{number}"), &content(10, 1))
            .await
            .unwrap();
    }
    for number in 0..7 {
        account.remove(&format!("{number}.sealed")).unwrap();
    }
    let allowed = options().with_erase_most(true);
    let allowed = studio.sealed(Arc::new(account), allowed);
    assert_eq!(
        kind(sealed.tidy(studio.clock.now()).await),
        ErrorKind::Conflict
    );
    assert_eq!(allowed.tidy(studio.clock.now()).await.unwrap().missing, 7);
    tokio::time::advance(DAY * 2).await;
    assert_eq!(
        kind(sealed.tidy(studio.clock.now()).await),
        ErrorKind::Conflict
    );
    assert_eq!(studio.file_keys().await, 12);
    assert_eq!(allowed.tidy(studio.clock.now()).await.unwrap().erased, 7);
    assert_eq!(studio.file_keys().await, 5);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_failed_half_way_is_ended_by_tidying() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account.clone()), options());
    put(&sealed, "bystander", &content(10, 1)).await.unwrap();
    for seed in 0..90 {
        put(&sealed, "a", &content(10, seed)).await.unwrap();
    }
    let fault = FaultKind::Error(ErrorKind::Unavailable);
    let faults = Faults::none().with_rule(FaultRule::new(Operation::Commit, fault).nth(2));
    let shaky = studio.through(&faults).sealed(Arc::new(account), options());
    let deleted = shaky.delete(&path("a"), &Expect::Anything).await;
    assert_eq!(kind(deleted), ErrorKind::Unavailable);
    assert!((2..91).contains(&studio.file_keys().await));
    sealed.tidy(studio.clock.now()).await.unwrap();
    assert_eq!(studio.file_keys().await, 1);
    assert_eq!(studio.records().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn prune_erases_all_and_counts_them() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account), options());
    for seed in 0..90 {
        put(&sealed, "a", &content(10, seed)).await.unwrap();
    }
    tokio::time::advance(DAY).await;
    assert_eq!(sealed.prune(studio.clock.now()).await.unwrap(), 89);
    assert_eq!(studio.file_keys().await, 1);
}

#[tokio::test(start_paused = true)]
async fn of_replaced_versions_the_newest_hundred_are_kept() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account), options());
    for seed in 0..104 {
        tokio::time::advance(Duration::from_secs(1)).await;
        put(&sealed, "a", &content(10, seed)).await.unwrap();
    }
    let records = studio.records().await;
    assert_eq!(records[0].replaced.len(), 100);
    assert_eq!(studio.file_keys().await, 101);
    assert!(read(&sealed, "a").await.unwrap() == content(10, 103));
}
