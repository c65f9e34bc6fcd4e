//! A crash at every step of everything: each path has its old content or its new one, nothing is lost,
//! and after tidying nothing is left over.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use garland::connector::{ChunkRules, Expect, FileFacts, FileStore};
use garland::crypto::{Replaced, SealedConnector, SealedOptions};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyConnector, Moment, Operation};
use garland::{Clock as _, ErrorKind};

use crate::world::{Studio, content, names, options, path, put, read, sealed_names};

struct World {
    account: MemoryPlatform,
    plain: Studio,
    options: SealedOptions,
}

impl World {
    fn new(options: SealedOptions) -> Self {
        let facts = FileFacts::default().with_chunks(ChunkRules::new(1, 1, 1 << 20, 700));
        Self {
            account: MemoryPlatform::new(MemoryOptions::new(facts)),
            plain: Studio::new(),
            options,
        }
    }

    fn with(&self, faults: &Faults) -> SealedConnector {
        let studio = self.plain.through(faults);
        let account = Arc::new(self.account.clone());
        let faulty = FaultyConnector::new("drive", account, faults.clone());
        studio.sealed(Arc::new(faulty), self.options.clone())
    }

    /// The account as the next process has it, whose entropy goes on elsewhere.
    fn fresh(&self) -> SealedConnector {
        self.plain
            .sealed(Arc::new(self.account.clone()), self.options.clone())
    }

    /// Tidies when everything is old, and holds that nothing is left over.
    async fn nothing_is_left_over(&self, what: &str) {
        let sealed = self.fresh();
        for _ in 0..2 {
            tokio::time::advance(Duration::from_secs(48 * 3600)).await;
            let before = self.plain.clock.now();
            sealed.tidy(before).await.unwrap();
        }
        let records = self.plain.records().await;
        let kept: usize = records
            .iter()
            .map(|file| usize::from(file.current.is_some()) + file.replaced.len())
            .sum();
        let stray = records.iter().any(|file| {
            let current = file.current.as_ref();
            !file.pending.is_empty() || current.is_none_or(|one| one.moving_to.is_some())
        });
        assert!(!stray, "{what}: {records:#?}");
        assert_eq!(
            self.plain.file_keys().await,
            kept,
            "{what}: keys without a file"
        );
        let listed = names(&sealed).await;
        assert_eq!(listed.len(), records.len(), "{what}: {listed:?}");
        for name in &listed {
            read(&sealed, name)
                .await
                .unwrap_or_else(|error| panic!("{what}: {name}: {error}"));
        }
    }
}

fn every_way() -> Vec<SealedOptions> {
    vec![
        options().with_replaced(Replaced::Erase),
        options(),
        sealed_names().with_replaced(Replaced::Erase),
    ]
}

/// Crashes `act` at every step, in both moments; `check` looks at what is there afterwards.
async fn at_every_step(
    prepare: impl AsyncFn(&World),
    act: impl AsyncFn(&SealedConnector) -> garland::Result<()>,
    check: impl AsyncFn(&World, &str),
) {
    for options in every_way() {
        for moment in [Moment::Before, Moment::After] {
            for step in 1.. {
                let world = World::new(options.clone());
                prepare(&world).await;
                let faults = Faults::crash_at(step, moment);
                let done = act(&world.with(&faults)).await;
                let crashed = faults.is_crashed();
                assert_eq!(done.is_err(), crashed, "{done:?}");
                let what = format!("step {step} {moment:?} {:?}", options.names);
                check(&world, &what).await;
                world.nothing_is_left_over(&what).await;
                check(&world, &what).await;
                if !crashed {
                    break;
                }
                assert!(step < 200);
            }
        }
    }
}

async fn is_one_of(world: &World, name: &str, expected: &[&Bytes], what: &str) {
    let found = read(&world.fresh(), name).await;
    let found = found.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(expected.contains(&&found), "{what}: other bytes");
}

#[tokio::test(start_paused = true)]
async fn of_a_new_upload() {
    let bytes = content(1_500, 1);
    at_every_step(
        async |world| {
            put(&world.fresh(), "other.jpg", &bytes).await.unwrap();
        },
        async |sealed| put(sealed, "day/a.jpg", &bytes).await.map(drop),
        async |world, what| {
            match read(&world.fresh(), "day/a.jpg").await {
                Ok(found) => assert!(found == bytes, "{what}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{what}"),
            }
            is_one_of(world, "other.jpg", &[&bytes], what).await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_an_upload_over_another_version() {
    let [old, new] = [content(1_500, 1), content(1_600, 2)];
    at_every_step(
        async |world| {
            put(&world.fresh(), "day/a.jpg", &old).await.unwrap();
        },
        async |sealed| put(sealed, "day/a.jpg", &new).await.map(drop),
        async |world, what| is_one_of(world, "day/a.jpg", &[&old, &new], what).await,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_rename() {
    let bytes = content(1_500, 1);
    at_every_step(
        async |world| {
            put(&world.fresh(), "a.jpg", &bytes).await.unwrap();
        },
        async |sealed| {
            let (from, to) = (path("a.jpg"), path("day/b.jpg"));
            sealed.rename(&from, &Expect::Anything, &to).await.map(drop)
        },
        async |world, what| {
            let sealed = world.fresh();
            let mut found = 0;
            for name in ["a.jpg", "day/b.jpg"] {
                match read(&sealed, name).await {
                    Ok(read) => {
                        assert!(read == bytes, "{what}");
                        found += 1;
                    }
                    Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{what}"),
                }
            }
            assert_eq!(found, 1, "{what}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_rename_after_which_another_file_takes_the_old_name() {
    let [old, new] = [content(1_500, 1), content(1_500, 2)];
    at_every_step(
        async |world| {
            put(&world.fresh(), "a.jpg", &old).await.unwrap();
            // The account has renamed it, and nobody came to say so.
            let lost = FaultKind::LostAnswer(ErrorKind::Unavailable);
            let faults = Faults::none().with_rule(FaultRule::new(Operation::Rename, lost));
            let (from, to) = (path("a.jpg"), path("b.jpg"));
            let sealed = world.with(&faults);
            let renamed = sealed.rename(&from, &Expect::Anything, &to).await;
            assert_eq!(renamed.unwrap_err().kind(), ErrorKind::Unavailable);
        },
        async |sealed| put(sealed, "a.jpg", &new).await.map(drop),
        async |world, what| {
            is_one_of(world, "b.jpg", &[&old], what).await;
            match read(&world.fresh(), "a.jpg").await {
                Ok(found) => assert!(found == new, "{what}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{what}"),
            }
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_delete() {
    let bytes = content(1_500, 1);
    at_every_step(
        async |world| {
            put(&world.fresh(), "a.jpg", &bytes).await.unwrap();
            put(&world.fresh(), "b.jpg", &bytes).await.unwrap();
        },
        async |sealed| sealed.delete(&path("a.jpg"), &Expect::Anything).await,
        async |world, what| {
            match read(&world.fresh(), "a.jpg").await {
                Ok(found) => assert!(found == bytes, "{what}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{what}"),
            }
            is_one_of(world, "b.jpg", &[&bytes], what).await;
        },
    )
    .await;
}
