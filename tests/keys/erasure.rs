//! Erasure: what a destroyed key sealed is gone, and the key as well.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use garland::backends::Sqlite;
use garland::crypto::{FileKey, KeyName, Purpose};
use garland::testing::{Faults, FaultyStorage, Moment};
use garland::{ErrorKind, storage::JournalName};

use crate::world::{
    Backend, body, destroy, events, make, make_many, memory, ring_on, store, wraps,
};

fn names(file: &str, versions: usize) -> Vec<KeyName> {
    let purposes = [
        Purpose::Body,
        Purpose::Thumb,
        Purpose::Message,
        Purpose::Export,
    ];
    let versions = (0..versions).map(|version| version.to_string());
    versions
        .flat_map(|version| purposes.map(|purpose| KeyName::new(file, version.clone(), purpose)))
        .collect()
}

#[tokio::test]
async fn erasing_a_file_takes_every_version_and_purpose_and_nothing_else() {
    let backend = memory();
    let (ring, kept) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    let long = "x".repeat(5_000);
    let mut others = names("gast", 2);
    others.extend(names(&format!("{long}y"), 1));
    for name in &others {
        make(&ring, &kept, name).await;
    }
    // 120 keys are two batches.
    let doomed = names(&long, 30);
    for name in &doomed {
        make(&ring, &kept, name).await;
    }
    ring.begin_epoch().await.unwrap();
    let late = KeyName::new(&*long, "late", Purpose::Body);
    make(&ring, &kept, &late).await;
    assert_eq!(ring.erase(&long).await.unwrap().keys, 121);
    for name in doomed.iter().chain([&late]) {
        let gone = ring.key(name).await.err().unwrap();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
    }
    for name in &others {
        ring.key(name).await.unwrap();
    }
    let told = events(&kept).await;
    let before = told.len();
    assert_eq!(
        told.iter().filter(|kind| *kind == "keys.destroyed").count(),
        2
    );
    assert_eq!(ring.erase(&long).await.unwrap().keys, 0);
    assert_eq!(ring.erase("never there").await.unwrap().keys, 0);
    assert_eq!(
        events(&kept).await.len(),
        before,
        "nothing, nothing to tell"
    );
}

#[tokio::test]
async fn erasing_is_for_one_organization() {
    let backend = memory();
    let (ours, theirs) = (ring_on(&backend, "a", 1), ring_on(&backend, "b", 1));
    make(&ours, &store(&backend, "a"), &body("x")).await;
    make(&theirs, &store(&backend, "b"), &body("x")).await;
    assert_eq!(theirs.erase("x").await.unwrap().keys, 1);
    ours.key(&body("x")).await.unwrap();
}

#[tokio::test]
async fn an_erasure_that_broke_off_goes_on() {
    for step in 1..=8 {
        for moment in [Moment::Before, Moment::After] {
            let backend = memory();
            let (ring, kept) = (ring_on(&backend, "a", 1), store(&backend, "a"));
            for name in names("x", 40) {
                make(&ring, &kept, &name).await;
            }
            let faults = Faults::crash_at(step, moment);
            let faulty: Backend = Arc::new(FaultyStorage::new(Arc::clone(&backend), faults));
            let _ = ring_on(&faulty, "a", 1).erase("x").await;
            ring.erase("x").await.unwrap();
            assert_eq!(wraps(&kept).await.len(), 0);
            let told = events(&kept).await;
            let destroyed = told.iter().filter(|kind| *kind == "keys.destroyed");
            assert_eq!(
                destroyed.count(),
                2,
                "each batch once: step {step} {moment:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_journal_names_what_was_destroyed_and_holds_no_key() {
    let backend = memory();
    let (ring, kept) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    make(&ring, &kept, &body("vertrag-7")).await;
    let (_, value) = wraps(&kept).await.remove(0);
    ring.rotate().await.unwrap();
    let (_, anew) = wraps(&kept).await.remove(0);
    destroy(&ring, &kept, &body("vertrag-7")).await;
    let entries = kept.read_journal(&JournalName::main(), 0, 100).await;
    let entries = entries.unwrap();
    let journal = serde_json::to_string(&entries).unwrap();
    assert!(journal.contains("vertrag-7"));
    for FileKey { wrap, .. } in [value, anew] {
        assert!(!journal.contains(&wrap[48..]) && !journal.contains(&wrap[96..128]));
    }
}

/// Which of the texts stand in the files of a folder, if only with 16 characters of them.
fn found(folder: &Path, texts: &[String]) -> Vec<bool> {
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    for (at, text) in texts.iter().enumerate() {
        let pieces = text.as_bytes().chunks_exact(16);
        places.extend(pieces.map(|piece| (piece, at)));
    }
    let mut found = vec![false; texts.len()];
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for piece in bytes.windows(16) {
            if let Some(at) = places.get(piece) {
                found[*at] = true;
            }
        }
    }
    found
}

/// The sealed part of a wrap and its tag, in the hexadecimal it is kept in.
fn secrets(wraps: &[(garland::storage::RecordId, FileKey)]) -> Vec<(String, String)> {
    let secret = |(_, value): &(_, FileKey)| (value.file.clone(), value.wrap[96..].to_owned());
    wraps.iter().map(secret).collect()
}

#[tokio::test]
async fn c8_an_erased_wrap_is_nowhere_in_the_files_of_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let database = Sqlite::open(folder.path().join("studio.db")).await.unwrap();
    let backend: Backend = Arc::new(database.clone());
    let (ring, kept) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    make_many(&ring, &kept, 900).await;
    let first = secrets(&wraps(&kept).await);
    ring.rotate().await.unwrap();
    let second = secrets(&wraps(&kept).await);
    let doomed = |file: &str| file.parse::<usize>().unwrap() % 3 != 1;
    for file in (0..900).filter(|file| doomed(&file.to_string())) {
        assert_eq!(ring.erase(&file.to_string()).await.unwrap().keys, 1);
    }
    let epoch = ring.epochs().await.unwrap().remove(0).wrapped;
    ring.retire(1).await.unwrap();

    let mut gone: Vec<String> = first.into_iter().map(|(_, secret)| secret).collect();
    let erased = second.iter().filter(|(file, _)| doomed(file));
    gone.extend(erased.map(|(_, secret)| secret.clone()));
    gone.push(epoch);
    let alive = second.iter().filter(|(file, _)| !doomed(file));
    let alive: Vec<String> = alive.map(|(_, secret)| secret.clone()).collect();
    assert_eq!((gone.len(), alive.len()), (900 + 600 + 1, 300));

    let left = found(folder.path(), &gone);
    assert!(
        left.contains(&true),
        "the log is still there to be scrubbed"
    );
    database.scrub().await.unwrap();
    let when = |left: Vec<bool>| left.iter().filter(|left| **left).count();
    assert_eq!(when(found(folder.path(), &gone)), 0, "after scrubbing");
    assert_eq!(when(found(folder.path(), &alive)), alive.len());
    database.close().await;
    assert_eq!(when(found(folder.path(), &gone)), 0, "after closing");
    assert_eq!(when(found(folder.path(), &alive)), alive.len());
}
