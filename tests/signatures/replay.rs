//! What came before is acknowledged and not processed again (W2).

use std::sync::Arc;
use std::time::Duration;

use garland::backends::Memory;
use garland::crypto::signatures::{
    Deliveries, Receipt, Scheme, SigningSecret, Verified, WEBHOOK_DELIVERIES, WebhookId,
    WebhookSigner,
};
use garland::storage::{Batch, Collection, Precondition, Query, StorageBackend, Store};
use garland::testing::PausedClock;
use garland::{ErrorKind, OrganizationId};
use tokio::task::JoinSet;

use crate::{BODY, SENT, at, delivery, verify};

const QUEUE: Collection<String> = Collection::new("webhook_queue");
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn store() -> Store {
    let backend: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    Store::new(backend, OrganizationId::default())
}

fn deliveries(store: &Store) -> Deliveries {
    let clock = Arc::new(PausedClock::starting(at(SENT)));
    Deliveries::new(store.clone(), clock)
}

fn named(id: &str) -> Verified {
    let signer = WebhookSigner::new(SigningSecret::parse(SECRET).unwrap());
    let id = WebhookId::parse(id).unwrap();
    let headers = signer.sign(&id, at(SENT), BODY.as_bytes()).unwrap();
    let delivery = delivery(&headers.to_pairs());
    verify(Scheme::STANDARD_WEBHOOKS, &[SECRET], &delivery, SENT).unwrap()
}

fn work(id: &str) -> Batch {
    let mut batch = Batch::new(at(SENT));
    let absent = Precondition::Absent;
    batch
        .put_with(
            &QUEUE,
            id.parse().unwrap(),
            &BODY.to_owned(),
            absent,
            Vec::new(),
        )
        .unwrap();
    batch
}

async fn count(store: &Store) -> usize {
    let query = Query::all(WEBHOOK_DELIVERIES.name().clone());
    store.query(&query).await.unwrap().records.len()
}

#[tokio::test(start_paused = true)]
async fn w2_a_delivery_is_processed_once() {
    let store = store();
    let deliveries = deliveries(&store);
    let one = named("msg_1");
    let first = deliveries.accept("hooks/7", &one, work("a")).await.unwrap();
    let again = deliveries.accept("hooks/7", &one, work("b")).await.unwrap();
    assert_eq!((first, again), (Receipt::Fresh, Receipt::Repeated));
    assert!(
        store
            .get(&QUEUE, &"b".parse().unwrap())
            .await
            .unwrap()
            .is_none()
    );
    // The same id of another source is another delivery, and so is another id.
    let other = deliveries.accept("hooks/8", &one, work("c")).await.unwrap();
    let next = deliveries
        .accept("hooks/7", &named("msg_2"), work("d"))
        .await
        .unwrap();
    assert_eq!((other, next), (Receipt::Fresh, Receipt::Fresh));
}

#[tokio::test(start_paused = true)]
async fn w2_of_many_at_once_exactly_one_wins() {
    let store = store();
    let deliveries = deliveries(&store);
    let mut tasks = JoinSet::new();
    for n in 0..50 {
        let (deliveries, one) = (deliveries.clone(), named("msg_1"));
        tasks.spawn(async move {
            let batch = work(&format!("{n}"));
            deliveries.accept("hooks/7", &one, batch).await.unwrap()
        });
    }
    let receipts = tasks.join_all().await;
    let fresh = receipts
        .iter()
        .filter(|receipt| **receipt == Receipt::Fresh);
    assert_eq!(fresh.count(), 1);
    let repeated = receipts
        .iter()
        .filter(|receipt| **receipt == Receipt::Repeated);
    assert_eq!(repeated.count(), 49);
    let queue = Query::all(QUEUE.name().clone());
    assert_eq!(store.query(&queue).await.unwrap().records.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn w2_what_could_not_be_acted_on_is_not_remembered() {
    let store = store();
    let deliveries = deliveries(&store);
    store.commit(work("a")).await.unwrap();
    let error = deliveries
        .accept("hooks/7", &named("msg_1"), work("a"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(count(&store).await, 0);
    let later = deliveries
        .accept("hooks/7", &named("msg_1"), work("b"))
        .await
        .unwrap();
    assert_eq!(later, Receipt::Fresh);
}

#[tokio::test(start_paused = true)]
async fn w2_what_is_remembered_outlives_the_window_and_then_goes() {
    let store = store();
    let deliveries = deliveries(&store).with_keep(Duration::ZERO);
    for n in 0..250 {
        let one = named(&format!("msg_{n}"));
        deliveries
            .accept("hooks/7", &one, Batch::new(at(SENT)))
            .await
            .unwrap();
    }
    // A delivery of 300 s ahead is taken now and stays fresh for 600 s.
    tokio::time::advance(Duration::from_millis(599_999)).await;
    assert_eq!(deliveries.prune(1_000).await.unwrap(), 0);
    let again = deliveries
        .accept("hooks/7", &named("msg_7"), Batch::new(at(SENT)))
        .await;
    assert_eq!(again.unwrap(), Receipt::Repeated);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(deliveries.prune(120).await.unwrap(), 120);
    assert_eq!(deliveries.prune(1_000).await.unwrap(), 130);
    assert_eq!(count(&store).await, 0);
}

#[tokio::test(start_paused = true)]
async fn w2_a_scheme_with_nothing_to_tell_by_says_so() {
    let value = "3308d0984c838c57ad123f1a5cfaf4f8806a8fd2ad714a85f896be64be827e82";
    let dropbox = delivery(&[("x-dropbox-signature", value)]);
    let verified = verify(Scheme::DROPBOX, &[crate::KEY], &dropbox, SENT).unwrap();
    let store = store();
    let deliveries = deliveries(&store);
    for id in ["a", "b"] {
        let receipt = deliveries
            .accept("hooks/7", &verified, work(id))
            .await
            .unwrap();
        assert_eq!(receipt, Receipt::Unknown);
    }
    assert_eq!(count(&store).await, 0);
}

#[tokio::test(start_paused = true)]
async fn w2_a_stamped_delivery_without_an_id_is_told_by_what_was_signed() {
    let value = "t=1700000000,s=9b8faa484176a4e9b7367c0d5338266d095e78ff69988c2f0bbc3e41d9130ea0";
    let one = delivery(&[("TikTok-Signature", value)]);
    // Whoever sends it again can change what is not signed.
    let other = delivery(&[
        ("TikTok-Signature", &format!("s=x,{value}")),
        ("x-more", "1"),
    ]);
    let store = store();
    let deliveries = deliveries(&store);
    for (delivery, expected) in [(one, Receipt::Fresh), (other, Receipt::Repeated)] {
        let verified = verify(Scheme::TIKTOK, &[crate::KEY], &delivery, SENT).unwrap();
        let batch = Batch::new(at(SENT));
        let receipt = deliveries.accept("tiktok", &verified, batch).await.unwrap();
        assert_eq!(receipt, expected);
    }
}
