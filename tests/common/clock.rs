//! A clock that stands still until it is moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use garland::{Clock, Timestamp};

/// When it begins.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Milliseconds since [`START`], shared by its clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct SetClock(pub(crate) Arc<AtomicU64>);

impl SetClock {
    pub(crate) fn forward(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        START.saturating_add(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}
