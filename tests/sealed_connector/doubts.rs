//! What is done where it is not certain what the account did: nothing that could not be undone.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use garland::connector::{Expect, FileStore, SkipReason, UploadRequest};
use garland::crypto::{Replaced, SealedConnector};
use garland::platforms::MemoryPlatform;
use garland::testing::{FaultKind, FaultRule, Faults, FaultyConnector, Operation};
use garland::{Clock as _, ErrorKind};

use crate::spy::{Moments, Spy};
use crate::world::{
    CHUNK, Studio, content, kind, list, none, options, path, put, put_as, read, send,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An account with one bystander on it, so that it is not empty.
struct World {
    account: MemoryPlatform,
    studio: Studio,
}

impl World {
    async fn new() -> Self {
        let world = Self {
            account: MemoryPlatform::default(),
            studio: Studio::new(),
        };
        put(&world.fresh(), "bystander", &content(10, 0))
            .await
            .unwrap();
        world
    }

    fn fresh(&self) -> SealedConnector {
        self.studio
            .sealed(Arc::new(self.account.clone()), options())
    }

    fn with(&self, operation: Operation, fault: FaultKind) -> SealedConnector {
        let faults = Faults::none().with_rule(FaultRule::new(operation, fault));
        let account = Arc::new(self.account.clone());
        let faulty = FaultyConnector::new("drive", account, faults);
        self.studio.sealed(Arc::new(faulty), options())
    }

    async fn tidy(&self) -> garland::crypto::Tidied {
        tokio::time::advance(DAY * 2).await;
        self.fresh().tidy(self.studio.clock.now()).await.unwrap()
    }
}

async fn rename(sealed: &SealedConnector, from: &str, to: &str) -> garland::Result<()> {
    let (from, to) = (path(from), path(to));
    sealed.rename(&from, &Expect::Anything, &to).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn a_rename_that_failed_after_it_was_done_is_kept() {
    use ErrorKind::{AlreadyExists, Changed, Conflict, Denied, Full, InvalidInput, NotFound};
    for error in [
        Full,
        NotFound,
        Conflict,
        Changed,
        Denied,
        AlreadyExists,
        InvalidInput,
    ] {
        let world = World::new().await;
        let bytes = content(500, 1);
        put(&world.fresh(), "a", &bytes).await.unwrap();
        let lost = world.with(Operation::Rename, FaultKind::LostAnswer(error));
        rename(&lost, "a", "b").await.unwrap();
        for _ in 0..3 {
            assert!(
                read(&world.fresh(), "b").await.unwrap() == bytes,
                "{error:?}"
            );
            world.tidy().await;
        }
        assert_eq!(kind(read(&world.fresh(), "a").await), NotFound);
        assert_eq!(world.studio.file_keys().await, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rename_that_did_not_happen_is_taken_back() {
    let world = World::new().await;
    let bytes = content(500, 1);
    put(&world.fresh(), "a", &bytes).await.unwrap();
    let full = world.with(Operation::Rename, FaultKind::Error(ErrorKind::Full));
    assert_eq!(kind(rename(&full, "a", "b").await), ErrorKind::Full);
    let records = world.studio.records().await;
    assert!(records.iter().all(|file| file.pending.is_empty()));
    assert!(read(&world.fresh(), "a").await.unwrap() == bytes);
}

#[tokio::test(start_paused = true)]
async fn a_rename_is_not_ended_by_one_bad_look_at_its_target() {
    for junk in [None, Some("not sealed at all")] {
        let world = World::new().await;
        let bytes = content(500, 1);
        put(&world.fresh(), "a", &bytes).await.unwrap();
        let lost = FaultKind::LostAnswer(ErrorKind::Unavailable);
        rename(&world.with(Operation::Rename, lost), "a", "b")
            .await
            .unwrap_err();
        let object = world.account.get("b.sealed").unwrap();
        world.account.remove("b.sealed").unwrap();
        if let Some(junk) = junk {
            world.account.put("b.sealed", junk).unwrap();
        }
        let removed = world.fresh().delete(&path("a"), &Expect::Anything).await;
        assert_eq!(kind(removed), ErrorKind::NotFound);
        world.account.put("b.sealed", object).unwrap();
        assert!(
            read(&world.fresh(), "b").await.unwrap() == bytes,
            "{junk:?}"
        );
        for _ in 0..2 {
            world.tidy().await;
        }
        assert!(
            read(&world.fresh(), "b").await.unwrap() == bytes,
            "{junk:?}"
        );
        assert_eq!(world.studio.file_keys().await, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_has_moved_on_is_held_by_one_record() {
    let world = World::new().await;
    let bytes = content(500, 1);
    put(&world.fresh(), "a", &bytes).await.unwrap();
    let spy = Spy::new(Arc::new(world.account.clone()));
    let other = world.fresh();
    spy.meanwhile(Moments::AfterRename, async move {
        rename(&other, "b", "c").await.unwrap();
    });
    let sealed = world.studio.sealed(Arc::new(spy), options());
    rename(&sealed, "a", "b").await.unwrap();
    let records = world.studio.records().await;
    let current = records.iter().filter_map(|file| file.current.as_ref());
    let versions: std::collections::BTreeSet<_> = current.clone().map(|one| &one.version).collect();
    assert_eq!(current.count(), versions.len());
    for _ in 0..3 {
        world.tidy().await;
    }
    assert!(read(&world.fresh(), "c").await.unwrap() == bytes);
}

#[tokio::test(start_paused = true)]
async fn an_unheard_upload_is_not_given_up_after_one_bad_look() {
    for junk in [None, Some("not sealed at all")] {
        let world = World::new().await;
        let bytes = content(500, 1);
        let lost = FaultKind::LostAnswer(ErrorKind::Unavailable);
        put(&world.with(Operation::Finish, lost), "a", &bytes)
            .await
            .unwrap_err();
        let object = world.account.get("a.sealed").unwrap();
        world.account.remove("a.sealed").unwrap();
        if let Some(junk) = junk {
            world.account.put("a.sealed", junk).unwrap();
        }
        assert_eq!(world.tidy().await.dropped, 0);
        if junk.is_some() {
            assert_eq!(
                world.tidy().await.dropped,
                0,
                "what hides it tells nothing of it"
            );
        }
        world.account.put("a.sealed", object).unwrap();
        assert!(
            read(&world.fresh(), "a").await.unwrap() == bytes,
            "{junk:?}"
        );
    }
    let world = World::new().await;
    let _given_up = world
        .fresh()
        .upload(UploadRequest::new(path("a"), 5))
        .await
        .unwrap();
    assert_eq!(
        (world.tidy().await.dropped, world.tidy().await.dropped),
        (0, 1)
    );
    assert_eq!(world.studio.file_keys().await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_replaces_a_file_whose_rename_never_ran_keeps_it() {
    for begun_before in [false, true] {
        let world = World::new().await;
        put(&world.fresh(), "a", &content(500, 1)).await.unwrap();
        let never = world.with(Operation::Rename, FaultKind::Error(ErrorKind::Unavailable));
        if begun_before {
            let sealed = world.fresh();
            let mut upload = sealed
                .upload(UploadRequest::new(path("a"), 500))
                .await
                .unwrap();
            send(&mut *upload, &content(500, 2)).await.unwrap();
            rename(&never, "a", "b").await.unwrap_err();
            upload.finish(&none()).await.unwrap();
        } else {
            rename(&never, "a", "b").await.unwrap_err();
            put(&world.fresh(), "a", &content(500, 2)).await.unwrap();
        }
        for _ in 0..3 {
            world.tidy().await;
        }
        assert!(read(&world.fresh(), "a").await.unwrap() == content(500, 2));
        let kept: usize = world
            .studio
            .records()
            .await
            .iter()
            .map(|file| file.replaced.len())
            .sum();
        assert_eq!(
            (kept, world.studio.file_keys().await),
            (1, 3),
            "{begun_before}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn c2_two_sessions_of_one_upload_never_use_a_nonce_for_two_contents() {
    for (before, ours, theirs) in [(0, 1, 1), (1, 1, 1), (1, 2, 1), (2, 1, 3), (0, 3, 1)] {
        let facts = garland::connector::FileFacts::default()
            .with_chunks(garland::connector::ChunkRules::new(1, 1, 1 << 20, 20_000));
        let account = MemoryPlatform::new(garland::platforms::MemoryOptions::new(facts));
        let spy = Spy::new(Arc::new(account));
        let studio = Studio::new();
        let sealed = || studio.sealed(Arc::new(spy.clone()), options());
        let [old, new] = [content(9 * CHUNK, 1), content(9 * CHUNK, 2)];
        let request = UploadRequest::new(path("film.mov"), old.len() as u64);
        let mut first = sealed().upload(request).await.unwrap();
        for _ in 0..before {
            step(&mut *first, &old).await.unwrap();
        }
        let token = first.token().unwrap();
        let mut second = sealed().resume_upload(&token).await.unwrap();
        let mut refused = 0;
        for _ in 0..ours {
            refused += u32::from(step(&mut *first, &old).await.is_err());
        }
        for _ in 0..theirs {
            refused += u32::from(step(&mut *second, &new).await.is_err());
        }
        for _ in 0..3 {
            refused += u32::from(step(&mut *first, &old).await.is_err());
            refused += u32::from(step(&mut *second, &new).await.is_err());
        }
        spy.no_nonce_was_used_twice();
        assert!(refused > 0);
    }
}

async fn step(
    session: &mut dyn garland::connector::UploadSession,
    bytes: &Bytes,
) -> garland::Result<()> {
    let from = usize::try_from(session.offset()).unwrap();
    let size = usize::try_from(session.next_chunk()).unwrap();
    session.write(bytes.slice(from..from + size)).await
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_meets_a_fresh_upload_reads_it() {
    for replaced in [Replaced::Keep, Replaced::Erase] {
        for first in [false, true] {
            let world = World::new().await;
            let spy = Spy::new(Arc::new(world.account.clone()));
            let account = Arc::new(world.account.clone());
            let other = world
                .studio
                .sealed(account, options().with_replaced(replaced));
            if !first {
                put(&other, "a", &content(500, 1)).await.unwrap();
            }
            let begun = other
                .upload(UploadRequest::new(path("a"), 0))
                .await
                .unwrap();
            begun.abort().await.unwrap();
            spy.meanwhile(Moments::BeforeRead, async move {
                put(&other, "a", &content(600, 2)).await.unwrap();
            });
            let sealed = world.studio.sealed(Arc::new(spy), options());
            let found = read(&sealed, "a").await;
            if first {
                // Nothing was there when it looked.
                assert_eq!(kind(found), ErrorKind::NotFound);
            } else {
                assert!(found.unwrap() == content(600, 2));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_object_is_no_file_while_an_upload_is_pending() {
    let world = World::new().await;
    let sealed = world.fresh();
    let _begun = sealed
        .upload(UploadRequest::new(path("a"), 5))
        .await
        .unwrap();
    world.account.put("a.sealed", "not sealed at all").unwrap();
    assert_eq!(kind(sealed.stat(&path("a")).await), ErrorKind::Corrupt);
    let listed = list(&sealed).await.unwrap();
    assert_eq!(listed.entries.len(), 1);
    let skipped: Vec<_> = listed
        .skipped
        .iter()
        .map(|one| (&*one.name, one.reason))
        .collect();
    assert_eq!(skipped, [("a", SkipReason::NotSealed)]);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_was_replaced_before_it_heard_of_its_end_has_succeeded() {
    let world = World::new().await;
    let spy = Spy::new(Arc::new(world.account.clone()));
    let other = world.fresh();
    spy.meanwhile(Moments::AfterFinish, async move {
        assert!(read(&other, "a").await.unwrap() == content(500, 1));
        put(&other, "a", &content(500, 2)).await.unwrap();
    });
    let sealed = world.studio.sealed(Arc::new(spy), options());
    put(&sealed, "a", &content(500, 1)).await.unwrap();
    assert!(read(&sealed, "a").await.unwrap() == content(500, 2));
}

#[tokio::test(start_paused = true)]
async fn a_resumed_upload_keeps_its_media_type() {
    let world = World::new().await;
    let bytes = content(3 * CHUNK, 1);
    let request = || {
        let request = UploadRequest::new(path("vows.txt"), bytes.len() as u64);
        request.with_media_type(Some("text/plain".into()))
    };
    let begun = world.fresh().upload(request()).await.unwrap();
    let token = begun.token().unwrap();
    drop(begun);
    let mut session = world.fresh().resume_upload(&token).await.unwrap();
    send(&mut *session, &bytes).await.unwrap();
    let entry = session.finish(&none()).await.unwrap();
    assert_eq!(entry.media_type.as_deref(), Some("text/plain"));
    let told = world
        .fresh()
        .stat(&path("vows.txt"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told.media_type.as_deref(), Some("text/plain"));
    // One whose end nobody heard of keeps it as well.
    let lost = FaultKind::LostAnswer(ErrorKind::Unavailable);
    let sealed = world.with(Operation::Finish, lost);
    put_as(&sealed, request(), &bytes).await.unwrap_err();
    let told = world
        .fresh()
        .stat(&path("vows.txt"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told.media_type.as_deref(), Some("text/plain"));
}
