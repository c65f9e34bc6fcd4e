//! How sessions are kept.

use std::sync::Arc;
use std::time::Duration;

use crate::telemetry::{Metrics, Telemetry};

/// How many sessions are kept, and for how long.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionOptions {
    /// The most sessions at once, in use and idle together. At least 1. Default 4.
    pub max: usize,
    /// How many idle sessions are kept ready while there is room, by
    /// [`maintain`](super::SessionPool::maintain). Default 0.
    pub min_idle: usize,
    /// How long to wait for a turn. Default 30 s.
    pub wait: Duration,
    /// How long opening a session may take. Default 30 s.
    pub connect_timeout: Duration,
    /// How long a session may lie idle and still be lent unseen. Default 15 s.
    pub validate_after: Duration,
    /// How long the validation of one session may take; when all that lie idle hang, whoever asks waits for each of them.
    /// Default 5 s.
    pub validate_timeout: Duration,
    /// How long a session may lie idle, if there are more than `min_idle`. Default 5 min.
    pub idle_timeout: Duration,
    /// How old a session may become; it is not lent again after that. Each is given up to a tenth less, so that those
    /// opened together do not all end together. Default 30 min.
    pub lifetime: Duration,
    /// After how long a session that is out counts as overdue, and is told. Default 10 min.
    pub overdue_after: Duration,
    /// How often [`maintain`](super::SessionPool::maintain) looks after the sessions. Default 30 s.
    pub maintain_every: Duration,
    pub(crate) telemetry: Telemetry,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            max: 4,
            min_idle: 0,
            wait: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(30),
            validate_after: Duration::from_secs(15),
            validate_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(300),
            lifetime: Duration::from_secs(1_800),
            overdue_after: Duration::from_secs(600),
            maintain_every: Duration::from_secs(30),
            telemetry: Telemetry::default(),
        }
    }
}

impl SessionOptions {
    /// Sets [`SessionOptions::max`].
    #[must_use]
    pub fn with_max(mut self, max: usize) -> Self {
        self.max = max.max(1);
        self
    }

    /// Sets [`SessionOptions::min_idle`].
    #[must_use]
    pub fn with_min_idle(mut self, idle: usize) -> Self {
        self.min_idle = idle;
        self
    }

    /// Sets [`SessionOptions::wait`].
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sets [`SessionOptions::connect_timeout`].
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets [`SessionOptions::validate_after`].
    #[must_use]
    pub fn with_validate_after(mut self, idle: Duration) -> Self {
        self.validate_after = idle;
        self
    }

    /// Sets [`SessionOptions::validate_timeout`].
    #[must_use]
    pub fn with_validate_timeout(mut self, timeout: Duration) -> Self {
        self.validate_timeout = timeout;
        self
    }

    /// Sets [`SessionOptions::idle_timeout`].
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets [`SessionOptions::lifetime`].
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets [`SessionOptions::overdue_after`].
    #[must_use]
    pub fn with_overdue_after(mut self, out: Duration) -> Self {
        self.overdue_after = out;
        self
    }

    /// Sets [`SessionOptions::maintain_every`].
    #[must_use]
    pub fn with_maintain_every(mut self, every: Duration) -> Self {
        self.maintain_every = every;
        self
    }

    /// Counts into `sink`. By default nothing is counted.
    #[must_use]
    pub fn with_metrics(mut self, sink: Arc<dyn Metrics>) -> Self {
        self.telemetry = Telemetry::of(sink);
        self
    }
}
