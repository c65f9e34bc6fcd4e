//! Making, finding and destroying keys.

use garland::ErrorKind;
use garland::Timestamp;
use garland::storage::{Batch, Store};

use crate::world::{body, make, memory, organization, ring_on};

#[tokio::test]
async fn a_key_is_found_until_it_is_destroyed() {
    let backend = memory();
    let ring = ring_on(&backend, "a", 1);
    let store = Store::new(backend, organization("a"));
    let key = make(&ring, &store, &body("x")).await;
    assert!(ring.key(&body("x")).await.unwrap().is(&key));
    let mut batch = Batch::new(Timestamp::from_millis(0));
    ring.destroy(&mut batch, &body("x")).unwrap();
    store.commit(batch).await.unwrap();
    let gone = ring.key(&body("x")).await.err().unwrap();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn many_keys_come_in_the_order_of_their_names() {
    let backend = memory();
    let ring = ring_on(&backend, "a", 1);
    let store = Store::new(backend, organization("a"));
    let names: Vec<_> = (0..100).map(|number| body(&number.to_string())).collect();
    let mut made = Vec::new();
    for name in &names {
        made.push(make(&ring, &store, name).await);
    }
    let mut asked = names.clone();
    asked.insert(50, body("unknown"));
    let mut found = ring.keys(&asked).await.unwrap();
    assert!(found.remove(50).is_none());
    assert!(
        found
            .iter()
            .zip(&made)
            .all(|(found, made)| found.as_ref().is_some_and(|key| key.is(made)))
    );
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
}
