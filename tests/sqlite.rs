//! SQLite's bad days: other processes, killed ones, full disks, files that are not what they should be.
#![cfg(feature = "sqlite")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use garland::backends::{Sqlite, SqliteOptions};
use garland::journal::{Subscription, SubscriptionOptions, verify};
use garland::storage::{
    Batch, Collection, JournalName, Lease, Precondition, Query, RecordId, StorageBackend, Store,
};
use garland::{Chance, ErrorKind, Ids, OrganizationId, RunId, SystemClock, Timestamp};
use tokio::task::JoinSet;

const THINGS: Collection<String> = Collection::new("things");
const HOUR: Duration = Duration::from_secs(3_600);

fn store(database: &Sqlite) -> Store {
    let database = Arc::new(database.clone()) as Arc<dyn StorageBackend>;
    Store::new(database, OrganizationId::default())
}

fn run() -> RunId {
    RunId::generate(&Ids::new(Arc::new(SystemClock::new()), Chance::system()))
}

fn at_once() -> SqliteOptions {
    SqliteOptions::default().with_lock_wait(Duration::ZERO)
}

async fn put(store: &Store, id: &str, value: &str) -> garland::Result<()> {
    store.commit(batch(id, value)?).await.map(drop)
}

fn batch(id: &str, value: &str) -> garland::Result<Batch> {
    let mut batch = Batch::new(Timestamp::from_millis(0));
    batch.put(&THINGS, id.parse()?, &value.to_owned())?;
    batch.append(JournalName::main(), id)?;
    Ok(batch)
}

async fn ids(store: &Store) -> Vec<String> {
    let query = Query::all(THINGS.name().clone());
    let all = store.all(&THINGS, query);
    all.map(|found| found.unwrap().id.to_string())
        .collect()
        .await
}

/// Runs this program again in a part of `child`.
struct Other {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Other {
    fn start(part: &str, path: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .env("GARLAND_TEST_PART", part)
            .env("GARLAND_TEST_PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut other = Self { process, output };
        while other.line() != "ready" {}
        other
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(
            self.output.read_line(&mut line).unwrap() > 0,
            "the other process ended"
        );
        line.trim_end().to_owned()
    }

    /// Kills it, and returns what it had still said.
    fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        // The last line may be cut off.
        let text = std::io::read_to_string(&mut self.output).unwrap();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        text[..whole].lines().map(str::to_owned).collect()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[test]
#[ignore = "is a part that other tests run as a process of its own"]
#[expect(
    clippy::disallowed_methods,
    reason = "how the tests tell this process its part"
)]
fn child() {
    let Ok(part) = std::env::var("GARLAND_TEST_PART") else {
        return;
    };
    let path = PathBuf::from(std::env::var("GARLAND_TEST_PATH").unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = SqliteOptions::default().with_shared(part.starts_with("shared"));
        let database = Sqlite::open_with(path, options).await.unwrap();
        let store = store(&database);
        match part.as_str() {
            "hold" => {
                let clock = Arc::new(SystemClock::new());
                let lease = "sync/1".parse().unwrap();
                let lease = Lease::acquire(store, clock, lease, run(), HOUR).await;
                say("ready");
                wait_for_input();
                drop(lease);
            }
            "shared" => {
                say("ready");
                wait_for_input();
                for number in 0..20 {
                    put(&store, &format!("other/{number}"), "").await.unwrap();
                }
                say("done");
                wait_for_input();
            }
            _ => {
                say("ready");
                let mut tasks = JoinSet::new();
                for _ in 0..8 {
                    let store = store.clone();
                    tasks.spawn(async move {
                        loop {
                            let id = run().to_string();
                            put(&store, &id, &"x".repeat(300)).await.unwrap();
                            say(&id);
                        }
                    });
                }
                tasks.join_all().await;
            }
        }
    });
}

fn say(word: &str) {
    // In one write, so that lines do not mix.
    let mut output = std::io::stdout().lock();
    output.write_all(format!("{word}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}

fn wait_for_input() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let other = Other::start("hold", &path);
    for options in [at_once(), at_once().with_shared(true)] {
        let error = Sqlite::open_with(&path, options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked, "{error:?}");
        assert!(
            error.message().contains("close the other program"),
            "{error}"
        );
    }
    other.kill();
    let database = Sqlite::open_with(&path, at_once()).await.unwrap();
    // Its lease would have run another hour.
    let clock = Arc::new(SystemClock::new());
    let lease: RecordId = "sync/1".parse().unwrap();
    let taken = Lease::acquire(
        store(&database),
        Arc::clone(&clock) as _,
        lease.clone(),
        run(),
        HOUR,
    )
    .await;
    let taken = taken.expect("the lease of a dead process is free");
    let second = Lease::acquire(
        store(&database),
        Arc::clone(&clock) as _,
        lease.clone(),
        run(),
        HOUR,
    )
    .await;
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Locked);
    // An earlier guard does not hold for a later holder, whoever gave the lease back in between.
    let mut guarded = Batch::new(Timestamp::from_millis(0));
    taken.fence().guard(&mut guarded);
    taken.release().await.unwrap();
    let third = Lease::acquire(store(&database), clock, lease, run(), HOUR)
        .await
        .unwrap();
    let refused = store(&database).commit(guarded).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    third.release().await.unwrap();
}

#[tokio::test]
async fn a_second_handle_is_refused_whatever_the_path_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let first = Sqlite::open(&path).await.unwrap();
    let detour = folder.path().join(".").join("studio.db");
    let error = Sqlite::open_with(detour, at_once()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    // Dropped, it lets go by itself, and an opener waits for that.
    drop(first);
    Sqlite::open(&path).await.unwrap();
}

#[tokio::test]
async fn processes_that_share_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let options = SqliteOptions::default().with_shared(true);
    let (one, two) = tokio::join!(
        Sqlite::open_with(&path, options.clone()),
        Sqlite::open_with(&path, options)
    );
    let (database, _two) = (one.unwrap(), two.unwrap());
    let mut other = Other::start("shared", &path);
    let error = Sqlite::open_with(&path, at_once()).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Locked,
        "alone and shared do not go together"
    );
    let store = store(&database);
    let options = SubscriptionOptions::default().with_interval(HOUR);
    let mut entries = Subscription::new(store.clone(), JournalName::main(), 0, options);
    other
        .process
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"\n")
        .unwrap();
    let mut seen = 0;
    for number in 0..20 {
        put(&store, &format!("own/{number}"), "").await.unwrap();
    }
    while seen < 40 {
        let entry = tokio::time::timeout(Duration::from_secs(30), entries.next()).await;
        seen = entry.expect("woken by the other process").unwrap().sequence;
    }
    while other.line() != "done" {}
    assert_eq!(ids(&store).await.len(), 40);
    assert!(
        verify(&store, &JournalName::main(), &[])
            .await
            .unwrap()
            .is_intact()
    );
}

#[tokio::test]
async fn what_a_killed_process_was_told_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let (mut told, mut ends) = (BTreeSet::new(), Vec::new());
    for round in 1..=4 {
        let mut other = Other::start("write", &path);
        for _ in 0..round * 150 {
            told.insert(other.line());
        }
        told.extend(other.kill());
        let database = Sqlite::open_with(&path, at_once()).await.unwrap();
        let store = store(&database);
        let found = verify(&store, &JournalName::main(), &ends).await.unwrap();
        assert!(found.is_intact(), "{found}");
        ends.push(found.head);
        let stored: BTreeSet<String> = ids(&store).await.into_iter().collect();
        let lost: Vec<_> = told.difference(&stored).collect();
        assert!(lost.is_empty(), "told and not there: {lost:?}");
        assert_eq!(stored.len() as u64, found.head.sequence, "half a batch");
        database.close().await;
    }
}

#[tokio::test]
async fn a_full_database_refuses_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let options = SqliteOptions::default().with_max_bytes(400_000);
    let database = Sqlite::open_with(&path, options).await.unwrap();
    let store_of = store(&database);
    let large = "x".repeat(500_000);
    // Some that are too large among many that are not, all at once.
    let mut batches = Vec::new();
    for number in 0..40 {
        let value = if number % 10 == 5 { &large } else { "small" };
        batches.push((number, batch(&format!("{number:02}"), value).unwrap()));
    }
    let mut tasks = JoinSet::new();
    for (number, batch) in batches {
        let store = store_of.clone();
        tasks.spawn(async move { (number, store.commit(batch).await) });
    }
    for (number, result) in tasks.join_all().await {
        match result {
            Err(error) if number % 10 == 5 => {
                assert_eq!(error.kind(), ErrorKind::Full, "{error:?}")
            }
            result => drop(result.unwrap()),
        }
    }
    let mut number = 100;
    let error = loop {
        match put(&store_of, &number.to_string(), &"x".repeat(5_000)).await {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
    assert_eq!(ids(&store_of).await.len(), 36 + number - 100);
    database.close().await;
    // With more room it goes on.
    let database = Sqlite::open(&path).await.unwrap();
    let store = store(&database);
    put(&store, "more", &large).await.unwrap();
    assert_eq!(ids(&store).await.len(), 37 + number - 100);
    let found = verify(&store, &JournalName::main(), &[]).await.unwrap();
    assert!(found.is_intact(), "{found}");
}

/// Makes a database with `records` records and closes it.
async fn filled(path: &Path, records: usize) {
    let database = Sqlite::open(path).await.unwrap();
    for number in 0..records {
        put(
            &store(&database),
            &format!("{number:05}"),
            &"x".repeat(1_000),
        )
        .await
        .unwrap();
    }
    database.close().await;
}

/// Changes bytes of a file.
fn patch(path: &Path, offset: usize, bytes: &[u8]) {
    let mut file = fs::read(path).unwrap();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    fs::write(path, file).unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    filled(&path, 1).await;
    // Where the header has the user version: https://www.sqlite.org/fileformat.html
    patch(&path, 60, &99_u32.to_be_bytes());
    let before = fs::read(&path).unwrap();
    let error = Sqlite::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(error.message().contains("update this program"), "{error}");
    assert!(fs::read(&path).unwrap() == before);
    patch(&path, 60, &1_u32.to_be_bytes());
    assert_eq!(
        ids(&store(&Sqlite::open(&path).await.unwrap())).await.len(),
        1
    );
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    filled(&path, 1).await;
    // Where the header has the id of the application.
    patch(&path, 68, &[0; 4]);
    let before = fs::read(&path).unwrap();
    let error = Sqlite::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    assert!(fs::read(&path).unwrap() == before);
}

#[tokio::test]
async fn files_that_are_no_database_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let outcome = Sqlite::open(&path).await.map(drop);
        assert!(
            outcome.is_ok() || fs::read(&path).unwrap() == bytes,
            "it was changed"
        );
        outcome
    };
    assert!(
        open("empty.db", b"").await.is_ok(),
        "an empty file is a new database"
    );
    for (name, bytes) in [
        ("photo.jpg", [0xff, 0xd8, 0xff, 0xe0].repeat(4_096)),
        ("notes.txt", b"dear bride".repeat(1_000)),
        (
            "header.db",
            [b"SQLite format 3\0".as_slice(), &[7; 8_000]].concat(),
        ),
    ] {
        let error = open(name, &bytes).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error:?}");
        assert!(
            error.message().contains("name another file"),
            "{name}: {error}"
        );
    }
}

#[tokio::test]
async fn damage_is_told_when_it_is_met() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    filled(&path, 500).await;
    let whole = fs::read(&path).unwrap();
    // Everything behind the first pages overwritten; then cut off.
    let mut scratched = whole.clone();
    scratched[12 * 4_096..].fill(0xa5);
    for damaged in [scratched, whole[..12 * 4_096].to_vec()] {
        fs::write(&path, damaged).unwrap();
        let outcome = async {
            let database = Sqlite::open(&path).await?;
            let query = Query::all(THINGS.name().clone());
            store(&database).query(&query).await
        };
        let error = outcome.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert!(error.message().contains("restore a backup"), "{error}");
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let error = Sqlite::open(folder.path().join("no/studio.db"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    let inside = folder.path().join("folder");
    fs::create_dir(&inside).unwrap();
    for no_file in [inside.as_path(), Path::new("/")] {
        let error = Sqlite::open(no_file).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_closed_database_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let database = Sqlite::open(&path).await.unwrap();
    let store = store(&database);
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let store = store.clone();
        tasks.spawn(async move { (number, put(&store, &number.to_string(), "").await) });
    }
    tokio::task::yield_now().await;
    database.close().await;
    database.close().await;
    let mut written = 0;
    while let Some(outcome) = tasks.join_next().await {
        match outcome.unwrap() {
            (_, Ok(())) => written += 1,
            (_, Err(error)) => assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}"),
        }
    }
    let error = store.get(&THINGS, &"1".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let database = Sqlite::open_with(&path, at_once()).await.unwrap();
    assert_eq!(ids(&self::store(&database)).await.len(), written);
    // The write-ahead log is gone with the last to close.
    database.close().await;
    assert!(!folder.path().join("studio.db-wal").exists());
}

#[tokio::test]
async fn a_dropped_opening_lets_go_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    for _ in 0..10 {
        let opening = Sqlite::open(&path);
        tokio::time::timeout(Duration::from_micros(200), opening)
            .await
            .ok();
    }
    put(&store(&Sqlite::open(&path).await.unwrap()), "a", "")
        .await
        .unwrap();
}

#[tokio::test]
async fn more_than_the_queue_holds_waits_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::default()
        .with_queue_bytes(4_096)
        .with_readers(0);
    let database = Sqlite::open_with(folder.path().join("studio.db"), options)
        .await
        .unwrap();
    let store = store(&database);
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let store = store.clone();
        // Each larger than the whole queue.
        tasks.spawn(async move {
            put(&store, &format!("{number}"), &"x".repeat(10_000))
                .await
                .unwrap();
            store
                .get(&THINGS, &format!("{number}").parse().unwrap())
                .await
                .unwrap()
                .unwrap();
        });
    }
    tasks.join_all().await;
    let mut batch = Batch::new(Timestamp::from_millis(0));
    batch.check(&THINGS, "49".parse().unwrap(), Precondition::Absent);
    assert_eq!(
        store.commit(batch).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
}
