//! The pool of an account: health, probes, drain.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use garland::connector::{Health, Platform, PlatformConnector};
use garland::resilience::pool::{
    HealthState, Outcome, PlatformPool, PoolEvent, PoolOptions, Priority,
};
use garland::telemetry::{Label, Metrics};
use garland::{Chance, Error, ErrorKind, Result};
use tokio::time::{Duration, sleep, timeout};

use crate::world::{DRIVE, poll, pool};

/// An account that answers a probe as it is told.
#[derive(Debug, Default)]
struct Account {
    answer: std::sync::Mutex<Answer>,
    probes: AtomicUsize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Answer {
    #[default]
    Well,
    Unwell,
    Fails(ErrorKind),
    /// A layer of ours did not let it through.
    Refused,
    Hangs,
    Panics,
}

impl Account {
    fn set(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn probes(&self) -> usize {
        self.probes.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl PlatformConnector for Account {
    fn platform(&self) -> &'static Platform {
        &DRIVE
    }

    async fn check(&self) -> Result<Health> {
        self.probes.fetch_add(1, Ordering::SeqCst);
        let answer = *self.answer.lock().unwrap();
        match answer {
            Answer::Well => Ok(Health::Healthy),
            Answer::Unwell => Ok(Health::Degraded("almost full".to_owned())),
            Answer::Fails(kind) => Err(Error::new(kind, "account.check", "no")),
            Answer::Refused => Err(Error::new(
                ErrorKind::Unavailable,
                "resilience.breaker",
                "calls of this kind have been failing",
            )),
            Answer::Hangs => std::future::pending().await,
            // Without the noise of a message.
            Answer::Panics => std::panic::resume_unwind(Box::new("a fault in a connector")),
        }
    }
}

async fn calls(pool: &PlatformPool, count: usize, outcome: Outcome, latency: u64) {
    for _ in 0..count {
        let permit = pool.acquire(Priority::NORMAL).await.unwrap();
        sleep(Duration::from_millis(latency)).await;
        permit.done(outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn health_follows_the_calls_and_does_not_flap() {
    let first = pool(PoolOptions::default());
    calls(&first, 4, Outcome::Unavailable, 10).await;
    assert_eq!(first.health(), HealthState::Healthy, "four are too few");
    calls(&first, 1, Outcome::Unavailable, 10).await;
    assert_eq!(first.health(), HealthState::Down);

    let pool = pool(PoolOptions::default());
    let mut events = pool.events();
    calls(&pool, 96, Outcome::Answered, 10).await;
    calls(&pool, 15, Outcome::RateLimited, 10).await;
    assert_eq!(pool.health(), HealthState::Healthy);
    calls(&pool, 20, Outcome::RateLimited, 10).await;
    assert_eq!(pool.health(), HealthState::Degraded);
    calls(&pool, 500, Outcome::RateLimited, 10).await;
    assert_eq!(
        pool.health(),
        HealthState::Degraded,
        "a refused pace is not a failure"
    );
    calls(&pool, 500, Outcome::Answered, 10).await;
    assert_eq!(pool.health(), HealthState::Degraded, "not calm yet");
    calls(&pool, 4_000, Outcome::Answered, 10).await;
    assert_eq!(pool.health(), HealthState::Healthy);
    calls(&pool, 6_000, Outcome::Unauthenticated, 10).await;
    assert_eq!(pool.health(), HealthState::Down);
    calls(&pool, 1, Outcome::Answered, 10).await;
    assert_eq!(pool.health(), HealthState::Degraded);
    calls(&pool, 600, Outcome::Answered, 10).await;
    assert_eq!(pool.health(), HealthState::Healthy);

    let mut told = Vec::new();
    while let Ok(Some(event)) = timeout(Duration::from_millis(1), events.next()).await {
        if let PoolEvent::Health { from, to } = event {
            told.push((from, to));
        }
    }
    use HealthState::{Degraded, Down, Healthy};
    assert_eq!(
        told,
        [
            (Healthy, Degraded),
            (Degraded, Healthy),
            (Healthy, Degraded),
            (Degraded, Down),
            (Down, Degraded),
            (Degraded, Healthy),
        ]
    );
}

/// However rarely it is called.
#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_are_enough() {
    let pool = pool(PoolOptions::default());
    for outcome in [Outcome::Unavailable, Outcome::Answered] {
        calls(&pool, 1, outcome, 10).await;
    }
    for failures in 1..=5 {
        assert_eq!(pool.health(), HealthState::Healthy, "{failures}");
        sleep(Duration::from_secs(50)).await;
        calls(&pool, 1, Outcome::Cancelled, 10).await;
        calls(&pool, 1, Outcome::Unavailable, 10).await;
    }
    assert_eq!(pool.health(), HealthState::Down);
}

#[tokio::test(start_paused = true)]
async fn answers_that_take_long_degrade_it() {
    let pool = pool(PoolOptions::default());
    calls(&pool, 1_000, Outcome::Answered, 50).await;
    assert_eq!(pool.health(), HealthState::Healthy);
    calls(&pool, 100, Outcome::Answered, 400).await;
    assert_eq!(pool.health(), HealthState::Degraded);
    assert!(pool.stats().latency > Some(Duration::from_millis(350)));
    calls(&pool, 1_000, Outcome::Answered, 50).await;
    assert_eq!(pool.health(), HealthState::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_long_call_counts_by_the_latency_it_names() {
    let pool = pool(PoolOptions::default());
    let permit = pool.acquire(Priority::NORMAL).await.unwrap();
    sleep(Duration::from_secs(600)).await;
    permit.done_with_latency(Outcome::Answered, Duration::from_millis(80));
    let latency = pool.stats().latency.unwrap();
    assert!(latency.abs_diff(Duration::from_millis(80)) < Duration::from_micros(1));
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_gave_up_tells_nothing() {
    let pool = pool(PoolOptions::default());
    for _ in 0..100 {
        drop(pool.acquire(Priority::NORMAL).await.unwrap());
    }
    calls(&pool, 100, Outcome::Cancelled, 10).await;
    let stats = pool.stats();
    assert_eq!((stats.health, stats.limit), (HealthState::Healthy, 4));
    assert_eq!((stats.outcomes.cancelled, stats.latency), (200, None));
    assert!(stats.trouble_rate.abs() < f64::EPSILON);
}

/// Lets the watch of a pool run for so long.
async fn watched(pool: &PlatformPool, account: &Account, seconds: u64) {
    let chance = Chance::seeded(7);
    let watch = pool.watch(account, &chance);
    let _ = timeout(Duration::from_secs(seconds), watch).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_account_is_probed_and_a_busy_one_is_not() {
    let (pool, account) = (pool(PoolOptions::default()), Account::default());
    watched(&pool, &account, 600).await;
    let idle = account.probes();
    assert!((8..=10).contains(&idle), "{idle} in ten minutes");

    let permit = pool.acquire(Priority::NORMAL).await.unwrap();
    watched(&pool, &account, 600).await;
    assert_eq!(account.probes(), idle, "a call is under way");
    permit.done(Outcome::Answered);
    assert_eq!(pool.probe(&account).await, None, "it has just been called");

    let busy = async {
        for _ in 0..60 {
            calls(&pool, 1, Outcome::Answered, 10).await;
            sleep(Duration::from_secs(10)).await;
        }
    };
    tokio::join!(watched(&pool, &account, 590), busy);
    assert_eq!(account.probes(), idle, "it is called all the time");
}

#[tokio::test(start_paused = true)]
async fn failed_probes_take_it_down_and_one_answer_brings_it_back() {
    for answer in [
        Answer::Fails(ErrorKind::Unavailable),
        Answer::Fails(ErrorKind::Unauthenticated),
        Answer::Hangs,
        Answer::Panics,
    ] {
        let (pool, account) = (pool(PoolOptions::default()), Account::default());
        account.set(answer);
        watched(&pool, &account, 76).await;
        assert!(account.probes() < 3, "{answer:?}");
        assert_eq!(pool.health(), HealthState::Healthy, "one is not enough");
        watched(&pool, &account, 60).await;
        assert_eq!(pool.health(), HealthState::Down, "{answer:?}");

        account.set(Answer::Well);
        let probes = account.probes();
        watched(&pool, &account, 7).await;
        assert_eq!(account.probes(), probes + 1, "soon again while it is down");
        assert_eq!(pool.health(), HealthState::Degraded);
        watched(&pool, &account, 150).await;
        assert_eq!(pool.health(), HealthState::Healthy);
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_our_own_layers_refuse_tells_nothing() {
    let (pool, account) = (pool(PoolOptions::default()), Account::default());
    account.set(Answer::Refused);
    for _ in 0..5 {
        sleep(Duration::from_secs(120)).await;
        assert_eq!(pool.probe(&account).await, Some(Outcome::Cancelled));
    }
    assert_eq!(pool.health(), HealthState::Healthy);
}

/// A place for counts that looks at the pool it counts for.
#[derive(Clone, Debug, Default)]
struct Curious {
    pool: Arc<std::sync::OnceLock<PlatformPool>>,
    seen: Arc<std::sync::Mutex<Vec<(&'static str, HealthState)>>>,
}

impl Metrics for Curious {
    fn add(&self, name: &'static str, _: &[Label], _: u64) {
        if let Some(pool) = self.pool.get() {
            self.seen.lock().unwrap().push((name, pool.health()));
        }
    }
    fn set(&self, _: &'static str, _: &[Label], _: f64) {}
    fn record(&self, _: &'static str, _: &[Label], _: f64) {}
}

#[tokio::test(start_paused = true)]
async fn whoever_counts_may_look_at_the_pool() {
    let curious = Curious::default();
    let pool = pool(PoolOptions::default().with_metrics(Arc::new(curious.clone())));
    curious.pool.set(pool.clone()).unwrap();
    calls(&pool, 20, Outcome::Unavailable, 10).await;
    let seen = curious.seen.lock().unwrap();
    let health = ("garland_pool_health_changes_total", HealthState::Down);
    assert!(seen.contains(&health), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_says_it_is_unwell_is_believed() {
    let (pool, account) = (pool(PoolOptions::default()), Account::default());
    account.set(Answer::Unwell);
    watched(&pool, &account, 80).await;
    assert_eq!(pool.health(), HealthState::Degraded);
    calls(&pool, 1_000, Outcome::Answered, 10).await;
    assert_eq!(
        pool.health(),
        HealthState::Degraded,
        "calls do not contradict it"
    );
    account.set(Answer::Well);
    watched(&pool, &account, 80).await;
    assert_eq!(pool.health(), HealthState::Healthy);
}

#[tokio::test(start_paused = true)]
async fn draining_sends_away_who_waits_and_waits_for_who_is_out() {
    let pool = pool(PoolOptions::default().with_max(1));
    let mut events = pool.events();
    let permit = pool.acquire(Priority::NORMAL).await.unwrap();
    let mut waiting = Box::pin(pool.acquire(Priority::EMERGENCY));
    assert!(poll(&mut waiting).is_pending());
    {
        // Given up half-way, it stays out of use.
        let mut drain = Box::pin(pool.drain());
        assert!(poll(&mut drain).is_pending());
    }
    assert_eq!(pool.health(), HealthState::Draining);
    let refused = waiting.await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert!(refused.to_string().contains("clients"), "{refused}");

    let account = Account::default();
    let ((), ()) = tokio::join!(pool.drain(), async {
        sleep(Duration::from_secs(5)).await;
        permit.done(Outcome::Answered);
    });
    pool.drain().await;
    // The watch is over by itself, and nothing is probed any more.
    pool.watch(&account, &Chance::seeded(1)).await;
    assert_eq!(pool.probe(&account).await, None);
    assert_eq!(account.probes(), 0);

    let health = PoolEvent::Health {
        from: HealthState::Healthy,
        to: HealthState::Draining,
    };
    assert_eq!(events.next().await, Some(health));
    assert_eq!(events.next().await, Some(PoolEvent::Drained));
    drop(pool);
    assert_eq!(events.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_when_the_pool_drains() {
    let pool = pool(PoolOptions::default());
    let account = Account::default();
    let chance = Chance::seeded(3);
    let ending = async {
        sleep(Duration::from_secs(1)).await;
        pool.drain().await;
    };
    tokio::join!(pool.watch(&account, &chance), ending);
    assert_eq!(account.probes(), 0);
}

/// Also in the middle of a probe that hangs, and with waits as long as there are.
#[tokio::test(start_paused = true)]
async fn a_watch_neither_outlives_the_pool_nor_its_own_arithmetic() {
    let account = Account::default();
    account.set(Answer::Hangs);
    let hour = Duration::from_secs(3_600);
    for options in [
        PoolOptions::default().with_probe_after(Duration::ZERO),
        PoolOptions::default().with_probe_after(Duration::MAX),
    ] {
        let pool = pool(options.with_probe_timeout(2 * hour));
        let chance = Chance::seeded(3);
        let ending = async {
            sleep(hour).await;
            pool.drain().await;
        };
        let ended = timeout(hour + Duration::from_secs(1), async {
            tokio::join!(pool.watch(&account, &chance), ending);
        });
        ended.await.expect("the watch goes on without a pool");
        assert_eq!(account.probes(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_is_told_what_it_missed() {
    let pool = pool(PoolOptions::default());
    let mut events = pool.events();
    for round in 0..300 {
        pool.set_bounds(1 + round % 2 * 9, 10);
        pool.set_bounds(1, 1 + (round + 1) % 2);
    }
    let first = events.next().await;
    assert!(matches!(first, Some(PoolEvent::Missed(1..))), "{first:?}");
    assert!(matches!(events.next().await, Some(PoolEvent::Limit { .. })));
}

#[test]
fn a_pool_is_shared_by_threads() {
    fn shared<T: Clone + Send + Sync + std::fmt::Debug + 'static>() {}
    shared::<PlatformPool>();
    shared::<Arc<Account>>();
}
