//! Making, finding and destroying keys.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use garland::crypto::{
    FILE_KEYS, KEY_EPOCHS, KekId, KeyEpoch, KeyName, KeyProvider, Purpose, SecretKey,
};
use garland::storage::Query;
use garland::{ErrorKind, OrganizationId, Result};

use crate::world::{
    TestRoot, batch, body, destroy, events, make, make_many, memory, ring_on, ring_with, store,
    under, wraps,
};

#[tokio::test]
async fn a_key_is_found_until_it_is_destroyed() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    let key = make(&ring, &store, &body("x")).await;
    assert!(ring.key(&body("x")).await.unwrap().is(&key));
    destroy(&ring, &store, &body("x")).await;
    let gone = ring.key(&body("x")).await.err().unwrap();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    assert_eq!(events(&store).await, ["keys.epoch_begun", "keys.destroyed"]);
}

#[tokio::test]
async fn a_name_has_one_key_until_it_is_destroyed() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    let first = make(&ring, &store, &body("x")).await;
    let mut twice = batch();
    ring.create(&mut twice, &body("x")).await.unwrap();
    let refused = store.commit(twice).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(ring.key(&body("x")).await.unwrap().is(&first));
    destroy(&ring, &store, &body("x")).await;
    let second = make(&ring, &store, &body("x")).await;
    assert!(!second.is(&first));
    assert!(ring.key(&body("x")).await.unwrap().is(&second));
}

#[tokio::test]
async fn each_version_and_purpose_has_its_own_key() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    let names = [
        KeyName::new("x", "1", Purpose::Body),
        KeyName::new("x", "2", Purpose::Body),
        KeyName::new("x", "1", Purpose::Thumb),
        KeyName::new("x1", "", Purpose::Body),
    ];
    let mut keys = Vec::new();
    for name in &names {
        keys.push(make(&ring, &store, name).await);
    }
    for (at, name) in names.iter().enumerate() {
        let found = ring.key(name).await.unwrap();
        let same: Vec<_> = keys.iter().map(|key| key.is(&found)).collect();
        assert_eq!(same.iter().position(|same| *same), Some(at));
        assert_eq!(same.iter().filter(|same| **same).count(), 1);
    }
}

#[tokio::test]
async fn many_keys_come_in_the_order_of_their_names() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    let made = make_many(&ring, &store, 100).await;
    let mut names: Vec<_> = (0..100).map(body).collect();
    names.insert(50, body("unknown"));
    let mut found = ring.keys(&names).await.unwrap();
    assert!(found.remove(50).is_none());
    let same = |(found, made): (&Option<_>, _)| {
        let found: &Option<garland::crypto::SecretKey> = found;
        found.as_ref().is_some_and(|key| key.is(made))
    };
    assert!(found.iter().zip(&made).all(same));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_key_is_one_key_whoever_asks_first() {
    let backend = memory();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..16 {
        // A ring of its own, as another process has.
        let ring = ring_on(&backend, "a", 1);
        running.spawn(async move { ring.shared("names").await });
    }
    let keys = running.join_all().await;
    let first = keys[0].as_ref().ok().unwrap();
    assert!(keys.iter().all(|key| key.as_ref().ok().unwrap().is(first)));
    let other = ring_on(&backend, "a", 1).shared("audit").await.unwrap();
    assert!(!other.is(first));
    let foreign = ring_on(&backend, "b", 1).shared("names").await.unwrap();
    assert!(!foreign.is(first));
    let kept = store(&backend, "a");
    assert_eq!(
        events(&kept).await,
        ["keys.epoch_begun"],
        "one epoch was begun by sixteen"
    );
}

#[tokio::test]
async fn a3_records_copied_to_another_organization_do_not_open() {
    let backend = memory();
    let (ring, ours) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    make(&ring, &ours, &body("x")).await;
    let theirs = store(&backend, "b");
    let foreign = ring_on(&backend, "b", 1);
    make(&foreign, &theirs, &body("y")).await;

    // The same file under its own name: there is none.
    let missing = foreign.key(&body("x")).await.err().unwrap();
    let unknown = foreign.key(&body("never made")).await.err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(missing.kind(), unknown.kind());
    assert_eq!(missing.message(), unknown.message());

    // The wrapped key alone, put in the place of theirs: its epoch is not known there.
    let (_, copied) = wraps(&ours).await.remove(0);
    let (place, _) = wraps(&theirs).await.remove(0);
    let mut copy = batch();
    copy.put(&FILE_KEYS, place, &copied).unwrap();
    theirs.commit(copy).await.unwrap();
    assert!(foreign.key(&body("y")).await.is_err());

    // The epoch as well: the root does not open it for another organization.
    let page = ours.query(&Query::all(KEY_EPOCHS.name().clone())).await;
    let epoch = page.unwrap().records.remove(0);
    let value: KeyEpoch = epoch.value.read().unwrap();
    let mut copy = batch();
    let index = (
        garland::storage::IndexName::new("kek"),
        value.kek.parse().unwrap(),
    );
    let any = garland::storage::Precondition::Any;
    copy.put_with(&KEY_EPOCHS, epoch.id, &value, any, vec![index])
        .unwrap();
    theirs.commit(copy).await.unwrap();
    let refused = foreign.key(&body("y")).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
}

#[tokio::test]
async fn a3_a_record_under_another_name_does_not_open() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    make(&ring, &store, &body("x")).await;
    let secret = wraps(&store).await.remove(0).1;
    make(&ring, &store, &body("y")).await;
    let (place, _) = wraps(&store)
        .await
        .into_iter()
        .find(|(_, value)| value.file == "y")
        .unwrap();
    let mut swap = batch();
    swap.put(&FILE_KEYS, place, &secret).unwrap();
    store.commit(swap).await.unwrap();
    let refused = ring.key(&body("y")).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    assert_eq!(under(&store).await.len(), 1);
}

/// A root so slow that somebody does something while it opens a key.
#[derive(Default)]
struct SlowRoot(Mutex<Option<BoxFuture<'static, ()>>>);

impl std::fmt::Debug for SlowRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SlowRoot")
    }
}

#[async_trait]
impl KeyProvider for SlowRoot {
    async fn wrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        key: &SecretKey,
    ) -> Result<Vec<u8>> {
        TestRoot(1).wrap(organization, epoch, key).await
    }

    async fn unwrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        wrapped: &[u8],
    ) -> Result<SecretKey> {
        let deed = self.0.lock().unwrap().take();
        if let Some(deed) = deed {
            deed.await;
        }
        TestRoot(1).unwrap(organization, epoch, wrapped).await
    }
}

#[tokio::test]
async fn a_key_that_is_being_opened_while_its_epoch_is_retired_is_not_kept() {
    let backend = memory();
    let kept = store(&backend, "a");
    make(&ring_on(&backend, "a", 1), &kept, &body("x")).await;
    let (place, stale) = wraps(&kept).await.remove(0);
    let root = Arc::new(SlowRoot::default());
    let ring = ring_with(&backend, "a", Arc::<SlowRoot>::clone(&root));
    let clone = ring.clone();
    let deed = async move {
        clone.rotate().await.unwrap();
        clone.retire(1).await.unwrap();
    };
    *root.0.lock().unwrap() = Some(deed.boxed());
    // Whoever asked before may have it or not.
    let outcome = ring.key(&body("x")).await;
    assert!(outcome.is_ok(), "{:?}", outcome.err());
    // An old copy of the record is put back.
    let mut old = batch();
    old.put(&FILE_KEYS, place, &stale).unwrap();
    kept.commit(old).await.unwrap();
    for ring in [ring.clone(), ring] {
        let gone = ring.key(&body("x")).await.err().unwrap();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
    }
}
