//! Where the limit goes, against platforms that bear so much and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use garland::resilience::pool::{
    Algorithm, Outcome, PlatformPool, PoolEvent, PoolOptions, Priority,
};
use tokio::time::{Duration, Instant, sleep, sleep_until};

use crate::world::pool;

/// A platform that answers within `answer`, and refuses within a quarter of it while it throttles.
struct Server {
    throttles: AtomicBool,
    answer: Duration,
}

async fn caller(pool: PlatformPool, server: Arc<Server>, until: Instant) {
    while Instant::now() < until {
        let permit = pool.acquire(Priority::NORMAL).await.unwrap();
        if server.throttles.load(Ordering::Relaxed) {
            sleep(server.answer / 4).await;
            permit.done(Outcome::RateLimited);
        } else {
            sleep(server.answer).await;
            permit.done(Outcome::Answered);
        }
    }
}

/// A platform that throttles for a minute, from the tenth second on.
async fn throttled(algorithm: Algorithm, max: usize, answer: Duration) {
    let pool = pool(
        PoolOptions::default()
            .with_max(max)
            .with_algorithm(algorithm),
    );
    let server = Arc::new(Server {
        throttles: AtomicBool::new(false),
        answer,
    });
    let begin = Instant::now();
    let at = |seconds| sleep_until(begin + Duration::from_secs(seconds));
    let callers = join_all((0..2 * max).map(|_| {
        caller(
            pool.clone(),
            Arc::clone(&server),
            begin + Duration::from_secs(110),
        )
    }));
    let story = async {
        at(10).await;
        assert_eq!(pool.stats().limit, max);
        server.throttles.store(true, Ordering::Relaxed);
        at(11).await;
        let halved = pool.stats().limit;
        assert!(
            halved * 2 <= max,
            "{halved} of {max} after a second of refusals"
        );
        at(70).await;
        assert_eq!(pool.stats().limit, 1);
        server.throttles.store(false, Ordering::Relaxed);
        at(100).await;
        let recovered = pool.stats().limit;
        assert!(recovered * 10 >= max * 9, "{recovered} of {max} after 30 s");
    };
    tokio::join!(callers, story);
}

#[tokio::test(start_paused = true)]
async fn halves_within_a_second_of_refusals_and_recovers_in_thirty() {
    for (max, answer) in [(4, 50), (8, 200), (32, 200), (64, 300), (128, 200)] {
        throttled(Algorithm::Aimd, max, Duration::from_millis(answer)).await;
        throttled(Algorithm::Gradient, max, Duration::from_millis(answer)).await;
    }
}

/// A platform that bears ten calls at once, and refuses each one more.
#[tokio::test(start_paused = true)]
async fn the_limit_stays_about_where_the_platform_refuses() {
    let pool = pool(PoolOptions::default().with_max(64));
    let under_way = Arc::new(AtomicUsize::new(0));
    let until = Instant::now() + Duration::from_secs(300);
    let callers = (0..100).map(|_| {
        let (pool, under_way) = (pool.clone(), Arc::clone(&under_way));
        async move {
            while Instant::now() < until {
                let permit = pool.acquire(Priority::NORMAL).await.unwrap();
                if under_way.load(Ordering::Relaxed) >= 10 {
                    sleep(Duration::from_millis(20)).await;
                    permit.done(Outcome::RateLimited);
                } else {
                    under_way.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(200)).await;
                    under_way.fetch_sub(1, Ordering::Relaxed);
                    permit.done(Outcome::Answered);
                }
            }
        }
    });
    join_all(callers).await;
    let outcomes = pool.stats().outcomes;
    let (answered, refused) = (outcomes.answered, outcomes.rate_limited);
    println!("answered {answered}, refused {refused}");
    // Ten at once would be 15,000.
    assert!(answered > 11_000, "{answered} answered");
    assert!(refused * 10 < answered, "{refused} refused of {answered}");
}

/// A platform on which more than twenty calls at once wait for each other.
#[tokio::test(start_paused = true)]
async fn a_gradient_finds_where_calls_begin_to_queue() {
    let pool = pool(
        PoolOptions::default()
            .with_max(200)
            .with_algorithm(Algorithm::Gradient),
    );
    pool.set_bounds(1, 10);
    pool.set_bounds(1, 200);
    assert_eq!(
        pool.stats().limit,
        10,
        "other bounds move nothing that is within them"
    );
    let until = Instant::now() + Duration::from_secs(120);
    let caller = |pool: PlatformPool| async move {
        while Instant::now() < until {
            let permit = pool.acquire(Priority::NORMAL).await.unwrap();
            let at_once = u32::try_from(pool.stats().in_use).unwrap();
            sleep(Duration::from_millis(100) * at_once.max(20) / 20).await;
            permit.done(Outcome::Answered);
        }
    };
    join_all((0..400).map(|_| caller(pool.clone()))).await;
    let limit = pool.stats().limit;
    assert!((15..=60).contains(&limit), "{limit}");
}

#[tokio::test(start_paused = true)]
async fn the_algorithm_changes_under_way_and_every_move_is_told() {
    let pool = pool(PoolOptions::default().with_max(10));
    let mut events = pool.events();
    let refused = |pool: PlatformPool| async move {
        let permit = pool.acquire(Priority::NORMAL).await.unwrap();
        sleep(Duration::from_millis(150)).await;
        permit.done(Outcome::RateLimited);
    };
    refused(pool.clone()).await;
    assert_eq!(
        events.next().await,
        Some(PoolEvent::Limit { from: 10, to: 7 })
    );
    pool.set_algorithm(Algorithm::Fixed);
    refused(pool.clone()).await;
    pool.set_algorithm(Algorithm::Gradient);
    refused(pool.clone()).await;
    assert_eq!(
        events.next().await,
        Some(PoolEvent::Limit { from: 7, to: 4 })
    );
    pool.set_bounds(6, 6);
    assert_eq!(
        events.next().await,
        Some(PoolEvent::Limit { from: 4, to: 6 })
    );
    drop(pool);
    assert_eq!(events.next().await, None);
}
