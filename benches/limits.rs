//! Cost of a check, by how many keys there are and how often each is seen. `scripts/peers limits` compares it with
//! another limiter.

use std::sync::Arc;
use std::time::Duration;

use divan::counter::ItemsCount;
use garland::SystemClock;
use garland::limits::{Limit, LimiterOptions, RateLimiter};

const CHECKS: u64 = 10_000;

fn main() {
    divan::main();
}

fn limiter(limits: &[(u32, u64)]) -> RateLimiter {
    let limits: Vec<Limit> = limits
        .iter()
        .map(|(max, seconds)| Limit::new(*max, Duration::from_secs(*seconds)).unwrap())
        .collect();
    let options = LimiterOptions::default().with_share(1_000_000);
    RateLimiter::new(&limits, options, Arc::new(SystemClock::new())).unwrap()
}

/// Spreads keys, so that neighbours in time are none in memory.
fn key(n: u64, keys: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % keys
}

/// Every key has passed at least once, and most checks are refused.
#[divan::bench(args = [1, 1_000, 1_000_000])]
fn one_limit(bencher: divan::Bencher<'_, '_>, keys: u64) {
    let limiter = limiter(&[(1, 3_600)]);
    check(bencher, &limiter, keys);
}

/// Keys that pass again and again.
#[divan::bench(args = [1, 1_000, 100_000])]
fn two_limits(bencher: divan::Bencher<'_, '_>, keys: u64) {
    let limiter = limiter(&[(100, 1), (1_000_000, 3_600)]);
    check(bencher, &limiter, keys);
}

fn check(bencher: divan::Bencher<'_, '_>, limiter: &RateLimiter, keys: u64) {
    for n in 0..keys {
        limiter.check("studio", &n);
    }
    let mut start = 0;
    bencher.counter(ItemsCount::new(CHECKS)).bench_local(|| {
        start += CHECKS;
        let passed = (start..start + CHECKS)
            .filter(|n| limiter.check("studio", &key(*n, keys)).allowed)
            .count();
        divan::black_box(passed)
    });
}
