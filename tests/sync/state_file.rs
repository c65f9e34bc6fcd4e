//! The state file: opened twice, lost, damaged, or from another time.

use std::fs;
use std::path::Path;
use std::time::Duration;

use garland::ErrorKind;
use garland::backends::{Sqlite, SqliteOptions};
use garland::platforms::MemoryPlatform;

use crate::locks::waiting;
use crate::tools::{Desk, files, listed, plain};

fn impatient() -> SqliteOptions {
    SqliteOptions::default().with_lock_wait(Duration::ZERO)
}

/// A desk over the state file at `path`, and the database to close.
async fn desk(path: &Path, card: &MemoryPlatform, drive: &MemoryPlatform) -> (Desk, Sqlite) {
    let database = Sqlite::open(path).await.unwrap();
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone())
        .database(database.clone());
    (desk, database)
}

#[tokio::test]
async fn a_second_process_is_refused_the_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let (card, drive) = (plain(), plain());
    card.put("a", "a").unwrap();
    let (desk, database) = desk(&path, &card, &drive).await;
    let error = Sqlite::open_with(&path, impatient()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(
        error.to_string().contains("the database is open already"),
        "{error}"
    );
    desk.settle().await;
    database.close().await;
    let database = Sqlite::open_with(&path, impatient()).await.unwrap();
    desk.database(database).at_rest().await;
}

#[tokio::test]
async fn a_second_run_over_a_shared_state_file_is_refused_until_the_first_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let (card, drive) = (plain(), plain());
    card.put("a", "a").unwrap();
    let (hooked, reached, go) = waiting(&card);
    let shared = || Sqlite::open_with(&path, impatient().with_shared(true));
    let one = Desk::peers()
        .place("card", hooked)
        .place("drive", drive.clone())
        .database(shared().await.unwrap());
    let other = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone())
        .database(shared().await.unwrap());
    let other = Desk {
        clock: one.clock.clone(),
        ..other
    };
    let first = tokio::spawn(async move { one.settle().await });
    reached.notified().await;
    let error = other.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.retry_after().unwrap() <= Duration::from_secs(30));
    go.notify_one();
    first.await.unwrap();
    other.at_rest().await;
    assert_eq!(listed(&drive), listed(&card));
}

#[tokio::test]
async fn a_lost_state_file_deletes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let (card, drive) = (plain(), plain());
    for name in ["a", "b", "c"] {
        card.put(name, name).unwrap();
    }
    let (first, database) = desk(&path, &card, &drive).await;
    first.settle().await;
    database.close().await;
    for entry in fs::read_dir(folder.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    // Known to be a delete only by what is lost.
    card.remove("a").unwrap();
    card.put("d", "d").unwrap();
    let (second, _database) = desk(&path, &card, &drive).await;
    let report = second.settle().await;
    assert_eq!((report.done.copy, report.done.delete), (2, 0), "{report}");
    let all = files([("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")]);
    assert_eq!(listed(&card), all);
    assert_eq!(listed(&drive), all);
    second.at_rest().await;
    card.remove("a").unwrap();
    assert_eq!(second.settle().await.done.delete, 1);
}

#[tokio::test]
async fn a_damaged_state_file_is_refused_and_nothing_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    fs::write(
        &path,
        "not a database at all, though long enough to have a header ".repeat(40),
    )
    .unwrap();
    let error = Sqlite::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(
        error.to_string().contains("not a SQLite database"),
        "{error}"
    );
    fs::remove_file(&path).unwrap();

    let (card, drive) = (plain(), plain());
    for number in 0..400 {
        card.put(&format!("{number:03} {}", "long ".repeat(20)), "x")
            .unwrap();
    }
    let (first, database) = desk(&path, &card, &drive).await;
    first.settle().await;
    database.close().await;
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[4_096 * 2..end].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    card.remove(&format!("000 {}", "long ".repeat(20))).unwrap();
    let before = (listed(&card), listed(&drive));
    let error = match Sqlite::open(&path).await {
        Err(error) => error,
        Ok(database) => first.database(database).run().await.unwrap_err(),
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert!(
        error.to_string().contains("the database is damaged"),
        "{error}"
    );
    assert_eq!((listed(&card), listed(&drive)), before);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_ends_the_run_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let (card, drive) = (plain(), plain());
    for name in ["a", "b"] {
        card.put(name, name).unwrap();
    }
    let (first, database) = desk(&path, &card, &drive).await;
    first.settle().await;
    database.close().await;
    let raw = rusqlite::Connection::open(&path).unwrap();
    let spoil = "UPDATE records SET value = '{\"size\":\"one\"}'
        WHERE collection = 'sync_bases' AND id LIKE '%/a'";
    assert_eq!(raw.execute(spoil, []).unwrap(), 1);
    drop(raw);
    card.remove("b").unwrap();
    let (second, _database) = desk(&path, &card, &drive).await;
    let error = second.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let text = error.to_string();
    assert!(
        text.contains("sync_bases") && text.contains("peers:card+drive/a"),
        "{text}"
    );
    assert_eq!(listed(&drive), files([("a", "a"), ("b", "b")]));
}

#[tokio::test]
async fn a_state_file_of_a_newer_garland_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let (card, drive) = (plain(), plain());
    card.put("a", "a").unwrap();
    let (first, database) = desk(&path, &card, &drive).await;
    first.settle().await;
    database.close().await;
    let raw = rusqlite::Connection::open(&path).unwrap();
    let known: i64 = raw
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    raw.execute_batch("PRAGMA user_version = 9999").unwrap();
    drop(raw);
    let error = Sqlite::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("newer"), "{error}");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(&format!("PRAGMA user_version = {known}"))
        .unwrap();
    drop(raw);
    let (second, _database) = desk(&path, &card, &drive).await;
    second.at_rest().await;
}
