//! A clock that does what a test says, jumps included.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use garland::limits::{Limit, LimiterOptions, RateLimiter};
use garland::{Clock, Timestamp};

#[derive(Debug, Default)]
pub(crate) struct HandClock {
    wall: AtomicI64,
    elapsed: AtomicU64,
}

impl HandClock {
    /// Lets time pass as it should.
    pub(crate) fn pass(&self, time: Duration) {
        self.wall
            .fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
        let nanos = u64::try_from(time.as_nanos()).unwrap();
        self.elapsed.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Sets the wall clock, as somebody who corrects it.
    pub(crate) fn set_wall(&self, millis: i64) {
        self.wall.store(millis, Ordering::Relaxed);
    }

    /// Breaks the promise that elapsed time never goes back.
    pub(crate) fn set_elapsed(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap();
        self.elapsed.store(nanos, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed.load(Ordering::Relaxed))
    }
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A limiter of `(max, window in milliseconds)` pairs, and the clock it goes by.
pub(crate) fn limiter(limits: &[(u32, u64)]) -> (RateLimiter, Arc<HandClock>) {
    limiter_with(limits, LimiterOptions::default())
}

pub(crate) fn limiter_with(
    limits: &[(u32, u64)],
    options: LimiterOptions,
) -> (RateLimiter, Arc<HandClock>) {
    let clock = Arc::new(HandClock::default());
    let limits: Vec<Limit> = limits
        .iter()
        .map(|(max, window)| Limit::new(*max, millis(*window)).unwrap())
        .collect();
    let own: Arc<dyn Clock> = Arc::<HandClock>::clone(&clock);
    (RateLimiter::new(&limits, options, own).unwrap(), clock)
}
