//! The time of the example: that of the runtime, which may be paused, from a Saturday's first second on.

use std::time::Duration;

use garland::wedding::parse_instant;
use garland::{Clock, Timestamp};
use tokio::time::Instant;

/// The Saturday on which it all happens.
pub(crate) const MIDNIGHT: &str = "2026-06-20T00:00:00Z";

/// Begins at midnight of the Saturday, and goes on as the runtime's time does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saturday(Instant);

impl Saturday {
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Waits until so long after midnight.
    pub(crate) async fn until(self, time: Duration) {
        tokio::time::sleep_until(self.0 + time).await;
    }
}

impl Clock for Saturday {
    fn now(&self) -> Timestamp {
        let midnight = parse_instant(MIDNIGHT).unwrap_or_default();
        midnight.saturating_add(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// `13:45`, so long after midnight.
pub(crate) fn hour(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
