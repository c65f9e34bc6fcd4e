//! The way in: who waits, for how long, and what is never lost on it.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::ErrorKind;
use garland::connector::{
    Expect, Hashes, ListPage, PlatformConnector, RateLimit, UploadRequest, UploadSession,
};
use garland::resilience::pool::{PlatformPool, PoolOptions};
use garland::resilience::{
    AccountName, Adaptive, AdaptiveOptions, Around, Breaker, BreakerOptions, BreakerState,
    Bulkhead, BulkheadOptions, Call, CallKind, ConnectorLayer as _, Pause, PauseOptions, Quota,
    QuotaOptions, ResilienceEventKind, ResilienceOptions, Scope, Wrapped,
};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::tools::{Answer, Script, World, ms, path, s, stat};

/// An upload of which all bytes have arrived.
async fn arrived(account: &Arc<dyn PlatformConnector>) -> Box<dyn UploadSession> {
    let files = account.files().unwrap();
    let request = UploadRequest::new(path("b"), 3);
    let mut session = files.upload(request).await.unwrap();
    session.write(Bytes::from("abc")).await.unwrap();
    session
}

async fn delete(account: &Arc<dyn PlatformConnector>) -> garland::Result<()> {
    let files = account.files().unwrap();
    files.delete(&path("a"), &Expect::Anything).await
}

async fn all(account: &Arc<dyn PlatformConnector>) -> garland::Result<Vec<ListPage>> {
    account.files().unwrap().list().try_collect().await
}

fn one_permit() -> ResilienceOptions {
    let pool = PoolOptions::default().with_max(1);
    let adaptive = AdaptiveOptions::default().with_pool(pool);
    ResilienceOptions::default()
        .with_adaptive(adaptive)
        .with_hedge(None)
}

#[tokio::test(start_paused = true)]
async fn a_pause_delays_the_end_of_an_upload_and_does_not_lose_it() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let connector = script.connector();
    let layers = world.standard().account("clients", connector.platform());
    let account = layers.apply(connector);
    for abort in [false, true] {
        let session = arrived(&account).await;
        let begun = world.now();
        layers.pause().unwrap().hold(s(300));
        match abort {
            true => session.abort().await.unwrap(),
            false => drop(session.finish(&Hashes::new()).await.unwrap()),
        }
        let took = world.now() - begun;
        assert!((s(300)..s(340)).contains(&took), "{took:?}");
        sleep(s(60)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_quota_delays_the_end_of_an_upload_and_does_not_lose_it() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let limits = [RateLimit::new(2, s(100))];
    let quota = Quota::new(world.scope(), &limits, QuotaOptions::default());
    let account = quota.apply(script.connector());
    let begun = world.now();
    let session = arrived(&account).await;
    session.finish(&Hashes::new()).await.unwrap();
    assert!(world.now() - begun >= s(100));
}

#[tokio::test(start_paused = true)]
async fn a_breaker_delays_the_end_of_an_upload_and_does_not_lose_it() {
    let world = World::new(1);
    let script = Script::new(&world, |_, number| match number {
        3..=10 => Answer::Bad(ErrorKind::Unavailable),
        _ => Answer::Good,
    });
    let breaker = Breaker::new(world.scope(), BreakerOptions::default());
    let account = breaker.apply(script.connector());
    let session = arrived(&account).await;
    let files = account.files().unwrap();
    for _ in 0..8 {
        let begun = files.upload(UploadRequest::new(path("c"), 3)).await;
        begun.map(drop).unwrap_err();
    }
    assert_eq!(breaker.state(CallKind::Write), BreakerState::Open);
    let begun = world.now();
    session.finish(&Hashes::new()).await.unwrap();
    assert!(world.now() - begun >= s(4));
    let seen = script.seen();
    let ends = seen.iter().filter(|seen| seen.name == "upload.finish");
    assert_eq!(ends.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_delays_the_end_of_an_upload_and_does_not_lose_it() {
    let world = World::new(1);
    let script = Script::new(&world, |_, number| match number {
        3 => Answer::Late(s(45)),
        _ => Answer::Good,
    });
    let options = BulkheadOptions::default().with_at_once(1).with_queue(0);
    let account = Bulkhead::new(world.scope(), options).apply(script.connector());
    let session = arrived(&account).await;
    let begun = world.now();
    let files = account.files().unwrap();
    let hashes = Hashes::new();
    let (other, finished) = tokio::join!(
        files.upload(UploadRequest::new(path("c"), 3)),
        session.finish(&hashes),
    );
    assert!(other.is_ok());
    finished.unwrap();
    let took = world.now() - begun;
    assert!((s(45)..s(50)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_a_crowd_is_told_when_to_come_again() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let options = QuotaOptions::default().with_queue(0).with_patience(s(120));
    let quota = Quota::new(world.scope(), &[RateLimit::new(1, s(60))], options);
    let account = quota.apply(script.connector());
    stat(&account).await.unwrap();
    sleep(s(20)).await;
    let error = stat(&account).await.unwrap_err();
    assert_eq!(error.operation(), "resilience.quota");
    let wait = error.retry_after().expect("it says nothing");
    assert!((s(40)..s(42)).contains(&wait), "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn a_listing_goes_on_where_the_quota_has_stopped_it() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let limits = [RateLimit::new(2, s(60))];
    let options = QuotaOptions::default().with_patience(ms(0));
    let quota = Quota::new(world.scope(), &limits, options);
    let account = quota.apply(script.pages());
    let begun = world.now();
    let pages = all(&account).await.unwrap();
    let names: Vec<_> = pages.iter().flat_map(|page| &page.entries).collect();
    assert_eq!(names.len(), 5);
    assert!(world.now() - begun >= s(120));
    // One that cannot even begin is told so.
    stat(&account).await.unwrap();
    let begun = world.now();
    let error = all(&account).await.unwrap_err();
    assert_eq!(error.operation(), "resilience.quota");
    assert_eq!(world.now(), begun);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_listing_that_is_known_is_not_asked_for() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let connector = script.pages();
    let layers = world.standard().account("clients", connector.platform());
    let account = layers.apply(connector);
    let mut pages = account.files().unwrap().list();
    for _ in 0..5 {
        pages.try_next().await.unwrap().unwrap();
    }
    layers.pause().unwrap().hold(s(300));
    let begun = world.now();
    assert!(pages.try_next().await.unwrap().is_none());
    assert_eq!(world.now(), begun);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_listing_is_no_answer_of_the_platform() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let account = world.scope().account().clone();
    let pool = PlatformPool::new(account, PoolOptions::default(), Arc::new(world.clock));
    let layer = Adaptive::new(world.scope(), pool.clone());
    let account = layer.apply(script.pages());
    assert_eq!(all(&account).await.unwrap().len(), 5);
    assert_eq!(pool.stats().outcomes.answered, 5);
}

#[tokio::test(start_paused = true)]
async fn after_a_write_that_was_cut_off_the_upload_has_to_be_resumed() {
    let world = World::new(1);
    let script = Script::new(&world, |_, number| match number {
        2 => Answer::Late(s(700)),
        _ => Answer::Good,
    });
    let account = world.standard().apply("clients", script.connector());
    let files = account.files().unwrap();
    for finish in [false, true] {
        script.forget();
        let request = UploadRequest::new(path("b"), 3);
        let mut session = files.upload(request).await.unwrap();
        let bytes = Bytes::from("abc");
        let error = session.write(bytes.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        let token = session.token().unwrap();
        let error = match finish {
            true => session.finish(&Hashes::new()).await.unwrap_err(),
            false => session.write(bytes.clone()).await.unwrap_err(),
        };
        assert_eq!(error.kind(), ErrorKind::Expired);
        assert_eq!(script.seen().len(), 2, "the platform was asked");
        let mut session = files.resume_upload(&token).await.unwrap();
        session.write(bytes).await.unwrap();
        session.finish(&Hashes::new()).await.unwrap();
    }
}

/// Calls another account before each request goes out, as a post does that reads its pictures.
#[derive(Clone, Debug)]
struct Calling(Arc<dyn PlatformConnector>);

impl Around for Calling {
    async fn around<T, F, Fut>(&self, _: &Call, mut make: F) -> garland::Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = garland::Result<T>> + Send,
    {
        stat(&self.0).await?;
        make().await
    }
}

#[tokio::test(start_paused = true)]
async fn the_way_in_of_one_account_is_not_that_of_another() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let scope = Scope::new(
        AccountName::new("memory", "pictures"),
        Arc::new(world.clock),
        world.chance.clone(),
    );
    let options = QuotaOptions::default().with_patience(s(120));
    let quota = Quota::new(scope, &[RateLimit::new(1, s(60))], options);
    let pictures = quota.apply(script.connector());
    let calling = Wrapped::new(script.connector(), Calling(Arc::clone(&pictures)));
    let options = ResilienceOptions::default().with_timeout(None);
    let account = world.with(options).apply("clients", Arc::new(calling));
    stat(&pictures).await.unwrap();
    let begun = world.now();
    delete(&account).await.unwrap();
    assert!(world.now() - begun >= s(59));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_hangs_is_cut_off() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Never);
    let account = world.standard().apply("clients", script.connector());
    let begun = world.now();
    let listed = timeout(s(3_600), all(&account)).await;
    let error = listed.expect("it hangs for ever").unwrap_err();
    assert_eq!(
        (error.kind(), world.now() - begun),
        (ErrorKind::Timeout, s(20))
    );
    assert_eq!(script.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn bytes_that_a_transfer_gave_up_on_count_as_failed() {
    let world = World::new(1);
    let script = Script::new(&world, |_, number| match number {
        1..=20 if number % 2 == 1 => Answer::Good,
        _ => Answer::Never,
    });
    let connector = script.connector();
    let layers = world.standard().account("clients", connector.platform());
    let account = layers.apply(connector);
    let hang = async |patience| {
        let files = account.files().unwrap();
        let request = UploadRequest::new(path("b"), 3);
        let mut session = files.upload(request).await.unwrap();
        let written = timeout(patience, session.write(Bytes::from("abc"))).await;
        assert!(written.is_err());
    };
    // Whoever gives up soon says nothing.
    for _ in 0..10 {
        hang(s(5)).await;
    }
    let outcomes = layers.pool().unwrap().stats().outcomes;
    assert_eq!((outcomes.unavailable, outcomes.cancelled), (0, 10));
    let breaker = layers.breaker().unwrap();
    for _ in 0..8 {
        let mut uploads = JoinSet::new();
        for _ in 0..4 {
            let account = Arc::clone(&account);
            uploads.spawn(async move {
                let files = account.files().unwrap();
                let upload = files.upload(UploadRequest::new(path("b"), 3));
                timeout(s(60), upload)
                    .await
                    .is_ok_and(|begun| begun.is_ok())
            });
        }
        assert!(uploads.join_all().await.iter().all(|begun| !begun));
        if breaker.state(CallKind::Write) != BreakerState::Closed {
            let outcomes = layers.pool().unwrap().stats().outcomes;
            assert_eq!(outcomes.unavailable, 8, "{outcomes:?}");
            return;
        }
    }
    panic!("{:?}", layers.pool().unwrap().stats());
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_those_who_have_passed_it_and_wait_for_a_permit() {
    let world = World::new(1);
    let script = Script::new(&world, |_, number| match number {
        1 => Answer::LateLimited(s(2), Some(s(10))),
        _ => Answer::Good,
    });
    let account = world
        .with(one_permit())
        .apply("clients", script.connector());
    let begun = world.now();
    let second = async {
        sleep(s(1)).await;
        account.check().await
    };
    let (first, second) = tokio::join!(stat(&account), second);
    first.unwrap();
    second.unwrap();
    let seen = script.seen();
    assert!(
        seen[1..].iter().all(|seen| seen.at - begun >= s(12)),
        "{seen:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_one_who_waited_for_a_permit_is_a_refusal_of_its_own() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::LateLimited(s(2), None));
    let stack = world.with(one_permit().with_retry(None));
    let mut events = stack.events();
    let account = stack.apply("clients", script.connector());
    let second = async {
        sleep(s(1)).await;
        stat(&account).await
    };
    let (first, second) = tokio::join!(stat(&account), second);
    assert!(first.is_err() && second.is_err());
    let told = std::iter::from_fn(|| events.try_next());
    let pauses = told.filter_map(|event| match event.kind {
        ResilienceEventKind::Paused { wait, .. } => Some(wait),
        _ => None,
    });
    let pauses: Vec<_> = pauses.collect();
    assert_eq!(pauses.len(), 2, "{pauses:?}");
    assert!(pauses[0] <= s(1) && pauses[1] > s(1), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn all_waits_together_end_with_one_patience() {
    let world = World::new(1);
    // A write hangs and holds the one permit, or the one place of its kind.
    for (options, operation) in [
        (one_permit().with_bulkhead(None), "resilience.adaptive"),
        (
            ResilienceOptions::default().with_bulkhead(BulkheadOptions::default().with_at_once(1)),
            "resilience.bulkhead",
        ),
    ] {
        let script = Script::new(&world, |_, _| Answer::Never);
        let connector = script.connector();
        let layers = world.with(options).account("clients", connector.platform());
        let account = layers.apply(connector);
        let hold = s(20);
        let hung = timeout(s(100), delete(&account));
        let waits = async {
            sleep(ms(1)).await;
            // The pause takes most of the patience where it stands first.
            layers.pause().unwrap().hold(hold);
            let begun = world.now();
            let error = timeout(s(90), delete(&account))
                .await
                .expect("it waits on")
                .unwrap_err();
            (error, world.now() - begun)
        };
        let (_, (error, took)) = tokio::join!(hung, waits);
        assert_eq!((error.operation(), took), (operation, s(30)));
        assert!(error.is_retryable() && error.retry_after().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn only_quick_calls_show_how_fast_the_platform_is() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Late(s(2)));
    let connector = script.connector();
    let layers = world.standard().account("clients", connector.platform());
    let account = layers.apply(connector);
    drop(arrived(&account).await);
    let stats = layers.pool().unwrap().stats();
    assert_eq!((stats.latency, stats.outcomes.answered), (None, 2));
    stat(&account).await.unwrap();
    let latency = layers.pool().unwrap().stats().latency.unwrap();
    assert!(latency.abs_diff(s(2)) < ms(1), "{latency:?}");
}

#[tokio::test(start_paused = true)]
async fn a_person_may_end_a_pause() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let pause = Pause::new(world.scope(), PauseOptions::default());
    let account = pause.apply(script.connector());
    pause.hold(s(25));
    let begun = world.now();
    let lift = async {
        sleep(s(5)).await;
        pause.lift();
        assert_eq!(pause.remaining(), None);
    };
    let (answer, ()) = tokio::join!(stat(&account), lift);
    answer.unwrap();
    assert_eq!(world.now() - begun, s(5));
}
