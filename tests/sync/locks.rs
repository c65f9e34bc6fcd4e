//! Two runs of one sync.

use std::sync::Arc;
use std::time::Duration;

use garland::ErrorKind;
use garland::backends::Memory;
use garland::platforms::MemoryPlatform;
use tokio::sync::Notify;

use crate::tools::{Call, Desk, Hooked, listed, plain};

/// A card that waits before it gives the bytes of `a` until it is told to go on.
pub(crate) fn waiting(card: &MemoryPlatform) -> (Hooked, Arc<Notify>, Arc<Notify>) {
    let (reached, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let hooks = (Arc::clone(&reached), Arc::clone(&go));
    let hooked = Hooked::new(card.clone()).before(move |call| {
        let (reached, go) = hooks.clone();
        async move {
            if call == Call::Piece("a".into(), 0) {
                reached.notify_one();
                go.notified().await;
            }
        }
    });
    (hooked, reached, go)
}

#[tokio::test(start_paused = true)]
async fn a_second_run_over_one_database_is_refused_until_the_first_is_over() {
    let (card, drive) = (plain(), plain());
    card.put("a", "a").unwrap();
    let (hooked, reached, go) = waiting(&card);
    let database = Memory::new();
    let desk = Desk::peers()
        .place("card", hooked)
        .place("drive", drive.clone())
        .database(database.clone());
    let other = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone())
        .database(database);
    let first = tokio::spawn(async move { desk.settle().await });
    reached.notified().await;
    let error = other.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    let wait = error.retry_after().unwrap();
    assert!(
        wait > Duration::ZERO && wait <= Duration::from_secs(30),
        "{wait:?}"
    );
    other.request().await.plan().await.unwrap();
    go.notify_one();
    first.await.unwrap();
    other.at_rest().await;
    assert_eq!(listed(&drive), listed(&card));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_long_to_list_keeps_its_place() {
    let (card, drive) = (plain(), plain());
    card.put("a", "a").unwrap();
    let slow = Hooked::new(card.clone()).before(|call| async move {
        if call == Call::List {
            tokio::time::sleep(Duration::from_secs(59)).await;
        }
    });
    let desk = Desk::peers()
        .place("card", slow)
        .place("drive", drive.clone());
    let mut other = desk.clone();
    other.places[0].1 = Arc::new(card.clone());
    let first = tokio::spawn(async move { desk.settle().await });
    tokio::time::sleep(Duration::from_secs(45)).await;
    assert_eq!(other.run().await.unwrap_err().kind(), ErrorKind::Locked);
    first.await.unwrap();
    other.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn syncs_of_other_places_do_not_wait_for_each_other() {
    let (card, drive, nas) = (plain(), plain(), plain());
    card.put("a", "a").unwrap();
    let (hooked, reached, go) = waiting(&card);
    let database = Memory::new();
    let desk = Desk::peers()
        .place("card", hooked)
        .place("drive", drive.clone())
        .database(database.clone());
    let other = Desk::peers()
        .place("card", card.clone())
        .place("nas", nas.clone())
        .database(database);
    let first = tokio::spawn(async move { desk.settle().await });
    reached.notified().await;
    other.settle().await;
    assert_eq!(listed(&nas), listed(&card));
    go.notify_one();
    first.await.unwrap();
}
