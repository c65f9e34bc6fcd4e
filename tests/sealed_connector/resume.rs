//! Uploads that go on after a crash: the file is what was sent, and no nonce seals two contents.

use std::sync::Arc;

use bytes::Bytes;
use garland::connector::{ChunkRules, FileFacts, FileStore, UploadRequest, UploadToken};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::testing::{Faults, FaultyConnector, Moment};
use garland::{ErrorKind, Result};
use proptest::prelude::*;

use crate::spy::Spy;
use crate::world::{CHUNK, Studio, content, none, options, path, put, read, send};

/// An account whose chunks never end where sealed ones do, and everything about it.
struct World {
    account: MemoryPlatform,
    studio: Studio,
    faults: Faults,
    spy: Spy,
}

impl World {
    fn new(faults: Faults) -> Self {
        let facts = FileFacts::default().with_chunks(ChunkRules::new(1, 1, 1 << 20, 20_000));
        let account = MemoryPlatform::new(MemoryOptions::new(facts));
        let studio = Studio::new().through(&faults);
        let faulty = FaultyConnector::new("drive", Arc::new(account.clone()), faults.clone());
        // The spy hears of chunks before they are lost.
        let spy = Spy::new(Arc::new(faulty));
        Self {
            account,
            studio,
            faults,
            spy,
        }
    }

    fn sealed(&self) -> garland::crypto::SealedConnector {
        self.studio.sealed(Arc::new(self.spy.clone()), options())
    }
}

/// Begins an upload and sends until the crash; returns the token if there was time for one.
async fn begin(world: &World, bytes: &Bytes) -> (Option<UploadToken>, Result<()>) {
    let sealed = world.sealed();
    let request = UploadRequest::new(path("day/film.mov"), bytes.len() as u64);
    let mut session = match sealed.upload(request).await {
        Ok(session) => session,
        Err(error) => return (None, Err(error)),
    };
    let token = session.token();
    if let Err(error) = send(&mut *session, bytes).await {
        return (token, Err(error));
    }
    (token, session.finish(&none()).await.map(|_| ()))
}

/// Goes on in another process with what the source is by now; anew if the upload has expired.
/// Tells whether it went on.
async fn go_on(world: &World, token: Option<UploadToken>, bytes: &Bytes) -> bool {
    let sealed = world.sealed();
    if let Some(token) = token {
        match sealed.resume_upload(&token).await {
            Ok(mut session) => match send(&mut *session, bytes).await {
                Ok(()) => {
                    session.finish(&none()).await.unwrap();
                    return true;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Expired, "{error}");
                    drop(session);
                    let again = sealed.resume_upload(&token).await.map(|_| ());
                    assert_eq!(again.unwrap_err().kind(), ErrorKind::Expired);
                }
            },
            Err(error) => assert_eq!(error.kind(), ErrorKind::Expired, "{error}"),
        }
    }
    put(&sealed, "day/film.mov", bytes).await.unwrap();
    false
}

#[tokio::test(start_paused = true)]
async fn an_upload_goes_on_after_a_crash_at_every_step() {
    let bytes = content(6 * CHUNK + 1_000, 1);
    let (mut went_on, mut twice) = (0, 0);
    for step in 1.. {
        let mut over = false;
        for moment in [Moment::Before, Moment::After] {
            let world = World::new(Faults::crash_at(step, moment));
            let (token, result) = begin(&world, &bytes).await;
            over |= result.is_ok() && !world.faults.is_crashed();
            world.faults.heal();
            went_on += u32::from(go_on(&world, token, &bytes).await);
            let back = read(&world.sealed(), "day/film.mov").await.unwrap();
            assert!(back == bytes, "step {step} {moment:?}");
            twice += world.spy.no_nonce_was_used_twice();
        }
        if over {
            break;
        }
    }
    assert!(went_on > 10, "only {went_on} uploads went on");
    assert!(twice > 0, "nothing was ever sealed again");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_changed_is_sealed_anew() {
    let bytes = content(6 * CHUNK + 1_000, 2);
    for step in (1..40).step_by(3) {
        for place in [
            0,
            CHUNK - 1,
            CHUNK,
            2 * CHUNK + 5,
            4 * CHUNK,
            6 * CHUNK + 999,
        ] {
            let world = World::new(Faults::crash_at(step, Moment::After));
            let (token, _) = begin(&world, &bytes).await;
            world.faults.heal();
            let mut changed = bytes.to_vec();
            changed[usize::try_from(place).unwrap()] ^= 1;
            let changed = Bytes::from(changed);
            let went_on = go_on(&world, token, &changed).await;
            world.spy.no_nonce_was_used_twice();
            let back = read(&world.sealed(), "day/film.mov").await.unwrap();
            // What went on has the beginning that was sent before, which only a look can tell: a transfer
            // reads back what was resumed.
            assert!(
                back == changed || (went_on && back == bytes),
                "step {step} at {place}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_of_a_write_that_failed_must_come_again_as_they_were() {
    use garland::testing::{FaultKind, FaultRule, Operation};
    let fault = FaultKind::Error(ErrorKind::Unavailable);
    let world = World::new(Faults::none().with_rule(FaultRule::new(Operation::Write, fault)));
    let sealed = world.sealed();
    let bytes = content(3 * CHUNK, 3);
    let request = UploadRequest::new(path("a.mov"), bytes.len() as u64);
    let mut session = sealed.upload(request).await.unwrap();
    let size = usize::try_from(session.next_chunk()).unwrap();
    let first = bytes.slice(..size);
    let error = session.write(first.clone()).await.unwrap_err();
    assert_eq!(
        (error.kind(), session.offset()),
        (ErrorKind::Unavailable, 0)
    );
    let other = Bytes::from(vec![0; size]);
    let error = session.write(other).await.unwrap_err();
    assert_eq!(
        (error.kind(), session.offset()),
        (ErrorKind::InvalidInput, 0)
    );
    session.write(first).await.unwrap();
    send(&mut *session, &bytes).await.unwrap();
    session.finish(&none()).await.unwrap();
    assert!(read(&sealed, "a.mov").await.unwrap() == bytes);
    world.spy.no_nonce_was_used_twice();
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_was_dropped_in_mid_call_is_not_gone_on_with() {
    use garland::testing::{FaultKind, FaultRule, Operation};
    let hang = FaultRule::new(Operation::Write, FaultKind::Hang(Moment::After)).nth(2);
    let world = World::new(Faults::none().with_rule(hang));
    let sealed = world.sealed();
    let bytes = content(5 * CHUNK, 4);
    let request = UploadRequest::new(path("a.mov"), bytes.len() as u64);
    let mut session = sealed.upload(request).await.unwrap();
    let token = session.token().unwrap();
    let hour = std::time::Duration::from_secs(3600);
    let sent = tokio::time::timeout(hour, send(&mut *session, &bytes)).await;
    assert!(sent.is_err(), "it hangs");
    let next = usize::try_from(session.next_chunk()).unwrap();
    let again = session.write(bytes.slice(..next)).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Expired);
    drop(session);
    let mut session = sealed.resume_upload(&token).await.unwrap();
    send(&mut *session, &bytes).await.unwrap();
    session.finish(&none()).await.unwrap();
    assert!(read(&sealed, "a.mov").await.unwrap() == bytes);
    world.spy.no_nonce_was_used_twice();
    assert_eq!(world.account.unfinished_uploads(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// However large the file, however its chunks are cut, whenever it crashes and wherever the source changes.
    #[test]
    fn no_nonce_ever_seals_two_contents(
        size in 0_u64..6 * CHUNK,
        preferred in 1_000_u64..60_000,
        steps in proptest::collection::vec((1_u64..30, any::<bool>(), any::<u64>()), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let facts = FileFacts::default().with_chunks(ChunkRules::new(1, 1, 1 << 20, preferred));
            let account = MemoryPlatform::new(MemoryOptions::new(facts));
            let plain = Studio::new();
            let spy = Spy::new(Arc::new(account.clone()));
            let mut bytes = content(size, 9);
            let mut token: Option<UploadToken> = None;
            for (step, after, place) in steps {
                let moment = if after { Moment::After } else { Moment::Before };
                let faults = Faults::crash_at(step, moment);
                let studio = plain.through(&faults);
                let seen = Arc::new(spy.clone());
                // Faults outside the spy lose nothing that the account has not seen.
                let faulty = Arc::new(FaultyConnector::new("drive", seen, faults));
                let sealed = studio.sealed(faulty, options());
                let session = match &token {
                    Some(token) => sealed.resume_upload(token).await,
                    None => sealed.upload(UploadRequest::new(path("a"), size)).await,
                };
                match session {
                    Ok(mut session) => {
                        token = session.token();
                        if send(&mut *session, &bytes).await.is_ok() {
                            let finished = session.finish(&none()).await.is_ok();
                            token = token.filter(|_| !finished);
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::Expired => token = None,
                    Err(_) => {}
                }
                if place % 2 == 0 && size > 0 {
                    let mut changed = bytes.to_vec();
                    changed[usize::try_from(place % size).unwrap()] ^= 255;
                    bytes = changed.into();
                }
                spy.no_nonce_was_used_twice();
            }
            let sealed = plain.sealed(Arc::new(spy.clone()), options());
            put(&sealed, "a", &bytes).await.unwrap();
            assert!(read(&sealed, "a").await.unwrap() == bytes);
            spy.no_nonce_was_used_twice();
        });
    }
}
