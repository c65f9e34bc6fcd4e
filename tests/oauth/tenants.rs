//! Two organizations on one database: nothing of one is there for the other.

use std::sync::Arc;

use garland::crypto::FILE_KEYS;
use garland::oauth::{OAUTH_ACCOUNTS, OAUTH_AUTHORIZATIONS, OAuth, OAuthOptions};
use garland::storage::{Batch, Collection, Query, Store, Write};
use garland::{ErrorKind, Timestamp};

use crate::fake::Habit;
use crate::world::{SESSION, World, browse, name, parts_of, refused};

fn neighbour(world: &World) -> (Store, OAuth) {
    let store = Store::new(Arc::clone(&world.backend), "neighbour".parse().unwrap());
    let parts = parts_of(store.clone(), Arc::new(world.clock.clone()));
    let provider = world.fake.provider();
    let oauth = OAuth::new(parts, [provider], OAuthOptions::default()).unwrap();
    (store, oauth)
}

/// Copies every record of a collection as it lies there.
async fn copy<T>(from: &Store, to: &Store, collection: &Collection<T>) -> usize {
    let page = from
        .query(&Query::all(collection.name().clone()))
        .await
        .unwrap();
    let copied = page.records.len();
    let mut batch = Batch::new(Timestamp::from_millis(0));
    for record in page.records {
        batch.push(Write::Put {
            collection: collection.name().clone(),
            id: record.id,
            value: record.value,
            indexes: Vec::new(),
            precondition: garland::storage::Precondition::Any,
        });
    }
    to.commit(batch).await.unwrap();
    copied
}

#[tokio::test]
async fn a_neighbour_finds_nothing() {
    let world = World::new(Habit::Strict).await;
    let (_, oauth) = neighbour(&world);
    let started = world.begin().await;
    let callback = browse(started.url()).await;
    refused(oauth.finish(SESSION, &callback).await, ErrorKind::Refused);
    world.oauth.finish(SESSION, &callback).await.unwrap();
    refused(oauth.account(&name()).await, ErrorKind::NotFound);
    refused(oauth.disconnect(&name()).await, ErrorKind::NotFound);
    assert_eq!(oauth.accounts().await.unwrap().len(), 0);
    assert_eq!(oauth.tend().await.unwrap().accounts, 0);
}

#[tokio::test]
async fn what_is_copied_to_a_neighbour_does_not_open_there() {
    let world = World::new(Habit::Strict).await;
    let (there, oauth) = neighbour(&world);
    let started = world.begin().await;
    let callback = browse(started.url()).await;
    assert_eq!(copy(&world.store(), &there, &OAUTH_AUTHORIZATIONS).await, 1);
    refused(oauth.finish(SESSION, &callback).await, ErrorKind::Corrupt);
    world.oauth.finish(SESSION, &callback).await.unwrap();
    assert_eq!(copy(&world.store(), &there, &OAUTH_ACCOUNTS).await, 1);
    refused(oauth.account(&name()).await, ErrorKind::NotFound);
    assert!(copy(&world.store(), &there, &FILE_KEYS).await >= 1);
    assert!(oauth.account(&name()).await.is_err());
    assert_eq!(world.fake.refreshes(), 0);
}
