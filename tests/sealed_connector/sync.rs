//! Syncs to a sealed account and back: what arrives is what was sent, whatever happens on the way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use garland::connector::{
    ChunkRules, FileFacts, FilePath, FileStore, PlatformConnector, UploadRequest,
};
use garland::crypto::{SealedNames, SealedOptions};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::sync::{ConflictStrategy, Relation, SyncOptions};
use garland::testing::{
    FaultKind, FaultRule, Faults, FaultyConnector, FaultyStorage, Moment, Operation,
};
use garland::transfer::{RetryPolicy, TransferOptions, Verify};
use garland::{Chance, ErrorKind, Orchestrator, SyncRequest, Timestamp};

use crate::world::{Studio, content, list, options, put, put_as, read, sealed_names};

/// A card, a sealed place, and a place for what comes back.
struct World {
    card: MemoryPlatform,
    drive: MemoryPlatform,
    back: MemoryPlatform,
    studio: Studio,
    options: SealedOptions,
    verify: Verify,
}

impl World {
    fn new(options: SealedOptions, inner: FileFacts) -> Self {
        Self {
            card: MemoryPlatform::default(),
            drive: MemoryPlatform::new(MemoryOptions::new(inner)),
            back: MemoryPlatform::default(),
            studio: Studio::on(Arc::new(garland::backends::Memory::new()), "default"),
            options,
            verify: Verify::Reported,
        }
    }

    fn shoot(&self, name: &str, size: u64, seed: u64) {
        let at = Timestamp::from_millis(1_740_000_000_000 + i64::try_from(seed).unwrap() * 60_000);
        self.card.put_at(name, content(size, seed), at).unwrap();
    }

    /// A sync from one place to another as a program sees it, every call passing through `faults`.
    async fn request(&self, from: &str, to: &str, faults: &Faults) -> SyncRequest {
        let studio = self.studio.through(faults);
        let faulty = |label: &str, account: &MemoryPlatform| -> Arc<dyn PlatformConnector> {
            Arc::new(FaultyConnector::new(
                label,
                Arc::new(account.clone()),
                faults.clone(),
            ))
        };
        let sealed = studio.sealed(faulty("drive", &self.drive), self.options.clone());
        let built = Orchestrator::builder()
            .storage(FaultyStorage::new(
                Arc::clone(&self.studio.database),
                faults.clone(),
            ))
            .clock(self.studio.clock)
            .chance(Chance::seeded(1));
        let host = garland::OrganizationId::default();
        let built = built
            .connector_of(&host, "card", faulty("card", &self.card))
            .connector_of(&host, "back", faulty("back", &self.back))
            .connector("vault", sealed)
            .build()
            .await
            .unwrap();
        let retry = RetryPolicy::default().with_base(Duration::from_millis(10));
        let transfer = TransferOptions::default()
            .with_retry(retry)
            .with_verify(self.verify)
            .with_resume_from(4_000)
            .with_stall(Duration::from_secs(20));
        let options = SyncOptions::default()
            .with_relation(Relation::Peers)
            .with_strategy(ConflictStrategy::NewerWins)
            .with_transfer(transfer);
        built.sync(from).with(to).options(options)
    }

    async fn sync(&self, from: &str, to: &str) -> garland::sync::SyncReport {
        // The lease of a run that has crashed runs out.
        tokio::time::advance(Duration::from_secs(600)).await;
        let report = self
            .request(from, to, &Faults::none())
            .await
            .run()
            .await
            .unwrap();
        assert!(report.is_complete(), "{report}");
        report
    }

    /// The sealed account of the next process.
    fn vault(&self) -> garland::crypto::SealedConnector {
        let account = Arc::new(self.drive.clone());
        self.studio.sealed(account, self.options.clone())
    }

    /// What can be read of the sealed account.
    async fn opened(&self) -> BTreeMap<FilePath, Bytes> {
        let vault = self.vault();
        let mut opened = BTreeMap::new();
        for entry in list(&vault).await.unwrap().entries {
            let bytes = read(&vault, entry.path.as_str()).await.unwrap();
            assert_eq!(bytes.len() as u64, entry.version.size);
            opened.insert(entry.path, bytes);
        }
        opened
    }

    /// Nothing on the drive is readable, and its names say so.
    fn nothing_is_readable(&self) {
        for (path, object) in self.drive.contents() {
            assert!(path.as_str().ends_with(".sealed"), "{path}");
            assert!(object.starts_with(b"GLND"), "{path}");
        }
    }
}

fn chunky() -> FileFacts {
    FileFacts::default().with_chunks(ChunkRules::new(1, 1, 1 << 20, 3_000))
}

#[tokio::test(start_paused = true)]
async fn a_sync_to_a_sealed_place_seals_and_the_way_back_opens() {
    for (options, verify) in [
        (options(), Verify::Reported),
        (sealed_names(), Verify::ReadBack),
    ] {
        let mut world = World::new(options, FileFacts::default());
        world.verify = verify;
        for (name, size) in [
            ("a.jpg", 10),
            ("day/b.nef", 50_000),
            ("day/empty.xmp", 0),
            ("c.mov", 16_384),
        ] {
            world.shoot(name, size, size);
        }
        world.sync("card", "vault").await;
        world.nothing_is_readable();
        assert_eq!(world.opened().await, world.card.listed());
        world.sync("vault", "back").await;
        assert_eq!(world.back.listed(), world.card.listed());
        let again = world.sync("card", "vault").await;
        assert_eq!(again.done.bytes, 0, "nothing has changed: {again}");

        // Changed on both sides, deleted on one, made on the other.
        world.shoot("a.jpg", 12, 99);
        world.card.remove("day/b.nef").unwrap();
        let vault = world.vault();
        let (loser, noted) = (content(11, 98), content(77, 7));
        let older = UploadRequest::new("a.jpg".parse().unwrap(), 11)
            .with_modified(Timestamp::from_millis(1_730_000_000_000));
        put_as(&vault, older, &loser).await.unwrap();
        put(&vault, "notes.txt", &noted).await.unwrap();
        world.sync("card", "vault").await;
        assert_eq!(world.opened().await, world.card.listed());
        assert_eq!(world.card.get("a.jpg"), Some(content(12, 99)));
        assert_eq!(world.card.get("notes.txt"), Some(noted));
        world.nothing_is_readable();
        let records = world.studio.records().await;
        let recovered: Vec<_> = records
            .iter()
            .filter(|file| file.path.is_internal())
            .collect();
        assert_eq!(recovered.len(), 1, "the version that lost");
        assert!(read(&vault, recovered[0].path.as_str()).await.unwrap() == loser);
        world.sync("vault", "back").await;
        assert_eq!(world.back.listed(), world.card.listed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_sync_that_crashes_at_any_step_comes_to_rest() {
    for options in [options(), sealed_names()] {
        let moments = match options.names {
            SealedNames::Clear => [Moment::Before, Moment::After].as_slice(),
            _ => &[Moment::After],
        };
        for &moment in moments {
            for step in 1.. {
                let world = World::new(options.clone(), chunky());
                world.shoot("stays.jpg", 100, 1);
                world.shoot("old/gone.jpg", 500, 2);
                world.shoot("changes.jpg", 9_000, 3);
                world.sync("card", "vault").await;
                tokio::time::advance(Duration::from_secs(60)).await;
                world.shoot("changes.jpg", 9_500, 4);
                world.shoot("new/comes.mov", 20_000, 5);
                world.card.remove("old/gone.jpg").unwrap();
                let faults = Faults::crash_at(step, moment);
                let _ = world.request("card", "vault", &faults).await.run().await;
                world.sync("card", "vault").await;
                let what = format!("step {step} {moment:?}");
                assert!(world.opened().await == world.card.listed(), "{what}");
                assert!(
                    world.card.get("changes.jpg") == Some(content(9_500, 4)),
                    "{what}"
                );
                world.nothing_is_readable();
                if !faults.is_crashed() {
                    break;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn faults_that_pass_are_lived_with() {
    for seed in 0..60 {
        let world = World::new(
            if seed % 2 == 0 {
                options()
            } else {
                sealed_names()
            },
            chunky(),
        );
        for number in 0..6 {
            world.shoot(&format!("day/{number}.jpg"), 1 + number * 7_000, number);
        }
        let faults = Faults::seeded(seed, 0.05, &FaultKind::PASSING);
        let _ = world.request("card", "vault", &faults).await.run().await;
        world.sync("card", "vault").await;
        assert!(world.opened().await == world.card.listed(), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_file_goes_on_where_it_was() {
    let world = World::new(options(), chunky());
    world.shoot("film.mov", 300_000, 1);
    let crash = FaultRule::new(Operation::Write, FaultKind::Error(ErrorKind::Unexpected));
    let faults = Faults::none().with_rule(crash.nth(80).at("drive"));
    let report = world
        .request("card", "vault", &faults)
        .await
        .run()
        .await
        .unwrap();
    assert!(!report.is_complete());
    let counting = Faults::none();
    let report = world
        .request("card", "vault", &counting)
        .await
        .run()
        .await
        .unwrap();
    assert!(report.is_complete(), "{report}");
    assert_eq!(world.opened().await, world.card.listed());
    let writes = world.drive.get("film.mov.sealed").unwrap().len() / 3_000;
    let steps = usize::try_from(counting.steps()).unwrap();
    assert!(
        steps < writes + 40,
        "{steps} steps for {writes} chunks, of which 79 were there"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bad_object_harms_no_other_place() {
    let world = World::new(options(), FileFacts::default());
    world.shoot("a.jpg", 5_000, 1);
    world.shoot("b.jpg", 5_000, 2);
    world.sync("card", "vault").await;
    let a = world.drive.get("a.jpg.sealed").unwrap();
    let b = world.drive.get("b.jpg.sealed").unwrap();
    world.drive.put("a.jpg.sealed", b).unwrap();
    world
        .drive
        .put("b.jpg.sealed", a.slice(..a.len() - 1))
        .unwrap();
    let before = world.card.listed();
    let report = world
        .request("vault", "back", &Faults::none())
        .await
        .run()
        .await
        .unwrap();
    assert!(!report.is_complete());
    assert!(world.back.listed().is_empty());
    let report = world
        .request("card", "vault", &Faults::none())
        .await
        .run()
        .await
        .unwrap();
    assert!(!report.is_complete());
    assert_eq!(world.card.listed(), before);
}

#[tokio::test(start_paused = true)]
async fn a_listing_of_many_files_asks_the_database_page_by_page() {
    let world = World::new(options(), FileFacts::default());
    let vault = world.vault();
    for number in 0..2_500 {
        put(
            &vault,
            &format!("day/{number:05}.jpg"),
            &Bytes::from_static(b"x"),
        )
        .await
        .unwrap();
    }
    let faults = Faults::none();
    let studio = world.studio.through(&faults);
    let vault = studio.sealed(Arc::new(world.drive.clone()), options());
    let listed = list(&vault as &dyn FileStore).await.unwrap();
    assert_eq!(listed.entries.len(), 2_500);
    assert!(
        listed
            .entries
            .iter()
            .all(|entry| !entry.version.hashes.is_empty())
    );
    assert!(
        faults.steps() < 10,
        "{} calls of the database",
        faults.steps()
    );
}
