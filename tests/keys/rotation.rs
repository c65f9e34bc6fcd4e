//! Rotation: C7, and what can go wrong meanwhile.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use garland::ErrorKind;
use garland::crypto::{
    EpochState, FILE_KEYS, FileKey, KeyRing, QUARTER, RotationEvent, SecretKey, SystemEntropy,
};
use garland::storage::{Query, Store};
use garland::testing::{Faults, FaultyStorage, Moment, PausedClock};

use crate::world::{
    Backend, Meddled, TestRoot, batch, body, destroy, events, make, make_many, memory, ring_on,
    store, under, wraps,
};

/// Three batches.
const FILES: usize = 200;

/// Five.
const CRASHED: usize = 400;

async fn check(ring: &KeyRing, keys: &[SecretKey], but: &[usize]) {
    for (file, key) in keys.iter().enumerate() {
        if !but.contains(&file) {
            let found = ring.key(&body(file)).await.unwrap();
            assert!(found.is(key), "file {file}");
        }
    }
}

async fn all_under_the_current(ring: &KeyRing, store: &Store, keys: usize) {
    let current = ring.epochs().await.unwrap().pop().unwrap().kek;
    let expected = [(current, keys)].into();
    assert_eq!(under(store).await, expected);
}

#[tokio::test]
async fn c7_rotation_wraps_every_key_anew_and_touches_nothing_else() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    let keys = make_many(&ring, &store, FILES).await;
    let before = wraps(&store).await;
    let report = ring.rotate().await.unwrap();
    assert_eq!(
        (report.epoch, report.moved, report.failed),
        (2, FILES as u64, 0)
    );
    all_under_the_current(&ring, &store, FILES).await;
    let after = wraps(&store).await;
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|((id, before), (same, after))| {
                id == same && before.wrap != after.wrap && before.file == after.file
            })
    );
    // A ring that has nothing in memory, as after a restart.
    check(&ring_on(&backend, "a", 1), &keys, &[]).await;
    let told = events(&store).await;
    let rotated = told.iter().filter(|kind| *kind == "keys.rotated").count();
    assert_eq!(rotated, FILES.div_ceil(98), "one event a batch");
    let begun = told.iter().filter(|kind| *kind == "keys.epoch_begun");
    assert_eq!(begun.count(), 2);
}

#[tokio::test]
async fn c7_both_epochs_are_read_meanwhile() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    let old = make(&ring, &store, &body("old")).await;
    ring.begin_epoch().await.unwrap();
    let new = make(&ring, &store, &body("new")).await;
    assert_eq!(under(&store).await.len(), 2);
    for ring in [ring, ring_on(&backend, "a", 1)] {
        assert!(ring.key(&body("old")).await.unwrap().is(&old));
        assert!(ring.key(&body("new")).await.unwrap().is(&new));
    }
}

#[tokio::test]
async fn c7_a_rotation_that_was_begun_is_finished_and_not_begun_again() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    make_many(&ring, &store, 10).await;
    ring.begin_epoch().await.unwrap();
    let report = ring.rotate().await.unwrap();
    assert_eq!((report.epoch, report.moved), (2, 10));
    let report = ring.rotate().await.unwrap();
    assert_eq!((report.epoch, report.moved), (3, 10));
}

#[tokio::test]
async fn c7_a_crash_at_any_step_is_resumed() {
    let steps = {
        let backend = memory();
        let store = store(&backend, "a");
        make_many(&ring_on(&backend, "a", 1), &store, CRASHED).await;
        let faults = Faults::none();
        let faulty: Backend = Arc::new(FaultyStorage::new(backend, faults.clone()));
        ring_on(&faulty, "a", 1).rotate().await.unwrap();
        faults.steps()
    };
    let (mut broken, mut between) = (0, 0);
    for step in 1..=steps {
        for moment in [Moment::Before, Moment::After] {
            let backend = memory();
            let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
            let keys = make_many(&ring, &store, CRASHED).await;
            let faults = Faults::crash_at(step, moment);
            let faulty: Backend = Arc::new(FaultyStorage::new(Arc::clone(&backend), faults));
            let outcome = ring_on(&faulty, "a", 1).rotate().await;
            broken += usize::from(outcome.is_err());
            between += usize::from(under(&store).await.len() > 1);

            // Another process, before and after it goes on.
            let other = ring_on(&backend, "a", 1);
            for file in (0..CRASHED).step_by(29) {
                let found = other.key(&body(file)).await.unwrap();
                assert!(found.is(&keys[file]), "file {file}");
            }
            other.rotate().await.unwrap();
            check(&other, &keys, &[]).await;
            all_under_the_current(&other, &store, CRASHED).await;
            let epochs = other.epochs().await.unwrap().len();
            assert!(epochs <= 3, "step {step} {moment:?}: {epochs} epochs");
        }
    }
    println!("{steps} steps, {broken} broken off, {between} of them between two epochs");
    assert!(broken > 10 && between > 6);
}

#[tokio::test]
async fn c7_it_can_be_stopped_and_goes_on() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    // Several pages of batches.
    let keys = make_many(&ring, &store, 2_000).await;
    let mut rotation = ring.start_rotation();
    let (mut events, mut stopped_at) = (Vec::new(), None);
    while let Some(event) = rotation.next_event().await {
        if let RotationEvent::Progress(progress) = &event
            && progress.done > 0
            && stopped_at.is_none()
        {
            rotation.cancel();
            stopped_at = Some(progress.done);
        }
        events.push(event);
    }
    let error = rotation.report().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(under(&store).await.len(), 2, "stopped in the middle");
    check(&ring_on(&backend, "a", 1), &keys, &[]).await;
    let left = 2_000 - moved(&ring, &store).await;
    let report = ring.rotate().await.unwrap();
    assert_eq!((report.epoch, report.moved), (2, left as u64));
    check(&ring, &keys, &[]).await;
}

/// How many keys are under the current epoch.
async fn moved(ring: &KeyRing, store: &Store) -> usize {
    let current = ring.epochs().await.unwrap().pop().unwrap().kek;
    under(store).await.get(&current).copied().unwrap_or(0)
}

#[tokio::test]
async fn progress_counts_up_to_the_total() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    make_many(&ring, &store, FILES).await;
    let mut rotation = ring.start_rotation();
    let (mut done, mut finished) = (Vec::new(), false);
    while let Some(event) = rotation.next_event().await {
        match event {
            RotationEvent::Progress(progress) => {
                assert_eq!(progress.total, FILES as u64);
                done.push(progress.done);
            }
            RotationEvent::Finished { epoch, moved, .. } => {
                finished = true;
                assert_eq!((epoch, moved), (2, FILES as u64));
            }
            _ => {}
        }
    }
    assert!(finished && done.is_sorted());
    assert_eq!(
        (done.first(), done.last()),
        (Some(&0), Some(&(FILES as u64)))
    );
    rotation.report().await.unwrap();
}

#[tokio::test]
async fn dropping_the_run_cancels_it() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    make_many(&ring, &store, 500).await;
    let mut rotation = ring.start_rotation();
    rotation.next_event().await.unwrap();
    drop(rotation);
    ring.rotate().await.unwrap();
    all_under_the_current(&ring, &store, 500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c7_two_processes_may_rotate_at_once() {
    for _ in 0..8 {
        let backend = memory();
        let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
        let keys = make_many(&ring, &store, FILES).await;
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let ring = ring_on(&backend, "a", 1);
            running.spawn(async move { ring.rotate().await.unwrap() });
        }
        let reports = running.join_all().await;
        let moved: u64 = reports.iter().map(|report| report.moved).sum();
        assert!(moved >= FILES as u64);
        check(&ring_on(&backend, "a", 1), &keys, &[]).await;
        all_under_the_current(&ring, &store, FILES).await;
    }
}

/// What somebody else does while a rotation is under way.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Destroy,
    DestroyAndMakeAnew,
    Erase,
    Make,
    BeginEpoch,
    RetireFirst,
    Rotate,
    ChangeRoot,
}

impl Deed {
    const ALL: [Self; 8] = [
        Self::Destroy,
        Self::DestroyAndMakeAnew,
        Self::Erase,
        Self::Make,
        Self::BeginEpoch,
        Self::RetireFirst,
        Self::Rotate,
        Self::ChangeRoot,
    ];

    /// The files whose key is not what it was.
    const TOUCHED: [usize; 3] = [0, 120, 199];

    fn done(self, backend: &Backend) -> BoxFuture<'static, ()> {
        let (ring, store) = (ring_on(backend, "a", 1), store(backend, "a"));
        async move {
            match self {
                Self::Destroy => {
                    for file in Self::TOUCHED {
                        destroy(&ring, &store, &body(file)).await;
                    }
                }
                Self::DestroyAndMakeAnew => {
                    for file in Self::TOUCHED {
                        destroy(&ring, &store, &body(file)).await;
                        make(&ring, &store, &body(file)).await;
                    }
                }
                Self::Erase => {
                    for file in Self::TOUCHED {
                        assert_eq!(ring.erase(&file.to_string()).await.unwrap().keys, 1);
                    }
                }
                Self::Make => {
                    make(&ring, &store, &body("new")).await;
                }
                Self::BeginEpoch => {
                    ring.begin_epoch().await.unwrap();
                }
                Self::RetireFirst => {
                    // Refused while keys are under it; that it was right shows in reading them all.
                    if let Err(error) = ring.retire(1).await {
                        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
                    }
                }
                Self::Rotate => {
                    ring.rotate().await.unwrap();
                }
                Self::ChangeRoot => {
                    ring.change_root(Arc::new(TestRoot(2))).await.unwrap();
                }
            }
        }
        .boxed()
    }
}

#[tokio::test]
async fn c7_what_others_do_meanwhile_is_never_undone() {
    let mut met = 0;
    for deed in Deed::ALL {
        for at in 0..6 {
            let backend = memory();
            let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
            let keys = make_many(&ring, &store, FILES).await;
            let meddled = Meddled::new(&backend, at, deed.done(&backend));
            let view: Backend = Arc::clone(&meddled) as Backend;
            let rotating = match deed {
                // A process that was told of the change.
                Deed::ChangeRoot => ring_on(&view, "a", 2).with_former_root(Arc::new(TestRoot(1))),
                _ => ring_on(&view, "a", 1),
            };
            let when = format!("{deed:?} before commit {at}");
            let report = rotating.rotate().await.expect(&when);
            assert_eq!(report.failed, 0, "{when}");
            if !meddled.is_done() {
                continue;
            }
            met += 1;
            let fresh = match deed {
                Deed::ChangeRoot => ring_on(&backend, "a", 2),
                _ => ring_on(&backend, "a", 1),
            };
            let touched: &[usize] = match deed {
                Deed::Destroy | Deed::DestroyAndMakeAnew | Deed::Erase => &Deed::TOUCHED,
                _ => &[],
            };
            check(&fresh, &keys, touched).await;
            for file in touched {
                let found = fresh.key(&body(file)).await;
                match deed {
                    Deed::DestroyAndMakeAnew => {
                        let found = found.expect(&when);
                        assert!(!found.is(&keys[*file]), "{when}: the former key is back");
                    }
                    _ => {
                        let kind = found.err().map(|error| error.kind());
                        assert_eq!(kind, Some(ErrorKind::NotFound), "{when}");
                    }
                }
            }
            if matches!(deed, Deed::Make) {
                fresh.key(&body("new")).await.expect(&when);
            }
            // Whatever was met, the next rotation brings everything to one epoch.
            fresh.rotate().await.expect(&when);
            check(&fresh, &keys, touched).await;
            assert_eq!(under(&store).await.len(), 1, "{when}");
        }
    }
    println!("{met} meetings");
    assert!(met >= 24, "only {met}");
}

#[tokio::test]
async fn a_key_that_does_not_open_is_reported_and_stops_no_other() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    let keys = make_many(&ring, &store, FILES).await;
    let found = store
        .query(&Query::all(FILE_KEYS.name().clone()))
        .await
        .unwrap();
    let record = &found.records[7];
    let mut value: FileKey = record.value.read().unwrap();
    let damaged: usize = value.file.parse().unwrap();
    let last = value.wrap.pop().unwrap();
    value.wrap.push(if last == '0' { '1' } else { '0' });
    let index = (
        garland::storage::IndexName::new("epoch"),
        value.wrap[16..48].parse().unwrap(),
    );
    let mut batch = batch();
    let any = garland::storage::Precondition::Any;
    batch
        .put_with(&FILE_KEYS, record.id.clone(), &value, any, vec![index])
        .unwrap();
    store.commit(batch).await.unwrap();

    let report = ring.rotate().await.unwrap();
    assert_eq!((report.moved, report.failed), (FILES as u64 - 1, 1));
    assert_eq!(report.failures[0].file, damaged.to_string());
    assert_eq!(report.failures[0].kind, ErrorKind::Corrupt);
    check(&ring, &keys, &[damaged]).await;
    let refused = ring.retire(1).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);

    // Nor does it stop the rotations to come.
    for epoch in 3..6 {
        let mut rotation = ring.start_rotation();
        let mut done = Vec::new();
        while let Some(event) = rotation.next_event().await {
            if let RotationEvent::Progress(progress) = event {
                done.push((progress.total, progress.done));
            }
        }
        let report = rotation.report().await.unwrap();
        assert_eq!(
            (report.epoch, report.moved, report.failed),
            (epoch, FILES as u64 - 1, 1)
        );
        assert_eq!(done.last(), Some(&(FILES as u64, FILES as u64)));
        assert!(done.is_sorted(), "{done:?}");
        assert_eq!(moved(&ring, &store).await, FILES - 1);
        check(&ring, &keys, &[damaged]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn c7_a_key_that_does_not_open_lets_a_rotation_that_is_due_be_done() {
    let clock = PausedClock::starting(garland::Timestamp::from_millis(0));
    let backend = memory();
    let kept = store(&backend, "a");
    let root = Arc::new(TestRoot(1));
    let entropy = Arc::new(SystemEntropy::new());
    let ring = KeyRing::new(kept.clone(), root, Arc::new(clock), entropy);
    make(&ring, &kept, &body("lost")).await;
    let (id, mut value) = wraps(&kept).await.remove(0);
    let last = value.wrap.pop().unwrap();
    value.wrap.push(if last == '0' { '1' } else { '0' });
    let index = (
        garland::storage::IndexName::new("epoch"),
        value.wrap[16..48].parse().unwrap(),
    );
    let mut batch = batch();
    let any = garland::storage::Precondition::Any;
    batch
        .put_with(&FILE_KEYS, id, &value, any, vec![index])
        .unwrap();
    kept.commit(batch).await.unwrap();
    ring.rotate().await.unwrap();
    tokio::time::advance(QUARTER).await;
    assert!(ring.is_due(QUARTER).await.unwrap());
    let report = ring.rotate_if_older_than(QUARTER).await.unwrap().unwrap();
    assert_eq!((report.epoch, report.moved, report.failed), (3, 0, 1));
    assert!(!ring.is_due(QUARTER).await.unwrap());
}

#[tokio::test]
async fn a_retired_epoch_is_gone_for_everybody() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    let keys = make_many(&ring, &store, 10).await;
    let refused = ring.retire(1).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "it is the current one");
    ring.begin_epoch().await.unwrap();
    let refused = ring.retire(1).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "keys are under it");
    let unknown = ring.retire(7).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    ring.rotate().await.unwrap();
    let before = wraps(&store).await;
    assert_eq!(ring.retire_former().await.unwrap(), [1]);
    ring.retire(1).await.unwrap();
    let epochs = ring.epochs().await.unwrap();
    assert_eq!(epochs[0].state, EpochState::Retired);
    assert_eq!(epochs[0].wrapped, "");
    assert_eq!(wraps(&store).await, before);
    check(&ring_on(&backend, "a", 1), &keys, &[]).await;
    let told = events(&store).await;
    assert_eq!(told.last().map(String::as_str), Some("keys.epoch_retired"));
}

#[tokio::test]
async fn a_key_made_under_an_epoch_that_ends_is_refused_and_not_lost() {
    let backend = memory();
    let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    make(&ring, &store, &body("x")).await;
    // Drawn, and not yet committed, while somebody else rotates and retires.
    let mut late = batch();
    ring.create(&mut late, &body("late")).await.unwrap();
    let other = ring_on(&backend, "a", 1);
    other.rotate().await.unwrap();
    other.retire(1).await.unwrap();
    let refused = store.commit(late).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let key = make(&ring, &store, &body("late")).await;
    assert!(other.key(&body("late")).await.unwrap().is(&key));
}

#[tokio::test]
async fn a_key_committed_just_before_its_epoch_closes_keeps_it_from_being_retired() {
    for at in 0..3 {
        let backend = memory();
        let (ring, store) = (ring_on(&backend, "a", 1), store(&backend, "a"));
        make(&ring, &store, &body("x")).await;
        let mut late = batch();
        let key = ring.create(&mut late, &body("late")).await.unwrap();
        ring.rotate().await.unwrap();
        let (sent, answer) = tokio::sync::oneshot::channel();
        let deed = {
            let store = store.clone();
            async move {
                sent.send(store.commit(late).await.is_ok()).unwrap();
            }
        };
        let meddled = Meddled::new(&backend, at, deed.boxed());
        let view: Backend = meddled;
        let retired = ring_on(&view, "a", 1).retire(1).await;
        drop(view);
        match answer.await {
            Ok(true) => {
                assert_eq!(
                    retired.unwrap_err().kind(),
                    ErrorKind::Refused,
                    "commit {at}"
                );
                let fresh = ring_on(&backend, "a", 1);
                assert!(fresh.key(&body("late")).await.unwrap().is(&key));
                fresh.rotate().await.unwrap();
                fresh.retire(1).await.unwrap();
                assert!(fresh.key(&body("late")).await.unwrap().is(&key));
            }
            Ok(false) | Err(_) => retired.unwrap(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_epoch_is_due_after_a_quarter() {
    let clock = Arc::new(PausedClock::starting(garland::Timestamp::from_millis(0)));
    let backend = memory();
    let ring = KeyRing::new(
        store(&backend, "a"),
        Arc::new(TestRoot(1)),
        clock,
        Arc::new(SystemEntropy::new()),
    );
    assert!(!ring.is_due(QUARTER).await.unwrap(), "nothing has begun");
    ring.begin_epoch().await.unwrap();
    tokio::time::advance(QUARTER - Duration::from_millis(1)).await;
    assert!(ring.rotate_if_older_than(QUARTER).await.unwrap().is_none());
    tokio::time::advance(Duration::from_millis(1)).await;
    let report = ring.rotate_if_older_than(QUARTER).await.unwrap();
    assert_eq!(report.map(|report| report.epoch), Some(2));
    assert!(!ring.is_due(QUARTER).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_key_of_an_epoch_retired_elsewhere_does_not_linger() {
    let clock = Arc::new(PausedClock::starting(garland::Timestamp::from_millis(0)));
    let backend = memory();
    let kept = store(&backend, "a");
    let root = Arc::new(TestRoot(1));
    let ring = KeyRing::new(kept.clone(), root, clock, Arc::new(SystemEntropy::new()));
    make(&ring, &kept, &body("x")).await;
    let (place, stale) = wraps(&kept).await.remove(0);
    let other = ring_on(&backend, "a", 1);
    other.rotate().await.unwrap();
    other.retire(1).await.unwrap();
    // An old copy of the record is put back: it opens as long as the key is believed, a minute.
    let mut old = batch();
    old.put(&FILE_KEYS, place, &stale).unwrap();
    kept.commit(old).await.unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    let gone = ring.key(&body("x")).await.err().unwrap();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}
