//! Whoever has the database copies rows from one organization to another: they are of no use there.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use garland::backends::{Memory, Sqlite};
use garland::connector::{FileStore, ReadOptions};
use garland::crypto::presigned::PresignedRequest;
use garland::crypto::{FILE_KEYS, KeyName, KeyRing, SecretKey};
use garland::storage::{Batch, JournalName, Precondition, RecordId, StorageBackend, Write};
use garland::upload::Copy;
use garland::{ErrorKind, Result};

use crate::ground::{Dice, Root};
use crate::tap::Place;
use crate::world::World;

/// Puts rows of the second organization, with their entries in indexes, among those of the first, over whatever
/// is there.
async fn copy_all(world: &World, which: impl Fn(&Place) -> bool + Send) {
    let rows = world.tap.puts(world.b.id());
    let rows = rows.into_iter().filter(|(place, _)| which(place));
    for (_, mut row) in rows.collect::<Vec<_>>() {
        if let Write::Put { precondition, .. } = &mut row {
            *precondition = Precondition::Any;
        }
        let mut batch = Batch::new(crate::ground::START);
        batch.push(row);
        world.tap.commit(world.a.id(), batch).await.unwrap();
    }
}

/// Puts the row of one of their keys where the first organization would look for its own of that name.
async fn copy_key(world: &World, name: &KeyName) {
    let id = |organization| {
        let context = name.context(organization).unwrap();
        let hash = blake3::hash(context.as_bytes()).to_hex();
        RecordId::parse(hash.to_string()).unwrap()
    };
    let rows = world.tap.puts(world.b.id());
    let theirs = (FILE_KEYS.name().clone(), id(world.b.id()));
    let mut row = rows[&theirs].clone();
    if let Write::Put {
        id: at,
        precondition,
        ..
    } = &mut row
    {
        (*at, *precondition) = (id(world.a.id()), Precondition::Any);
    }
    let mut batch = Batch::new(crate::ground::START);
    batch.push(row);
    world.tap.commit(world.a.id(), batch).await.unwrap();
}

/// The first organization's keys as a process that has just begun has them.
fn fresh(world: &World, root: Root) -> KeyRing {
    let (clock, chance) = (Arc::new(world.clock.clone()), Arc::new(Dice::new(5)));
    KeyRing::new(world.a.store.clone(), Arc::new(root), clock, chance)
}

#[track_caller]
fn does_not_open(what: &str, key: Result<SecretKey>) {
    match key {
        Ok(_) => panic!("{what} opens"),
        Err(error) => assert!(
            matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound),
            "{what}: {error}"
        ),
    }
}

async fn databases() -> (tempfile::TempDir, Vec<Arc<dyn StorageBackend>>) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(folder.path().join("studio.db")).await.unwrap();
    (folder, vec![Arc::new(Memory::new()), Arc::new(sqlite)])
}

const KEYS: [&str; 2] = ["file_keys", "key_epochs"];

/// With a root that binds epochs to their organization, and with one that does not: the keys of files are bound
/// whatever the root does.
#[tokio::test]
async fn a3_copied_keys_open_nowhere() {
    for binds in [true, false] {
        let (_folder, databases) = databases().await;
        for database in databases {
            let root = Root { binds };
            let world = World::with(database, ["anna", "bella"], root).await;
            let known = &world.theirs;
            copy_all(&world, |(collection, _)| {
                KEYS.contains(&collection.as_str())
            })
            .await;
            let label = KeyName::new(
                "organization",
                &*known.label,
                garland::crypto::Purpose::Export,
            );
            for name in [&known.key, &known.spare, &label] {
                copy_key(&world, name).await;
            }
            for ring in [fresh(&world, root), world.a.keys.clone()] {
                does_not_open("a key of a file", ring.key(&known.key).await);
                does_not_open("a key of a file", ring.key(&known.spare).await);
                let names = [known.key.clone(), known.spare.clone()];
                assert!(ring.keys(&names).await.is_err(), "keys of files open");
                does_not_open("a shared key", ring.shared(&known.label).await);
            }
            // It was their key that was copied, and where they are it opens.
            let own = world.b.keys.key(&known.key).await.unwrap();
            assert!(own.is(&known.secrets[0]));
        }
    }
}

#[tokio::test]
async fn a3_copied_side_records_open_nowhere() {
    for binds in [true, false] {
        let (_folder, databases) = databases().await;
        for database in databases {
            let world = World::with(database, ["anna", "bella"], Root { binds }).await;
            let known = &world.theirs;
            copy_all(&world, |_| true).await;
            let holder = format!("subject:{}", known.holder.as_str());
            copy_key(
                &world,
                &KeyName::new(holder, "1", garland::crypto::Purpose::Message),
            )
            .await;
            let subjects = world.a.organization.subjects().await.unwrap();
            for vault in [&subjects, &world.a.subjects] {
                let opened = vault.open(&known.side).await;
                assert_eq!(opened.unwrap_err().kind(), ErrorKind::Corrupt);
                let about = match vault.about(&known.subject).await {
                    Ok(about) => about.try_collect::<Vec<_>>().await,
                    Err(error) => Err(error),
                };
                assert_eq!(about.unwrap_err().kind(), ErrorKind::Corrupt);
            }
            let opened = world.b.subjects.open(&known.side).await.unwrap().unwrap();
            assert_eq!(opened.value.as_str(), "\"bella-address\"");
        }
    }
}

/// The rows of a sealed file, its keys, and the object as well.
#[tokio::test]
async fn a3_copied_sealed_files_open_nowhere() {
    for binds in [true, false] {
        let (_folder, databases) = databases().await;
        for database in databases {
            let world = World::with(database, ["anna", "bella"], Root { binds }).await;
            let path = &world.theirs.sealed.path;
            copy_all(&world, |_| true).await;
            let rows = world.tap.puts(world.b.id());
            for ((collection, _), row) in rows {
                let Write::Put { value, .. } = row else {
                    continue;
                };
                let value: serde_json::Value = value.read().unwrap();
                if collection == *FILE_KEYS.name() && value["purpose"] == "body" {
                    let text = |field: &str| value[field].as_str().unwrap().to_owned();
                    let body = garland::crypto::Purpose::Body;
                    copy_key(&world, &KeyName::new(text("file"), text("version"), body)).await;
                }
            }
            for (path, object) in world.b.accounts.locker.contents() {
                world.a.accounts.locker.put(path.as_str(), object).unwrap();
            }
            let read = async |files: &dyn FileStore| {
                let reader = files.read(path, ReadOptions::default()).await?;
                let pieces: Vec<bytes::Bytes> = reader.bytes.try_collect().await?;
                Ok::<_, garland::Error>(pieces.concat())
            };
            let refused = read(&world.a.sealed).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
            assert!(!format!("{refused:?}").contains("drawings"));
            assert_eq!(read(&world.b.sealed).await.unwrap(), b"bella-drawings");
        }
    }
}

#[tokio::test]
async fn a3_copied_sessions_states_and_grants_are_good_for_nothing() {
    let (_folder, databases) = databases().await;
    for database in databases {
        let world = World::on(database).await;
        let (known, ours) = (&world.theirs, world.a.id().as_str());
        copy_all(&world, |_| true).await;
        let tokens = world.tokens();
        let moved = known.refresh.replace(known.name, ours);
        assert_ne!(moved, known.refresh);
        assert!(tokens.refresh(&moved, "web").await.is_err());
        assert!(tokens.sign_out_refresh(&moved).await.is_err());

        let states = &world.a.states;
        assert!(states.finish(&known.browser, &known.state).await.is_err());
        let request = PresignedRequest {
            organization: world.a.id(),
            ..crate::furnish::request(&known.grant)
        };
        assert!(
            world
                .presigner
                .redeem(&known.grant_text, &request)
                .await
                .is_err()
        );

        // An upload that is theirs has no bytes here.
        let read = world
            .a
            .uploads
            .read(known.clean, Copy::Delivered, None)
            .await;
        let bytes = match read {
            Ok(reader) => reader.bytes.try_collect::<Vec<_>>().await,
            Err(error) => Err(error),
        };
        assert_eq!(bytes.unwrap_err().kind(), ErrorKind::NotFound);

        // A head that is theirs is no head of this journal: it is an alarm.
        for journal in [JournalName::main(), known.journal.clone()] {
            let sealed = world.a.auditor(&journal, &world.clock).seal_now().await;
            assert_eq!(sealed.unwrap_err().kind(), ErrorKind::Corrupt, "{journal}");
        }
        // Where they are, all of it still is what it was.
        world
            .b
            .states
            .finish(&known.browser, &known.state)
            .await
            .unwrap();
        tokens.refresh(&known.refresh, "web").await.unwrap();
    }
}
