//! The cache on paused time: what it keeps, what it loads, what it forgets, and what it does on bad days.

mod bounds;
mod compression;
mod contention;
mod invalidation;
mod loads;
mod metadata;
mod model;
mod stale;
mod times;

use std::sync::Arc;

use garland::Timestamp;
use garland::cache::{Cache, CacheBuilder};
use garland::testing::PausedClock;

/// A cache by the time of the test, of a hundred entries in one part.
fn paused() -> CacheBuilder<String, u64> {
    let clock = PausedClock::starting(Timestamp::from_millis(0));
    Cache::builder(100).shards(1).clock(Arc::new(clock))
}
