//! Loads on many threads at once. These tests need no moment: a wait that should not be ends as a failure.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use garland::cache::{Cache, InsertOptions};
use garland::{Clock, Result, Timestamp};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::timeout;

/// Far more than any of these waits takes, and less than the deadline of a load.
const BOUND: Duration = Duration::from_secs(20);

/// A clock that is set by hand.
#[derive(Debug, Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

fn threads(count: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(count)
        .enable_all()
        .build()
        .unwrap()
}

/// Runs `work` in a thread of its own, and fails if it does not end.
fn ends(work: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let worker = thread::spawn(move || {
        work();
        _ = done.send(());
    });
    match ended.recv_timeout(BOUND * 4) {
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => worker.join().unwrap(),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("somebody waits for ever"),
    }
}

/// Is woken by another thread while it is polled, as often as told.
fn woken_while_polled(times: u64) -> impl Future<Output = Result<u64>> + Send {
    let mut polls = 0;
    std::future::poll_fn(move |context| {
        polls += 1;
        if polls > times {
            return Poll::Ready(Ok(1));
        }
        context.waker().wake_by_ref();
        // Long enough for another to come by and find this one polled.
        for _ in 0..polls * 50 {
            std::hint::spin_loop();
        }
        Poll::Pending
    })
}

#[test]
fn a_driver_that_is_dropped_leaves_nobody_asleep() {
    ends(|| {
        let runtime = threads(4);
        runtime.block_on(async {
            let cache: Cache<u64, u64> = Cache::builder(10).build().unwrap();
            for round in 0..20_000 {
                let ask = || {
                    let cache = cache.clone();
                    tokio::spawn(async move { cache.get_with(round, woken_while_polled(6)).await })
                };
                let (leaders, waiter) = ([ask(), ask()], ask());
                for _ in 0..round % 7 * 40 {
                    std::hint::spin_loop();
                }
                leaders.iter().for_each(tokio::task::JoinHandle::abort);
                let waited = timeout(BOUND, waiter).await;
                let value = waited.unwrap_or_else(|_| panic!("asleep in round {round}"));
                assert_eq!(value.unwrap().unwrap(), 1);
            }
        });
    });
}

#[test]
fn a_refresh_may_end_while_another_asks_for_it() {
    ends(|| {
        let runtime = threads(2);
        let clock = Arc::new(Hand::default());
        let cache: Cache<u8, u8> = Cache::builder(10)
            .shards(1)
            .ttl(Duration::from_secs(1))
            .stale_while_revalidate(Duration::from_secs(10_000))
            .load_deadline(Duration::from_millis(1))
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .build()
            .unwrap();
        cache.insert(1, 1);
        clock.0.store(2, Ordering::Relaxed);
        let stop = Arc::new(AtomicBool::new(false));
        let askers: Vec<_> = (0..2)
            .map(|_| {
                let (cache, stop) = (cache.clone(), Arc::clone(&stop));
                let handle = runtime.handle().clone();
                thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let answer = handle.block_on(cache.get_with(1, pending()));
                        assert_eq!(answer.unwrap(), 1);
                    }
                })
            })
            .collect();
        loop {
            let failed = cache.stats().failed_loads;
            if failed >= 1_500 {
                break;
            }
            // Past the pause after each.
            clock.0.store(2 + 2 * failed, Ordering::Relaxed);
            thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        askers.into_iter().for_each(|asker| asker.join().unwrap());
    });
}

/// Asks its cache for a refresh when it is dropped.
struct Curious(Cache<u8, u8>);

impl Drop for Curious {
    fn drop(&mut self) {
        let asking = pin!(self.0.get_with(1, pending()));
        let asked = asking.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(asked, Poll::Ready(Ok(1))));
    }
}

#[test]
fn a_loader_of_a_refresh_that_cannot_run_may_ask_when_it_is_dropped() {
    ends(|| {
        let ended = threads(1).handle().clone();
        for runtime in [None, Some(ended)] {
            let _inside = runtime.as_ref().map(Handle::enter);
            let clock = Arc::new(Hand::default());
            let cache: Cache<u8, u8> = Cache::builder(10)
                .shards(1)
                .ttl(Duration::from_secs(1))
                .stale_while_revalidate(Duration::from_secs(1_000))
                .clock(Arc::clone(&clock) as Arc<dyn Clock>)
                .build()
                .unwrap();
            cache.insert(1, 1);
            clock.0.store(2, Ordering::Relaxed);
            let curious = Curious(cache.clone());
            let asking = pin!(cache.get_with(1, async move {
                let _curious = curious;
                pending().await
            }));
            let asked = asking.poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(asked, Poll::Ready(Ok(1))));
            let begun = if runtime.is_some() { 2 } else { 0 };
            let stats = cache.stats();
            assert_eq!((stats.loads, stats.failed_loads), (begun, begun));
        }
    });
}

#[test]
fn a_sweep_beside_a_load_lets_nothing_through() {
    ends(|| {
        let runtime = threads(2);
        let cache: Cache<u64, u64> = Cache::builder(10).shards(1).build().unwrap();
        for round in 0..20_000 {
            let (began, begun) = mpsc::channel();
            let loading = cache.clone();
            let load = runtime.spawn(async move {
                let options = InsertOptions::default().with_tag("t");
                let loader = async move {
                    _ = began.send(());
                    for _ in 0..round % 64 {
                        std::hint::spin_loop();
                    }
                    Ok(1)
                };
                loading.get_with_options(round, options, loader).await
            });
            begun.recv().unwrap();
            cache.invalidate_tag("t");
            cache.sweep();
            runtime.block_on(load).unwrap().unwrap();
            assert_eq!(cache.get(&round), None, "round {round}");
        }
    });
}
