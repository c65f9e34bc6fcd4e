//! Garland's limiter beside `governor`'s keyed one, at a million keys: time a check and bytes a key.
//!
//! Both hold the same keys (an actor's number within an organization), allow the same number an hour (one, then a
//! thousand), and read the machine's clock. Rounds are interleaved, and the least time of each counts. Memory is what
//! the process holds more than before (Linux).
//!   limits                a million keys, nine rounds
//!   limits --keys 100000  fewer

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use garland::SystemClock;
use garland::limits::{Limit, LimiterOptions, RateLimiter};
use garland_peers::measure::{figure, ratio};
use garland_peers::{Arguments, Result};
use governor::{DefaultKeyedRateLimiter, Quota};

const ORGANIZATION: u32 = 7;
const CHECKS: u64 = 1_000_000;

fn main() -> Result<()> {
    let arguments = Arguments::of_process();
    let keys = u64::try_from(arguments.number("--keys", 1_000_000)?)?;
    let rounds = u64::try_from(arguments.number("--rounds", 9)?)?;
    // Each key has passed once, and is refused from then on: the state in which memory is counted.
    compare("", keys, rounds, 1)?;
    // Each key passes again and again, and more is remembered of it with each round.
    compare("-busy", keys, rounds, 1_000)
}

/// Compares the first check of every key, and those that follow in an order that no cache foresees.
fn compare(name: &str, keys: u64, rounds: u64, an_hour: u32) -> Result<()> {
    let before = resident()?;
    let ours = ours(keys, an_hour)?;
    let first = fill(keys, |key| ours.check(&ORGANIZATION, &key).allowed);
    let held = resident()?;
    let theirs = theirs(an_hour);
    let peers_first = fill(keys, |key| theirs.check_key(&(ORGANIZATION, key)).is_ok());
    let peers_held = resident()?;

    let (mut best, mut peers_best) = (Duration::MAX, Duration::MAX);
    for round in 0..rounds {
        best = best.min(spread(round, keys, |key| {
            ours.check(&ORGANIZATION, &key).allowed
        }));
        peers_best = peers_best.min(spread(round, keys, |key| {
            theirs.check_key(&(ORGANIZATION, key)).is_ok()
        }));
    }
    let end = resident()?;
    figure(
        &format!("limits{name}-bytes-a-key"),
        per(held.saturating_sub(before), keys),
        "B",
    );
    figure(
        &format!("limits{name}-bytes-a-key-governor"),
        per(peers_held.saturating_sub(held), keys),
        "B",
    );
    figure(
        &format!("limits{name}-bytes-a-key-at-the-end"),
        per(
            end.saturating_sub(peers_held) + held.saturating_sub(before),
            keys,
        ),
        "B",
    );
    figure(
        &format!("limits{name}-first-check"),
        nanos(first, keys),
        "ns",
    );
    figure(
        &format!("limits{name}-first-check-governor"),
        nanos(peers_first, keys),
        "ns",
    );
    figure(&format!("limits{name}-check"), nanos(best, CHECKS), "ns");
    figure(
        &format!("limits{name}-check-governor"),
        nanos(peers_best, CHECKS),
        "ns",
    );
    ratio(
        &format!("limits{name}-first-check"),
        first.as_secs_f64() / peers_first.as_secs_f64(),
    );
    ratio(
        &format!("limits{name}-check"),
        best.as_secs_f64() / peers_best.as_secs_f64(),
    );
    Ok(())
}

fn ours(keys: u64, an_hour: u32) -> Result<RateLimiter> {
    let room = usize::try_from(keys)?;
    let options = LimiterOptions::default()
        .with_max_keys(room)
        .with_share(room);
    let limit = Limit::new(an_hour, Duration::from_secs(3_600))?;
    let options = options.with_log_bytes(usize::MAX);
    Ok(RateLimiter::new(
        &[limit],
        options,
        Arc::new(SystemClock::new()),
    )?)
}

fn theirs(an_hour: u32) -> DefaultKeyedRateLimiter<(u32, u64)> {
    DefaultKeyedRateLimiter::keyed(Quota::per_hour(
        NonZeroU32::new(an_hour).unwrap_or(NonZeroU32::MIN),
    ))
}

/// How many bytes of memory the process holds.
fn resident() -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .ok_or("no VmRSS")?;
    Ok(number.parse::<usize>()? << 10)
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
