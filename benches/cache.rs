//! Cost of an operation on a cache of 100,000 entries. `scripts/peers cache` compares it with other caches.

use std::sync::Arc;
use std::time::Duration;

use divan::counter::ItemsCount;
use garland::SystemClock;
use garland::cache::{Cache, InsertOptions};

const CAPACITY: u64 = 100_000;
const CALLS: u64 = 10_000;

fn main() {
    divan::main();
}

fn full(ttl: Option<Duration>) -> Cache<u64, u64> {
    let mut builder = Cache::builder(CAPACITY).clock(Arc::new(SystemClock::new()));
    if let Some(ttl) = ttl {
        builder = builder.ttl(ttl);
    }
    let cache = builder.build().unwrap();
    (0..CAPACITY / 2).for_each(|key| _ = cache.insert(key, key));
    cache
}

/// Spreads keys, so that neighbours in time are none in memory.
fn key(n: u64) -> u64 {
    (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % (CAPACITY / 2)
}

/// Entries that are there, without and with a time to live, which costs a look at the clock.
#[divan::bench(args = [false, true])]
fn hit(bencher: divan::Bencher<'_, '_>, mortal: bool) {
    let cache = full(mortal.then(|| Duration::from_secs(3_600)));
    let mut start = 0;
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        start += CALLS;
        let found = (start..start + CALLS)
            .filter(|n| cache.get(&key(*n)).is_some())
            .count();
        divan::black_box(found)
    });
}

/// Entries that are not there, and displace others.
#[divan::bench]
fn miss_and_insert(bencher: divan::Bencher<'_, '_>) {
    let cache = full(None);
    let mut start = CAPACITY;
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        start += CALLS;
        for n in start..start + CALLS {
            if cache.get(&n).is_none() {
                cache.insert(n, n);
            }
        }
    });
}

/// The call alone, however much it meets.
#[divan::bench(args = [1_000, 100_000])]
fn invalidate_tag(bencher: divan::Bencher<'_, '_>, entries: u64) {
    let cache: Cache<u64, u64> = Cache::builder(CAPACITY).build().unwrap();
    for n in 0..entries {
        cache.insert_with(n, n, InsertOptions::default().with_tag("gallery"));
    }
    bencher.bench_local(|| cache.invalidate_tag("gallery"));
}
