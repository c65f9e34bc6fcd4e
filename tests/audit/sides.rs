//! What is personal about an event can be erased, and the chain stays valid.

use std::sync::Arc;

use futures_util::TryStreamExt;
use garland::audit::{SideRef, SubjectId, SubjectVault};
use garland::backends::Sqlite;
use garland::journal::Event;
use garland::storage::{Batch, Json, Store};
use garland::{ErrorKind, Timestamp};

use crate::world::{self, ACTED, Copies, auditor, check, journal, memory, refused, vault};

fn anna() -> SubjectId {
    "u-anna".parse().unwrap()
}

async fn record(store: &Store, vault: &SubjectVault, subject: &SubjectId, value: &str) -> SideRef {
    let mut batch = Batch::new(Timestamp::from_millis(5));
    let side = vault.seal(&mut batch, subject, value).await.unwrap();
    let event = Event::new(ACTED).with_data(&side).unwrap();
    batch.append(journal(), &event).unwrap();
    store.commit(batch).await.unwrap();
    side
}

async fn erase(store: &Store, vault: &SubjectVault, subject: &SubjectId) -> u64 {
    let mut batch = Batch::new(Timestamp::from_millis(6));
    let holder = vault.shred(&mut batch, subject).await.unwrap().unwrap();
    store.commit(batch).await.unwrap();
    vault.sweep(&holder).await.unwrap()
}

#[tokio::test]
async fn l4_erasure_keeps_the_chain_valid() {
    let store = memory();
    let vault = vault(&store);
    let ben: SubjectId = "u-ben".parse().unwrap();
    let hers = record(&store, &vault, &anna(), "allergic to nuts").await;
    let his = record(&store, &vault, &ben, "seat 7").await;
    let copies = Arc::new(Copies::default());
    auditor(&store, &copies, 10).seal_now().await.unwrap();
    let opened = vault.open(&hers).await.unwrap().unwrap();
    assert_eq!(opened.value.as_str(), "\"allergic to nuts\"");
    opened.verify(&world::organization()).unwrap();
    refused(
        opened.verify(&"studio-8".parse().unwrap()),
        ErrorKind::Corrupt,
    );
    assert_eq!(erase(&store, &vault, &anna()).await, 1);
    assert!(vault.open(&hers).await.unwrap().is_none());
    assert!(vault.holder(&anna()).await.unwrap().is_none());
    assert!(vault.open(&his).await.unwrap().is_some(), "nobody else's");
    let report = check(&store, &copies.all()).await;
    assert!(report.is_intact(), "{report}");
    assert_eq!(report.vouched, 3, "the first key is told of as well");
}

#[tokio::test]
async fn l4_nothing_of_the_value_or_the_subject_is_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let database = Sqlite::open(&path).await.unwrap();
    let store = world::store(Arc::new(database.clone()));
    let vault = vault(&store);
    record(&store, &vault, &anna(), "Anna Nussbaum").await;
    record(&store, &vault, &anna(), "Anna Nussbaum").await;
    let dump = |path: &std::path::Path| {
        let raw = rusqlite::Connection::open(path).unwrap();
        let rows = |sql: &str| -> Vec<String> {
            let mut statement = raw.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let events = rows("SELECT event FROM journal_entries WHERE event LIKE '%test.acted%'");
        let records = rows("SELECT id || value FROM records");
        (events, records)
    };
    let (events, records) = dump(&path);
    assert_eq!(events.len(), 2);
    assert_ne!(events[0], events[1], "one value, two commitments");
    for event in &events {
        assert!(
            !event.contains("Anna") && !event.contains("u-anna"),
            "{event}"
        );
    }
    assert!(records.iter().all(|record| !record.contains("Anna")));
    let named = |records: &[String]| {
        let named = records.iter().filter(|record| record.contains("u-anna"));
        named.count()
    };
    assert_eq!(named(&records), 1, "what ties the person to a random name");
    erase(&store, &vault, &anna()).await;
    assert_eq!(named(&dump(&path).1), 0);
}

#[tokio::test]
async fn l4_a_side_record_that_was_changed_or_swapped_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let database = Sqlite::open(&path).await.unwrap();
    let store = world::store(Arc::new(database.clone()));
    let vault = vault(&store);
    let one = record(&store, &vault, &anna(), "one").await;
    let two = record(&store, &vault, &anna(), "two").await;
    let raw = rusqlite::Connection::open(&path).unwrap();
    let swap = format!(
        "UPDATE records SET value = (SELECT value FROM records WHERE id = '{}') WHERE id = '{}'",
        two.id(),
        one.id()
    );
    assert_eq!(raw.execute(&swap, []).unwrap(), 1);
    refused(vault.open(&one).await, ErrorKind::Corrupt);
    assert!(vault.open(&two).await.unwrap().is_some());
    let bend = format!(
        "UPDATE records SET value = replace(value, '\"sealed\":\"R0xORAEB', '\"sealed\":\"R0xORAEC')
         WHERE id = '{}'",
        two.id()
    );
    assert_eq!(raw.execute(&bend, []).unwrap(), 1);
    refused(vault.open(&two).await, ErrorKind::Corrupt);
    // A reference with another commitment is another reference.
    let bent = two.to_string();
    let bent: SideRef = format!("{}{}", &bent[..bent.len() - 64], "0".repeat(64))
        .parse()
        .unwrap();
    refused(vault.open(&bent).await, ErrorKind::Corrupt);
}

#[tokio::test]
async fn l4_what_is_sealed_while_somebody_is_erased_is_not_kept() {
    let store = memory();
    let vault = vault(&store);
    record(&store, &vault, &anna(), "before").await;
    let mut batch = Batch::new(Timestamp::from_millis(5));
    vault.seal(&mut batch, &anna(), "meanwhile").await.unwrap();
    erase(&store, &vault, &anna()).await;
    refused(store.commit(batch).await, ErrorKind::Conflict);
    // Who comes back has a new key and a new name.
    let side = record(&store, &vault, &anna(), "again").await;
    assert!(vault.open(&side).await.unwrap().is_some());
    let all: Vec<(Timestamp, Json)> = vault
        .about(&anna())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].1.as_str(), "\"again\"");
}

#[tokio::test]
async fn several_values_fit_in_one_batch_and_large_ones_do_not() {
    let store = memory();
    let vault = vault(&store);
    let ben: SubjectId = "u-ben".parse().unwrap();
    let mut batch = Batch::new(Timestamp::from_millis(5));
    for (subject, value) in [(&anna(), "a"), (&ben, "b"), (&anna(), "c")] {
        vault.seal(&mut batch, subject, value).await.unwrap();
    }
    store.commit(batch).await.unwrap();
    let holder = vault.holder(&anna()).await.unwrap().unwrap();
    assert_eq!(vault.count(&holder).await.unwrap(), 2);
    let large = "x".repeat(SubjectVault::MAX_VALUE);
    let mut batch = Batch::new(Timestamp::from_millis(5));
    let sealed = vault.seal(&mut batch, &anna(), large.as_str()).await;
    refused(sealed, ErrorKind::LimitExceeded);
}

#[tokio::test]
async fn a_sweep_removes_any_number() {
    let store = memory();
    let vault = vault(&store);
    for number in 0..205 {
        record(&store, &vault, &anna(), &number.to_string()).await;
    }
    assert_eq!(erase(&store, &vault, &anna()).await, 205);
}
