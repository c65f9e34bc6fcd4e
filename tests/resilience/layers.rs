//! Each layer by itself: what it does, and what it leaves alone.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::ErrorKind;
use garland::connector::{Expect, FilePath, PlatformConnector, ReadOptions, UploadRequest};
use garland::resilience::pool::PoolOptions;
use garland::resilience::{
    AdaptiveOptions, Breaker, BreakerOptions, BreakerState, BudgetOptions, Bulkhead,
    BulkheadOptions, CallKind, ConnectorLayer as _, Hedge, HedgeOptions, ResilienceEventKind,
    ResilienceEvents, ResilienceOptions, Retry, RetryOptions,
};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::tools::{Answer, Script, World, ms, path, s, stat};

fn retry(world: &World) -> Retry {
    let budget = BudgetOptions::default().with_least_per_second(100);
    Retry::new(world.scope(), RetryOptions::default(), budget)
}

/// How often the platform is asked by a call whose first try ends so.
async fn tries(
    first: Answer,
    call: impl AsyncFn(Arc<dyn PlatformConnector>) -> garland::Result<()>,
) -> (usize, bool) {
    let world = World::new(1);
    let script = Script::new(&world, move |_, number| match number {
        1 => first.clone(),
        _ => Answer::Good,
    });
    let answer = call(retry(&world).apply(script.connector())).await;
    (script.seen().len(), answer.is_ok())
}

#[tokio::test(start_paused = true)]
async fn only_what_does_no_harm_twice_is_tried_again() {
    let failed = || Answer::Bad(ErrorKind::Unavailable);
    let refused = || Answer::Limited(Some(s(1)));
    let stat = async |account: Arc<dyn PlatformConnector>| stat(&account).await;
    let delete = async |account: Arc<dyn PlatformConnector>| {
        let files = account.files().unwrap();
        files.delete(&path("a"), &Expect::Anything).await
    };
    let list = async |account: Arc<dyn PlatformConnector>| {
        let pages = account.files().unwrap().list();
        pages.try_collect::<Vec<_>>().await.map(drop)
    };
    assert_eq!(tries(failed(), stat).await, (2, true));
    assert_eq!(tries(refused(), stat).await, (2, true));
    // A delete whose answer was lost would find nothing to delete; one that was refused has not begun.
    assert_eq!(tries(failed(), delete).await, (1, false));
    assert_eq!(tries(refused(), delete).await, (2, true));
    // A listing cannot go on where it broke.
    assert_eq!(tries(failed(), list).await, (1, false));
    assert_eq!(tries(refused(), list).await, (1, false));
    assert_eq!(
        tries(Answer::Bad(ErrorKind::Denied), stat).await,
        (1, false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_failed_is_left_to_whoever_knows_the_offset() {
    let world = World::new(1);
    let script = Script::new(&world, |_, number| match number {
        2 => Answer::Bad(ErrorKind::Timeout),
        _ => Answer::Good,
    });
    let account = retry(&world).apply(script.connector());
    let files = account.files().unwrap();
    let mut session = files
        .upload(UploadRequest::new(path("b"), 3))
        .await
        .unwrap();
    let error = session.write(Bytes::from("abc")).await.unwrap_err();
    assert_eq!((error.kind(), session.offset()), (ErrorKind::Timeout, 0));
    session.write(Bytes::from("abc")).await.unwrap();
    session
        .finish(&garland::connector::Hashes::new())
        .await
        .unwrap();
    let names: Vec<&str> = script.seen().iter().map(|seen| seen.name).collect();
    let expected = [
        "files.upload",
        "upload.write",
        "upload.write",
        "upload.finish",
    ];
    assert_eq!(names, expected);
}

#[tokio::test(start_paused = true)]
async fn all_tries_together_end_with_the_deadline() {
    let world = World::new(1);
    let account = |rule: fn(_, usize) -> Answer| {
        let script = Script::new(&world, rule);
        (retry(&world).apply(script.connector()), script)
    };
    let (hanging, script) = account(|_, _| Answer::Never);
    let begun = world.now();
    let error = stat(&hanging).await.unwrap_err();
    assert_eq!(
        (error.kind(), world.now() - begun),
        (ErrorKind::Timeout, s(60))
    );
    assert_eq!((script.seen().len(), script.dropped()), (1, 1));

    // A wait that leads beyond the deadline is not begun.
    let (told, _) = account(|_, _| Answer::Limited(Some(s(61))));
    let begun = world.now();
    let error = stat(&told).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(s(61)));
    assert_eq!(world.now(), begun);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_hangs_is_tried_again_and_then_left_alone() {
    let world = World::new(1);
    let script = Script::new(&world, |_, number| match number {
        1 => Answer::Never,
        _ => Answer::Good,
    });
    let account = world.standard().apply("clients", script.connector());
    let begun = world.now();
    stat(&account).await.unwrap();
    let took = world.now() - begun;
    assert!((s(20)..s(21)).contains(&took), "{took:?}");

    let hanging = Script::new(&world, |_, _| Answer::Never);
    let connector = hanging.connector();
    let stack = world.standard();
    let layers = stack.account("archive", connector.platform());
    let account = layers.apply(connector);
    for _ in 0..2 {
        let mut calls = JoinSet::new();
        for _ in 0..50 {
            let account = Arc::clone(&account);
            calls.spawn(async move { stat(&account).await.unwrap_err().kind() });
        }
        let kinds = calls.join_all().await;
        let expected = [ErrorKind::Timeout, ErrorKind::Unavailable];
        assert!(
            kinds.iter().all(|kind| expected.contains(kind)),
            "{kinds:?}"
        );
    }
    let breaker = layers.breaker().unwrap();
    assert_ne!(breaker.state(CallKind::Read), BreakerState::Closed);
    assert!(
        hanging.seen().len() < 30,
        "{} requests",
        hanging.seen().len()
    );

    // What is not quick has far longer, but not for ever.
    let account = world.standard().apply("mail", hanging.connector());
    let files = account.files().unwrap();
    let begun = world.now();
    let deleted = async { files.delete(&path("a"), &Expect::Anything).await };
    let deleted = tokio::time::timeout(s(3_600), deleted).await;
    let error = deleted.expect("it hangs for ever").unwrap_err();
    assert_eq!(
        (error.kind(), world.now() - begun),
        (ErrorKind::Timeout, s(600))
    );
}

#[tokio::test(start_paused = true)]
async fn one_lost_connection_is_one_failure() {
    let world = World::new(1);
    let script = Script::new(&world, |_, number| match number {
        1..=16 => Answer::LateBad(ms(20), ErrorKind::Unavailable),
        _ => Answer::Late(ms(20)),
    });
    let pool = PoolOptions::default().with_min(16);
    let options = ResilienceOptions::default()
        .with_adaptive(AdaptiveOptions::default().with_pool(pool))
        .with_budget(
            BudgetOptions::default()
                .with_percent(100)
                .with_least_per_second(100),
        );
    let connector = script.connector();
    let layers = world.with(options).account("clients", connector.platform());
    let account = layers.apply(connector);
    let begun = world.now();
    let mut calls = JoinSet::new();
    for _ in 0..16 {
        let account = Arc::clone(&account);
        calls.spawn(async move { stat(&account).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let took = world.now() - begun;
    assert!(took < s(1), "{took:?}");
    let breaker = layers.breaker().unwrap();
    assert_eq!(breaker.state(CallKind::Read), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_platform_has_failed_waits_for_the_breaker() {
    let world = World::new(1);
    let begun = world.now();
    let script = Script::new(&world, move |now, _| match now - begun {
        at if at < s(2) => Answer::Bad(ErrorKind::Unavailable),
        _ => Answer::Good,
    });
    let breaker = BreakerOptions::default().with_in_a_row(1);
    let options = ResilienceOptions::default().with_breaker(breaker);
    let connector = script.connector();
    let account = world.with(options).apply("clients", connector);
    let failed = stat(&account);
    let late = async {
        sleep(s(1)).await;
        (stat(&account).await, world.now() - begun)
    };
    let (failed, (late, at)) = tokio::join!(failed, late);
    failed.unwrap();
    assert!(world.now() - begun >= s(4));
    // Whoever comes only then is told so at once.
    assert_eq!(late.unwrap_err().operation(), "resilience.breaker");
    assert_eq!(at, s(1));
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_nothing_is_no_advice() {
    let world = World::new(1);
    let begun = world.now();
    let script = Script::new(&world, |_, number| match number {
        1..=4 => Answer::Limited(Some(s(0))),
        _ => Answer::Good,
    });
    stat(&retry(&world).apply(script.connector()))
        .await
        .unwrap();
    // Four waits, each drawn from twice as long a span as the one before; together up to 3.75 s.
    assert!(world.now() - begun > ms(300), "{:?}", world.now() - begun);
}

#[tokio::test(start_paused = true)]
async fn a_small_read_that_is_late_is_asked_for_again() {
    let world = World::new(1);
    let events = ResilienceEvents::new(16);
    let mut told = events.subscribe();
    let script = Script::new(&world, |_, number| match number {
        1..=30 => Answer::Late(ms(40)),
        31 => Answer::Never,
        _ => Answer::Late(ms(10)),
    });
    let scope = world.scope().with_events(events);
    let hedge = Hedge::new(scope, HedgeOptions::default(), BudgetOptions::default());
    let account = hedge.apply(script.connector());
    for _ in 0..30 {
        stat(&account).await.unwrap();
    }
    assert_eq!(told.try_next(), None);
    let begun = world.now();
    stat(&account).await.unwrap();
    assert_eq!(
        world.now() - begun,
        ms(50),
        "40 ms of patience, and the second answer"
    );
    assert_eq!(
        (script.seen().len(), script.dropped()),
        (32, 1),
        "the loser is dropped"
    );
    let (call, after) = ("files.stat", ms(40));
    let hedged = ResilienceEventKind::Hedged { call, after };
    assert_eq!(told.try_next().unwrap().kind, hedged);
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_wins_even_after_a_failure() {
    let world = World::new(1);
    let script = Script::new(&world, |_, number| match number {
        1..=20 => Answer::Late(ms(10)),
        21 => Answer::Late(ms(500)),
        _ => Answer::Bad(ErrorKind::Unavailable),
    });
    let hedge = Hedge::new(
        world.scope(),
        HedgeOptions::default(),
        BudgetOptions::default(),
    );
    let account = hedge.apply(script.connector());
    for _ in 0..20 {
        stat(&account).await.unwrap();
    }
    stat(&account).await.unwrap();
    assert_eq!((script.seen().len(), script.dropped()), (22, 0));
}

#[tokio::test(start_paused = true)]
async fn second_askings_stay_within_the_budget_and_are_small_reads_only() {
    let world = World::new(1);
    // From one moment to the next every answer is late, so that all calls would be asked for again.
    let script = Script::new(&world, |_, number| match number {
        1..=40 => Answer::Late(ms(1)),
        _ => Answer::Late(s(5)),
    });
    let budget = BudgetOptions::default().with_least_per_second(0);
    let hedge = Hedge::new(world.scope(), HedgeOptions::default(), budget);
    let account = hedge.apply(script.connector());
    let mut calls = JoinSet::new();
    for _ in 0..40 {
        stat(&account).await.unwrap();
    }
    for _ in 0..500 {
        let account = Arc::clone(&account);
        calls.spawn(async move { stat(&account).await });
        sleep(ms(1)).await;
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    let made = script.seen().len();
    assert!((600..=648).contains(&made), "{made} for 540");

    let before = script.seen().len();
    let files = account.files().unwrap();
    for _ in 0..60 {
        files
            .read(&path("a"), ReadOptions::default())
            .await
            .unwrap();
        let copy: FilePath = path("copy");
        let version = files.stat(&path("a")).await.unwrap().unwrap().version;
        files
            .copy(&path("a"), &version, &copy, &Expect::Anything)
            .await
            .unwrap();
    }
    let seen = script.seen();
    let of = |name| {
        seen[before..]
            .iter()
            .filter(|seen| seen.name == name)
            .count()
    };
    assert_eq!((of("files.read"), of("files.copy")), (60, 60));
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_bounds_what_runs_and_what_waits() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Late(s(1)));
    let options = BulkheadOptions::default().with_at_once(2).with_queue(3);
    let bulkhead = Bulkhead::new(world.scope(), options);
    let account = bulkhead.apply(script.connector());
    let begun = world.now();
    let mut calls = JoinSet::new();
    for _ in 0..7 {
        let (account, world) = (Arc::clone(&account), world.clone());
        calls.spawn(async move { (stat(&account).await, world.now()) });
    }
    // Another kind has places of its own.
    account.check().await.unwrap();
    assert_eq!(world.now() - begun, s(1));
    let ended = calls.join_all().await;
    let refused: Vec<_> = ended.iter().filter(|(answer, _)| answer.is_err()).collect();
    assert_eq!(refused.len(), 2);
    for (answer, at) in refused {
        let error = answer.as_ref().unwrap_err();
        assert_eq!((error.kind(), *at), (ErrorKind::Unavailable, begun));
        assert!(error.is_retryable() && error.retry_after().is_some_and(|wait| wait <= s(2)));
        assert_eq!(error.operation(), "resilience.bulkhead");
    }
    let mut good: Vec<_> = ended.iter().filter(|(answer, _)| answer.is_ok()).collect();
    good.sort_by_key(|(_, at)| *at);
    let times: Vec<u64> = good.iter().map(|(_, at)| (*at - begun).as_secs()).collect();
    assert_eq!(times, [1, 1, 2, 2, 3]);
    assert_eq!(bulkhead.free(CallKind::Read), 2);
}

#[tokio::test(start_paused = true)]
async fn readers_held_open_take_no_place() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let options = BulkheadOptions::default().with_at_once(1).with_queue(0);
    let account = Bulkhead::new(world.scope(), options).apply(script.connector());
    let files = account.files().unwrap();
    let mut readers = Vec::new();
    for _ in 0..20 {
        let reader = files.read(&path("a"), ReadOptions::default()).await;
        readers.push(reader.unwrap());
    }
    for reader in readers {
        let pieces: Vec<Bytes> = reader.bytes.try_collect().await.unwrap();
        assert_eq!(pieces.concat(), b"picture");
    }
}

#[tokio::test(start_paused = true)]
async fn a_no_of_the_platform_opens_no_breaker() {
    for kind in [
        ErrorKind::NotFound,
        ErrorKind::Denied,
        ErrorKind::Conflict,
        ErrorKind::Unauthenticated,
        ErrorKind::RateLimited,
        ErrorKind::InvalidInput,
    ] {
        let world = World::new(1);
        let script = Script::new(&world, move |_, _| Answer::Bad(kind));
        let breaker = Breaker::new(world.scope(), BreakerOptions::default());
        let account = breaker.apply(script.connector());
        for _ in 0..100 {
            assert_eq!(stat(&account).await.unwrap_err().kind(), kind);
        }
        assert_eq!(breaker.state(CallKind::Read), BreakerState::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_loses_the_oldest_events_and_is_told() {
    let world = World::new(1);
    let events = ResilienceEvents::new(4);
    let mut told = events.subscribe();
    let script = Script::new(&world, |_, _| Answer::Bad(ErrorKind::Unavailable));
    let budget = BudgetOptions::default().with_least_per_second(100);
    let scope = world.scope().with_events(events);
    let account = Retry::new(scope, RetryOptions::default(), budget).apply(script.connector());
    for _ in 0..3 {
        stat(&account).await.unwrap_err();
    }
    assert_eq!(script.seen().len(), 15);
    let kept = std::iter::from_fn(|| told.try_next()).count();
    assert_eq!((kept, told.missed()), (4, 8));
    drop(account);
    assert_eq!(told.next().await, None, "all layers are gone");
}
