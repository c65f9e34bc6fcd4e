//! The time of the example: that of the runtime, which may be paused, from some hour of a Saturday on.

use std::time::Duration;

use garland::wedding::parse_instant;
use garland::{Clock, Timestamp};
use tokio::time::Instant;

/// The Saturday on which it all happens.
const MIDNIGHT: &str = "2026-06-20T00:00:00Z";

/// Begins at an hour of the Saturday, and goes on as the runtime's time does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saturday {
    begun: Instant,
    at: Duration,
}

impl Saturday {
    /// Begins so long after midnight.
    pub(crate) fn begin(at: Duration) -> Self {
        Self {
            begun: Instant::now(),
            at,
        }
    }

    /// Returns how long after midnight it is.
    pub(crate) fn time(self) -> Duration {
        self.at + self.begun.elapsed()
    }

    /// Waits until so long after midnight; not at all if that is over.
    pub(crate) async fn until(self, time: Duration) {
        tokio::time::sleep_until(self.begun + time.saturating_sub(self.at)).await;
    }
}

impl Clock for Saturday {
    fn now(&self) -> Timestamp {
        let midnight = parse_instant(MIDNIGHT).unwrap_or_default();
        midnight.saturating_add(self.time())
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

/// So many minutes after midnight.
pub(crate) const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// `13:45`, so long after midnight.
pub(crate) fn hour(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
