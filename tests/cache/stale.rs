//! Values past their time.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use garland::{Error, ErrorKind};
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
    sleep(SECOND * 11).await;
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
