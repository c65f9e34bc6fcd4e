//! Cost of a permit: taken and given back at once, with others in the line, and from two threads; beside a semaphore of
//! the runtime.

use std::sync::Arc;

use divan::counter::ItemsCount;
use futures_util::FutureExt as _;
use garland::SystemClock;
use garland::resilience::AccountName;
use garland::resilience::pool::{Outcome, Permits, PlatformPool, PoolOptions, Priority};
use tokio::sync::Semaphore;

const TURNS: usize = 1_000;
const MANY: usize = 200_000;

fn main() {
    divan::main();
}

/// What is there needs no runtime to be had.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

#[divan::bench]
fn free_permits(bencher: divan::Bencher<'_, '_>) {
    let permits = Permits::new(64);
    bencher.counter(ItemsCount::new(TURNS)).bench(|| {
        for _ in 0..TURNS {
            drop(divan::black_box(
                now(permits.acquire(Priority::NORMAL)).unwrap(),
            ));
        }
    });
}

#[divan::bench]
fn free_semaphore(bencher: divan::Bencher<'_, '_>) {
    let semaphore = Semaphore::new(64);
    bencher.counter(ItemsCount::new(TURNS)).bench(|| {
        for _ in 0..TURNS {
            drop(divan::black_box(now(semaphore.acquire()).unwrap()));
        }
    });
}

#[divan::bench]
fn free_owned_semaphore(bencher: divan::Bencher<'_, '_>) {
    let semaphore = Arc::new(Semaphore::new(64));
    bencher.counter(ItemsCount::new(TURNS)).bench(|| {
        for _ in 0..TURNS {
            let permit = now(Arc::clone(&semaphore).acquire_owned());
            drop(divan::black_box(permit.unwrap()));
        }
    });
}

/// Long turns, so that two threads meet.
#[divan::bench(threads = [2], sample_count = 20)]
fn shared_permits(bencher: divan::Bencher<'_, '_>) {
    let permits = Permits::new(64);
    bencher.counter(ItemsCount::new(MANY)).bench(|| {
        for _ in 0..MANY {
            drop(divan::black_box(
                now(permits.acquire(Priority::NORMAL)).unwrap(),
            ));
        }
    });
}

#[divan::bench(threads = [2], sample_count = 20)]
fn shared_semaphore(bencher: divan::Bencher<'_, '_>) {
    let semaphore = Semaphore::new(64);
    bencher.counter(ItemsCount::new(MANY)).bench(|| {
        for _ in 0..MANY {
            drop(divan::black_box(now(semaphore.acquire()).unwrap()));
        }
    });
}

/// With the clock read twice, and what the call tells learnt.
#[divan::bench]
fn free_pool(bencher: divan::Bencher<'_, '_>) {
    let options = PoolOptions::default().with_max(64);
    let account = AccountName::new("drive", "clients");
    let pool = PlatformPool::new(account, options, Arc::new(SystemClock::new()));
    bencher.counter(ItemsCount::new(TURNS)).bench(|| {
        for _ in 0..TURNS {
            let permit = now(pool.acquire(Priority::NORMAL)).unwrap();
            permit.done(Outcome::Answered);
        }
    });
}

/// Tasks on one thread that all want the same few.
fn crowd<F: Future<Output = ()>>(
    bencher: divan::Bencher<'_, '_>,
    turn: impl Fn(usize) -> F + Sync,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    bencher.counter(ItemsCount::new(TURNS)).bench_local(|| {
        let crowd: futures_util::stream::FuturesUnordered<_> = (0..TURNS).map(&turn).collect();
        runtime.block_on(futures_util::StreamExt::collect::<()>(crowd));
    });
}

#[divan::bench]
fn crowded_permits(bencher: divan::Bencher<'_, '_>) {
    let permits = Permits::new(4);
    crowd(bencher, |who| {
        let permits = &permits;
        async move {
            let priority = Priority::new(u8::try_from(who % 5).unwrap());
            let permit = permits.acquire(priority).await.unwrap();
            tokio::task::yield_now().await;
            drop(permit);
        }
    });
}

#[divan::bench]
fn crowded_semaphore(bencher: divan::Bencher<'_, '_>) {
    let semaphore = Semaphore::new(4);
    crowd(bencher, |_| async {
        let permit = semaphore.acquire().await.unwrap();
        tokio::task::yield_now().await;
        drop(permit);
    });
}
