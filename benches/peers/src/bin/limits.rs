//! Garland's limiter beside `governor`'s keyed one, at a million keys: time a check and bytes a key.
//!
//! Both hold the same keys (an actor's number within an organization), allow the same number an hour, and read the
//! machine's clock. Rounds are interleaved, and the least time of each counts. Memory is what the allocator gave out.
//!   limits                a million keys, nine rounds
//!   limits --keys 100000  fewer

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use garland::SystemClock;
use garland::limits::{Limit, LimiterOptions, RateLimiter};
use garland_peers::measure::{figure, ratio};
use garland_peers::{Arguments, Result};
use governor::{DefaultKeyedRateLimiter, Quota};

/// The system's allocator, with the sum of what it gave out.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ORGANIZATION: u32 = 7;
const AN_HOUR: u32 = 1_000;
const CHECKS: u64 = 1_000_000;

fn main() -> Result<()> {
    let arguments = Arguments::of_process();
    let keys = u64::try_from(arguments.number("--keys", 1_000_000)?)?;
    let rounds = arguments.number("--rounds", 9)?;

    let before = HELD.load(Ordering::Relaxed);
    let ours = ours(keys)?;
    let first = fill(keys, |key| ours.check(&ORGANIZATION, &key).allowed);
    let held = HELD.load(Ordering::Relaxed);
    let theirs = theirs();
    let peers_first = fill(keys, |key| theirs.check_key(&(ORGANIZATION, key)).is_ok());
    let peers_held = HELD.load(Ordering::Relaxed);
    figure("limits-bytes-a-key", per(held - before, keys), "B");
    figure("limits-bytes-a-key-governor", per(peers_held - held, keys), "B");

    // A check of a key that has been seen, again and again: most of them once more each round.
    let (mut best, mut peers_best) = (Duration::MAX, Duration::MAX);
    for round in 0..u64::try_from(rounds)? {
        best = best.min(spread(round, keys, |key| ours.check(&ORGANIZATION, &key).allowed));
        peers_best = peers_best.min(spread(round, keys, |key| {
            theirs.check_key(&(ORGANIZATION, key)).is_ok()
        }));
    }
    figure("limits-first-check", nanos(first, keys), "ns");
    figure("limits-first-check-governor", nanos(peers_first, keys), "ns");
    figure("limits-check", nanos(best, CHECKS), "ns");
    figure("limits-check-governor", nanos(peers_best, CHECKS), "ns");
    ratio("limits-first-check", first.as_secs_f64() / peers_first.as_secs_f64());
    ratio("limits-check", best.as_secs_f64() / peers_best.as_secs_f64());
    Ok(())
}

fn ours(keys: u64) -> Result<RateLimiter> {
    let room = usize::try_from(keys)?;
    let options = LimiterOptions::default().with_max_keys(room).with_share(room);
    let limit = Limit::new(AN_HOUR, Duration::from_secs(3_600))?;
    let options = options.with_log_bytes(usize::MAX);
    Ok(RateLimiter::new(&[limit], options, Arc::new(SystemClock::new()))?)
}

fn theirs() -> DefaultKeyedRateLimiter<(u32, u64)> {
    DefaultKeyedRateLimiter::keyed(Quota::per_hour(
        NonZeroU32::new(AN_HOUR).unwrap_or(NonZeroU32::MIN),
    ))
}

/// Sees every key once.
fn fill(keys: u64, check: impl Fn(u64) -> bool) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    let begun = Instant::now();
    for key in 0..keys {
        black_box(check(key));
    }
    begun.elapsed()
}

/// Sees keys in an order that no cache foresees.
fn spread(round: u64, keys: u64, check: impl Fn(u64) -> bool) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    let begun = Instant::now();
    for n in 0..CHECKS {
        let mixed = (round * CHECKS + n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        black_box(check((mixed >> 20) % keys));
    }
    begun.elapsed()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn per(bytes: usize, keys: u64) -> f64 {
    bytes as f64 / keys as f64
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn nanos(time: Duration, checks: u64) -> f64 {
    time.as_secs_f64() * 1e9 / checks as f64
}
