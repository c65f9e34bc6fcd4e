//! One load for all who ask, on good days and bad ones.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use garland::cache::Cache;
use garland::{Error, ErrorKind, Result};
use tokio::time::{Instant, sleep};

use crate::paused;

const SECOND: Duration = Duration::from_secs(1);

/// A loader that takes a second, and counts how often it began.
fn slow(began: &Arc<AtomicU64>, value: u64) -> impl Future<Output = Result<u64>> + Send + use<> {
    let began = Arc::clone(began);
    async move {
        began.fetch_add(1, Ordering::Relaxed);
        sleep(SECOND).await;
        Ok(value)
    }
}

async fn failing(kind: ErrorKind) -> Result<u64> {
    Err(Error::new(kind, "test.load", "it failed").with_retry_after(SECOND))
}

/// A loader with five awaits.
async fn yielding(value: u64) -> Result<u64> {
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
    Ok(value)
}

/// Asks in a task of its own.
fn ask(
    cache: &Cache<String, u64>,
    key: &str,
    loader: impl Future<Output = Result<u64>> + Send + 'static,
) -> tokio::task::JoinHandle<Result<u64>> {
    let (cache, key) = (cache.clone(), key.to_owned());
    tokio::spawn(async move { cache.get_with(key, loader).await })
}

#[tokio::test(start_paused = true)]
async fn a_hundred_askers_are_one_load() {
    let cache = paused().build().unwrap();
    let began = Arc::default();
    let all: Vec<_> = (0..100)
        .map(|n| ask(&cache, "k", slow(&began, n)))
        .collect();
    let mut got = Vec::new();
    for one in all {
        got.push(one.await.unwrap().unwrap());
    }
    assert_eq!(got, [0; 100]);
    assert_eq!(began.load(Ordering::Relaxed), 1);
    let stats = cache.stats();
    assert_eq!(
        (stats.loads, stats.joined, stats.misses, stats.inserted),
        (1, 99, 100, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn waiters_go_on_when_the_first_goes_away() {
    let cache = paused().build().unwrap();
    let began = Arc::default();
    let first = ask(&cache, "k", slow(&began, 1));
    sleep(SECOND / 2).await;
    let start = Instant::now();
    let second = ask(&cache, "k", slow(&began, 2));
    tokio::task::yield_now().await;
    first.abort();
    assert_eq!(second.await.unwrap().unwrap(), 1);
    assert_eq!(
        (start.elapsed(), began.load(Ordering::Relaxed)),
        (SECOND / 2, 1)
    );
    assert_eq!(cache.get("k"), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_load_nobody_waits_for_ends_and_leaves_no_trace() {
    let cache = paused().build().unwrap();
    let began: Arc<AtomicU64> = Arc::default();
    let first = ask(&cache, "k", slow(&began, 1));
    sleep(SECOND / 2).await;
    first.abort();
    _ = first.await;
    // The loader is gone with what it held.
    assert_eq!(
        (Arc::strong_count(&began), cache.stats().failed_loads),
        (1, 1)
    );
    sleep(SECOND * 5).await;
    assert_eq!(cache.get("k"), None);
    assert_eq!(ask(&cache, "k", slow(&began, 2)).await.unwrap().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_caller_at_any_await_harms_nobody() {
    for steps in 0..8 {
        let cache = paused().build().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        let mut first = Box::pin(cache.get_with("k".into(), yielding(7)));
        // Its loader is asked only if it comes first.
        let other = ask(&cache, "k", async { Ok(8) });
        for _ in 0..steps {
            if first.as_mut().poll(&mut context).is_ready() {
                break;
            }
        }
        drop(first);
        let expected = match steps {
            0 => 8,
            // The load was dropped before the other came: nobody waited for it.
            1..=5 => 8,
            _ => 7,
        };
        assert_eq!(other.await.unwrap().unwrap(), expected, "{steps}");
        assert!(cache.contains("k"), "{steps}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_takes_over_at_any_await_of_the_first() {
    for steps in 1..6 {
        let cache = paused().build().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        let mut first = Box::pin(cache.get_with("k".into(), yielding(7)));
        assert!(first.as_mut().poll(&mut context).is_pending());
        let mut other = Box::pin(cache.get_with("k".into(), async { Ok(8) }));
        assert!(other.as_mut().poll(&mut context).is_pending());
        for _ in 2..steps {
            assert!(first.as_mut().poll(&mut context).is_pending(), "{steps}");
        }
        drop(first);
        assert_eq!(other.await.unwrap(), 7, "{steps}");
        let stats = cache.stats();
        assert_eq!(
            (stats.loads, stats.joined, stats.failed_loads),
            (1, 1, 0),
            "{steps}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_panicking_loader_is_an_error_to_all_and_leaves_no_placeholder() {
    let cache = paused().build().unwrap();
    let panicking = || async {
        sleep(SECOND).await;
        panic!("a loader of this test")
    };
    let both = [ask(&cache, "k", panicking()), ask(&cache, "k", panicking())];
    for one in both {
        assert_eq!(
            one.await.unwrap().unwrap_err().kind(),
            ErrorKind::Unexpected
        );
    }
    assert_eq!(cache.stats().failed_loads, 1);
    assert_eq!(
        cache.get_with("k".into(), async { Ok(3) }).await.unwrap(),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn a_panicking_listener_is_no_failure_of_the_load() {
    let cache = paused()
        .listener(|_, _| panic!("a listener of this test"))
        .ttl(SECOND)
        .stale_if_error(SECOND * 100)
        .build()
        .unwrap();
    cache.insert("k".into(), 1);
    sleep(SECOND * 2).await;
    let began = Arc::default();
    let (driver, waiter) = (
        ask(&cache, "k", slow(&began, 2)),
        ask(&cache, "k", slow(&began, 2)),
    );
    let both = [driver.await, waiter.await];
    // Whoever drove the load heard the panic; the other has the value, which is kept.
    let panics = both.iter().filter(|one| one.is_err()).count();
    let values = both.iter().flatten().flatten().copied().collect::<Vec<_>>();
    assert_eq!((panics, values), (1, vec![2]));
    assert_eq!((cache.get("k"), cache.stats().failed_loads), (Some(2), 0));
}

#[tokio::test(start_paused = true)]
async fn a_loader_that_never_returns_holds_nobody_past_the_deadline() {
    let cache = paused().load_deadline(SECOND * 10).build().unwrap();
    let start = Instant::now();
    let first = ask(&cache, "k", pending());
    sleep(SECOND * 4).await;
    let second = ask(&cache, "k", async { Ok(1) });
    assert_eq!(first.await.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(start.elapsed(), SECOND * 10);
    // The second still waits for the first load; who comes now begins another, which the second does not disturb.
    assert_eq!(
        cache.get_with("k".into(), async { Ok(2) }).await.unwrap(),
        2
    );
    assert_eq!(
        second.await.unwrap().unwrap_err().kind(),
        ErrorKind::Timeout
    );
    assert_eq!(start.elapsed(), SECOND * 14);
    assert_eq!(cache.get("k"), Some(2));
}

#[tokio::test(start_paused = true)]
async fn an_error_reaches_all_with_its_kind_and_cause_and_is_not_kept() {
    let cache = paused().build().unwrap();
    let both = [
        ask(&cache, "k", failing(ErrorKind::RateLimited)),
        ask(&cache, "k", failing(ErrorKind::RateLimited)),
    ];
    for one in both {
        let error = one.await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.retry_after()),
            (ErrorKind::RateLimited, Some(SECOND))
        );
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "it failed in test.load");
    }
    assert_eq!(
        cache.get_with("k".into(), async { Ok(1) }).await.unwrap(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_found_is_remembered_for_its_time_only() {
    let cache = paused().negative_ttl(SECOND * 10).build().unwrap();
    let began = Arc::default();
    let missing = || cache.get_with("k".into(), failing(ErrorKind::NotFound));
    assert_eq!(missing().await.unwrap_err().kind(), ErrorKind::NotFound);
    sleep(SECOND * 9).await;
    let error = ask(&cache, "k", slow(&began, 1))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(
        (error.kind(), cache.stats().absent),
        (ErrorKind::NotFound, 1)
    );
    sleep(SECOND).await;
    assert_eq!(ask(&cache, "k", slow(&began, 1)).await.unwrap().unwrap(), 1);

    cache.remove("k");
    assert_eq!(missing().await.unwrap_err().kind(), ErrorKind::NotFound);
    cache.insert("k".into(), 5);
    assert_eq!(missing().await.unwrap(), 5);
    cache.remove("k");
    assert_eq!(missing().await.unwrap_err().kind(), ErrorKind::NotFound);
    cache.invalidate_all();
    assert_eq!(ask(&cache, "k", slow(&began, 6)).await.unwrap().unwrap(), 6);
}

#[test]
fn a_question_with_an_answer_needs_no_runtime() {
    let cache: Cache<u8, u8> = Cache::builder(10).build().unwrap();
    cache.insert(1, 2);
    let asked = pin!(cache.get_with(1, async { Ok(3) }));
    let polled = asked.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Ok(2))));
}
