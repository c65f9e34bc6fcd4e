//! A clock that a test moves.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock::{Clock, Timestamp};

/// Time as tokio has it: with `start_paused`, it stands still while anything can run, and jumps to
/// the next timer when nothing can.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use garland::{Clock, Timestamp, testing::PausedClock};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let clock = PausedClock::starting(Timestamp::from_millis(0));
/// tokio::time::sleep(Duration::from_secs(3600)).await;
/// assert_eq!(clock.now().to_string(), "1970-01-01T01:00:00.000Z");
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PausedClock {
    start: Instant,
    at: Timestamp,
}

impl PausedClock {
    /// Makes a clock that shows `at` now. To be called inside a runtime.
    #[must_use]
    pub fn starting(at: Timestamp) -> Self {
        Self {
            start: Instant::now(),
            at,
        }
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        self.at.saturating_add(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}
