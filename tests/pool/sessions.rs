//! Sessions: lent, validated, retired, closed; and what a bad factory cannot do.

use garland::ErrorKind;
use garland::resilience::pool::{
    CloseReason, PooledSession, Priority, SessionEvent, SessionOptions, SessionPool,
};
use tokio::time::{Duration, advance, sleep, timeout};

use crate::world::{Desk, Does, poll, sessions};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

async fn get(pool: &SessionPool<Desk>) -> PooledSession<Desk> {
    pool.get(Priority::NORMAL).await.unwrap()
}

async fn refused(pool: &SessionPool<Desk>) -> ErrorKind {
    pool.get(Priority::NORMAL).await.unwrap_err().kind()
}

/// Every turn is there, and nothing is open that is not counted.
async fn assert_whole(pool: &SessionPool<Desk>, desk: &Desk, max: usize) {
    *desk.connects.lock().unwrap() = Does::Works;
    *desk.validates.lock().unwrap() = Does::Works;
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.waiting), (0, 0), "{stats:?}");
    assert_eq!((stats.open, stats.idle), (desk.live(), desk.live()));
    let mut all = Vec::new();
    for _ in 0..max {
        all.push(
            timeout(seconds(1), get(pool))
                .await
                .expect("a turn is lost"),
        );
    }
    let closed = pool.stats().closed;
    let closed = closed.retired + closed.idle + closed.invalid + closed.broken + closed.closing;
    let stats = pool.stats();
    assert_eq!(
        stats.opened - closed,
        u64::try_from(stats.open).unwrap(),
        "{stats:?}"
    );
    all.into_iter().for_each(PooledSession::release);
}

#[tokio::test(start_paused = true)]
async fn the_last_given_back_is_lent_first_and_one_not_given_back_is_closed() {
    let desk = Desk::default();
    let pool = sessions(&desk, SessionOptions::default());
    let (first, second) = (get(&pool).await, get(&pool).await);
    second.release();
    first.release();
    let lent = get(&pool).await;
    assert_eq!(lent.number, 0);
    drop(lent);
    assert_eq!((desk.live(), pool.stats().open), (1, 1));
    assert_eq!(get(&pool).await.number, 1);
    assert_eq!(get(&pool).await.number, 2);
    let stats = pool.stats();
    assert_eq!((stats.opened, stats.reused, stats.closed.broken), (3, 2, 3));
    assert_whole(&pool, &desk, 4).await;
}

#[tokio::test(start_paused = true)]
async fn a_user_that_panics_leaves_no_half_used_session() {
    let desk = Desk::default();
    let pool = sessions(&desk, SessionOptions::default().with_max(1));
    let user = pool.clone();
    let task = tokio::spawn(async move {
        let _session = get(&user).await;
        panic!("a fault in a host");
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(desk.live(), 0);
    assert_whole(&pool, &desk, 1).await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_and_the_more_urgent_goes_first() {
    let desk = Desk::default();
    let pool = sessions(&desk, SessionOptions::default().with_max(1));
    let held = get(&pool).await;
    assert_eq!(refused(&pool).await, ErrorKind::Timeout);
    let low = async {
        let session = pool.get(Priority::BACKGROUND).await.unwrap();
        assert_eq!(pool.stats().reused, 2);
        session.release();
    };
    let high = async {
        let session = pool.get(Priority::EMERGENCY).await.unwrap();
        assert_eq!((pool.stats().reused, pool.stats().waiting), (1, 1));
        session.release();
    };
    let giving = async {
        sleep(seconds(1)).await;
        held.release();
    };
    tokio::join!(low, high, giving);
    assert_whole(&pool, &desk, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_factory_that_fails_hangs_or_panics_costs_no_turn() {
    let desk = Desk::default();
    let pool = sessions(&desk, SessionOptions::default().with_max(2));
    for (does, kind) in [
        (Does::Fails, ErrorKind::Unavailable),
        (Does::Hangs, ErrorKind::Timeout),
        (Does::Panics, ErrorKind::Unexpected),
    ] {
        *desk.connects.lock().unwrap() = does;
        for _ in 0..5 {
            assert_eq!(refused(&pool).await, kind);
            assert_eq!((desk.live(), pool.stats().open), (0, 0));
        }
    }
    assert_eq!(pool.stats().connect_failed, 15);
    assert_whole(&pool, &desk, 2).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_is_validated_and_dropped_if_it_fails() {
    for does in [Does::Fails, Does::Hangs, Does::Panics] {
        let desk = Desk::default();
        let pool = sessions(&desk, SessionOptions::default());
        let (first, second) = (get(&pool).await, get(&pool).await);
        first.release();
        second.release();
        *desk.validates.lock().unwrap() = does;
        advance(seconds(14)).await;
        let fresh = get(&pool).await;
        assert_eq!(fresh.number, 1, "lent unseen");
        fresh.release();
        advance(seconds(15)).await;
        assert_eq!(get(&pool).await.number, 2, "both were no good");
        assert_eq!(pool.stats().closed.invalid, 2);
        assert_whole(&pool, &desk, 4).await;
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_retire_one_after_the_other() {
    let desk = Desk::default();
    let pool = sessions(
        &desk,
        SessionOptions::default()
            .with_max(50)
            .with_idle_timeout(seconds(9_999)),
    );
    let mut all = Vec::new();
    for _ in 0..50 {
        all.push(get(&pool).await);
    }
    all.into_iter().for_each(PooledSession::release);
    let watch = pool.clone();
    let maintained = tokio::spawn(async move { watch.maintain().await });
    sleep(seconds(1_619)).await;
    assert_eq!(desk.live(), 50, "none ends before nine tenths");
    sleep(seconds(90)).await;
    assert!((10..40).contains(&desk.live()), "{} left", desk.live());
    sleep(seconds(130)).await;
    assert_eq!((desk.live(), pool.stats().closed.retired), (0, 50));

    // One that is out is left alone, and not lent again.
    let old = get(&pool).await;
    sleep(seconds(3_600)).await;
    assert_eq!(desk.live(), 1);
    old.release();
    assert_eq!((desk.live(), pool.stats().closed.retired), (0, 51));
    maintained.abort();
}

#[tokio::test(start_paused = true)]
async fn idle_sessions_end_and_a_few_are_kept_ready() {
    let desk = Desk::default();
    let options = SessionOptions::default().with_max(5).with_min_idle(2);
    let pool = sessions(&desk, options);
    let watch = pool.clone();
    let maintained = tokio::spawn(async move { watch.maintain().await });
    sleep(seconds(1)).await;
    assert_eq!((desk.live(), pool.stats().idle), (2, 2));
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(get(&pool).await);
    }
    sleep(seconds(60)).await;
    assert_eq!(desk.live(), 5, "there is room for none ahead");
    all.into_iter().for_each(PooledSession::release);
    sleep(seconds(400)).await;
    assert_eq!((desk.live(), pool.stats().closed.idle), (2, 3));

    // Whatever the factory does, the watch goes on.
    drop((get(&pool).await, get(&pool).await));
    for does in [Does::Fails, Does::Panics, Does::Hangs] {
        *desk.connects.lock().unwrap() = does;
        sleep(seconds(100)).await;
        assert_eq!(desk.live(), usize::from(does == Does::Hangs));
    }
    *desk.connects.lock().unwrap() = Does::Works;
    sleep(seconds(100)).await;
    assert_eq!(pool.stats().idle, 2);
    maintained.abort();
}

#[tokio::test(start_paused = true)]
async fn sessions_that_end_at_once_are_not_opened_without_end() {
    let desk = Desk::default();
    let options = SessionOptions::default()
        .with_min_idle(2)
        .with_lifetime(Duration::ZERO);
    let pool = sessions(&desk, options);
    let _ = timeout(seconds(299), pool.maintain()).await;
    assert_eq!((pool.stats().opened, desk.live()), (20, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_watch_idle_sessions_end_when_one_is_taken() {
    let desk = Desk::default();
    let pool = sessions(&desk, SessionOptions::default());
    let (first, second) = (get(&pool).await, get(&pool).await);
    first.release();
    advance(seconds(200)).await;
    second.release();
    advance(seconds(200)).await;
    let lent = get(&pool).await;
    assert_eq!((lent.number, desk.live()), (1, 1));
    assert_eq!(pool.stats().closed.idle, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_out_too_long_is_told_once_and_counted() {
    let desk = Desk::default();
    let pool = sessions(&desk, SessionOptions::default());
    let mut events = pool.events();
    let lost = get(&pool).await;
    assert_eq!(events.next().await, Some(SessionEvent::Opened));
    let _ = timeout(seconds(1_800), pool.maintain()).await;
    let Some(SessionEvent::Overdue { out_for }) = events.next().await else {
        panic!("not told");
    };
    assert!(
        out_for >= seconds(600) && out_for <= seconds(631),
        "{out_for:?}"
    );
    assert_eq!(pool.stats().overdue, 1);
    drop(lost);
    assert_eq!(pool.stats().overdue, 0);
    let reason = CloseReason::Broken;
    assert_eq!(events.next().await, Some(SessionEvent::Closed { reason }));
}

/// A wait is dropped after every number of polls there is: in the line, while it opens, while it validates.
#[tokio::test(start_paused = true)]
async fn a_wait_may_be_dropped_at_every_await() {
    for idle in [false, true] {
        let mut finished = false;
        for polls in 0..12 {
            let desk = Desk::default();
            let options = SessionOptions::default()
                .with_max(1)
                .with_validate_after(Duration::ZERO);
            let pool = sessions(&desk, options);
            if idle {
                get(&pool).await.release();
            }
            let held = get(&pool).await;
            *desk.connects.lock().unwrap() = Does::Takes(4);
            *desk.validates.lock().unwrap() = Does::Takes(4);
            let mut wait = Box::pin(pool.get(Priority::NORMAL));
            assert!(poll(&mut wait).is_pending());
            if idle {
                held.release();
            } else {
                drop(held);
            }
            finished |= (0..polls).any(|_| poll(&mut wait).is_ready());
            drop(wait);
            assert_whole(&pool, &desk, 1).await;
        }
        assert!(finished, "no wait came to its end");
    }
}

#[tokio::test(start_paused = true)]
async fn closing_sends_away_who_waits_and_waits_for_what_is_out() {
    let desk = Desk::default();
    let pool = sessions(&desk, SessionOptions::default().with_max(3));
    let mut events = pool.events();
    let (out, idle) = (get(&pool).await, get(&pool).await);
    idle.release();
    *desk.connects.lock().unwrap() = Does::Takes(3);
    let also = get(&pool).await;
    let mut opening = Box::pin(pool.get(Priority::NORMAL));
    assert!(poll(&mut opening).is_pending());
    let mut waiting = Box::pin(pool.get(Priority::NORMAL));
    assert!(poll(&mut waiting).is_pending());
    {
        // Given up half-way, it stays closed.
        let mut close = Box::pin(pool.close());
        assert!(poll(&mut close).is_pending());
    }
    assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(opening.await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(refused(&pool).await, ErrorKind::Refused);
    let giving = async {
        sleep(seconds(1)).await;
        also.release();
        sleep(seconds(1)).await;
        drop(out);
    };
    tokio::join!(pool.close(), giving);
    assert_eq!((desk.live(), pool.stats().open), (0, 0));
    pool.maintain().await;
    drop(pool);
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        told.push(event);
    }
    assert_eq!(
        told.iter()
            .filter(|event| **event == SessionEvent::Drained)
            .count(),
        1
    );
    assert_eq!(told.last(), Some(&SessionEvent::Drained));
}
