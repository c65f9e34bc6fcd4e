//! Values past their time.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use garland::cache::Insertion;
use garland::telemetry::Registry;
use garland::{Error, ErrorKind, Result};
use tokio::time::sleep;

use crate::paused;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_stale_value_is_answered_at_once_and_loaded_again_once() {
    let cache = paused()
        .ttl(SECOND * 10)
        .stale_while_revalidate(SECOND * 5)
        .build()
        .unwrap();
    cache.insert("k".into(), 1);
    sleep(SECOND * 12).await;
    assert_eq!(cache.get("k"), None);
    let slow = || async {
        sleep(SECOND).await;
        Ok(2)
    };
    for _ in 0..3 {
        assert_eq!(cache.get_with("k".into(), slow()).await.unwrap(), 1);
    }
    sleep(SECOND * 2).await;
    assert_eq!(cache.get("k"), Some(2));
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.stale), (1, 3));
    // Beyond the window, who asks waits.
    sleep(SECOND * 20).await;
    assert_eq!(
        cache.get_with("k".into(), async { Ok(3) }).await.unwrap(),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn a_refresh_ends_with_the_cache() {
    let cache = paused()
        .ttl(SECOND)
        .stale_while_revalidate(SECOND * 5)
        .build()
        .unwrap();
    cache.insert("k".into(), 1);
    sleep(SECOND * 2).await;
    let held = Arc::new(());
    let guard = Arc::clone(&held);
    let never = async move {
        let _guard = guard;
        pending().await
    };
    assert_eq!(cache.get_with("k".into(), never).await.unwrap(), 1);
    tokio::task::yield_now().await;
    assert_eq!(Arc::strong_count(&held), 2);
    drop(cache);
    tokio::task::yield_now().await;
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_never_returns_is_given_up_and_begun_again() {
    let cache = paused()
        .ttl(SECOND)
        .stale_while_revalidate(SECOND * 100)
        .load_deadline(SECOND * 10)
        .build()
        .unwrap();
    cache.insert("k".into(), 1);
    sleep(SECOND * 2).await;
    assert_eq!(cache.get_with("k".into(), pending()).await.unwrap(), 1);
    sleep(SECOND * 12).await;
    assert_eq!(
        cache.get_with("k".into(), async { Ok(2) }).await.unwrap(),
        1
    );
    tokio::task::yield_now().await;
    assert_eq!(cache.get_with("k".into(), pending()).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_stands_in_for_a_passing_failure_and_no_other() {
    let cache = paused()
        .ttl(SECOND)
        .stale_if_error(SECOND * 100)
        .load_deadline(SECOND * 10)
        .build()
        .unwrap();
    cache.insert("k".into(), 1);
    sleep(SECOND * 2).await;
    let failing = |kind| {
        cache.get_with("k".into(), async move {
            Err(Error::new(kind, "test.load", "no"))
        })
    };
    assert_eq!(failing(ErrorKind::Unavailable).await.unwrap(), 1);
    assert_eq!(cache.get_with("k".into(), pending()).await.unwrap(), 1);
    assert_eq!(
        failing(ErrorKind::Denied).await.unwrap_err().kind(),
        ErrorKind::Denied
    );
    // What is known to be gone is not brought back.
    assert_eq!(
        failing(ErrorKind::NotFound).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let error = failing(ErrorKind::Unavailable).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(cache.stats().stale, 2);
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_is_not_brought_back_once_invalidated() {
    let cache = paused()
        .ttl(SECOND)
        .stale_if_error(SECOND * 100)
        .stale_while_revalidate(SECOND * 100)
        .build()
        .unwrap();
    cache.insert("k".into(), 1);
    sleep(SECOND * 2).await;
    cache.invalidate_all();
    let failing = async { Err(Error::new(ErrorKind::Unavailable, "test.load", "no")) };
    let error = cache.get_with("k".into(), failing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

async fn unavailable_in_a_second() -> Result<u64> {
    sleep(SECOND).await;
    Err(Error::new(ErrorKind::Unavailable, "test.load", "no"))
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_for_a_failure_is_what_is_there_by_then() {
    let cache = paused()
        .ttl(SECOND * 10)
        .stale_if_error(SECOND * 5)
        .build()
        .unwrap();
    let stale_then_failing = async |after: Duration, change: &dyn Fn()| {
        cache.insert("k".into(), 1);
        sleep(SECOND * 10 + after).await;
        let asking = cache.get_with("k".into(), unavailable_in_a_second());
        let changing = async {
            tokio::task::yield_now().await;
            change();
        };
        let (answer, ()) = tokio::join!(asking, changing);
        answer.map_err(|error| error.kind())
    };
    let unavailable = Err(ErrorKind::Unavailable);
    assert_eq!(stale_then_failing(SECOND, &|| {}).await, Ok(1));
    let remove = || assert!(cache.remove("k"));
    assert_eq!(stale_then_failing(SECOND, &remove).await, unavailable);
    let invalidate = || cache.invalidate_all();
    assert_eq!(stale_then_failing(SECOND, &invalidate).await, unavailable);
    let replace = || assert_eq!(cache.insert("k".into(), 2), Insertion::Stored);
    assert_eq!(stale_then_failing(SECOND, &replace).await, Ok(2));
    // The window ends while the load runs.
    let late = SECOND * 4 + SECOND / 2;
    assert_eq!(stale_then_failing(late, &|| {}).await, unavailable);
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.stale, stats.misses), (1, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn no_more_refreshes_begin_than_run() {
    let cache = paused()
        .ttl(SECOND)
        .stale_while_revalidate(SECOND * 100)
        .build()
        .unwrap();
    for key in 0..80 {
        cache.insert(key.to_string(), 1);
    }
    sleep(SECOND * 2).await;
    for key in 0..80 {
        let stale = cache.get_with(key.to_string(), pending()).await;
        assert_eq!(stale.unwrap(), 1);
    }
    tokio::task::yield_now().await;
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.failed_loads, stats.stale), (64, 0, 80));
    // Those on their way are neither loaded nor failed.
    let registry = Registry::new();
    stats.tell("c", &registry);
    for outcome in ["loaded", "failed"] {
        let labels = [("cache", "c"), ("outcome", outcome)];
        let told = registry.snapshot().gauge("garland_cache_loads", &labels);
        assert_eq!(told, Some(0.0), "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_failed_is_not_begun_again_at_once() {
    let cache = paused()
        .ttl(SECOND)
        .stale_while_revalidate(SECOND * 100)
        .build()
        .unwrap();
    cache.insert("k".into(), 1);
    sleep(SECOND * 2).await;
    let ask = async || {
        let failing = async { Err(Error::new(ErrorKind::Unavailable, "test.load", "no")) };
        assert_eq!(cache.get_with("k".into(), failing).await.unwrap(), 1);
        tokio::task::yield_now().await;
        cache.stats().loads
    };
    for _ in 0..10 {
        assert_eq!(ask().await, 1);
    }
    sleep(SECOND).await;
    assert_eq!((ask().await, ask().await), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_was_given_up_is_not_begun_again_at_once() {
    let cache = paused()
        .ttl(SECOND)
        .stale_while_revalidate(SECOND * 100)
        .load_deadline(SECOND * 10)
        .build()
        .unwrap();
    cache.insert("k".into(), 1);
    sleep(SECOND * 2).await;
    let ask = async || {
        assert_eq!(cache.get_with("k".into(), pending()).await.unwrap(), 1);
        tokio::task::yield_now().await;
        cache.stats().loads
    };
    assert_eq!(ask().await, 1);
    sleep(SECOND * 10 + SECOND / 2).await;
    for _ in 0..10 {
        assert_eq!(ask().await, 1);
    }
    sleep(SECOND).await;
    assert_eq!((ask().await, ask().await), (2, 2));
}
