//! How subscriptions are served.

use std::time::Duration;

/// How [`LiveSections`](super::LiveSections) follow organizations and serve those who subscribe.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LiveOptions {
    /// How long to wait for a wake-up of the database before looking all the same, and before trying again after an
    /// error; also how soon a clock that was put forward or back is noticed. At least 1 millisecond. Default: 5 seconds.
    pub interval: Duration,
    /// The least time between two looks at one organization. The first change is told at once; those that follow
    /// within it are told together. Default: 10 milliseconds.
    pub pace: Duration,
    /// States of one organization that are kept, so that a cursor of one of them is answered with the difference and
    /// not with everything. Default: 64.
    pub kept: usize,
    /// How long a subscriber may not read before it is told, when there is something to tell, to resume from its
    /// cursor. Nothing: for ever. Default: 5 minutes.
    pub stall: Option<Duration>,
    /// How often the resolver is asked whether the actor may still watch, if nothing is told; before each update it is
    /// asked anyhow. Default: 1 minute.
    pub recheck: Duration,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            pace: Duration::from_millis(10),
            kept: 64,
            stall: Some(Duration::from_secs(300)),
            recheck: Duration::from_secs(60),
        }
    }
}

impl LiveOptions {
    /// Sets [`LiveOptions::interval`], at least 1 millisecond.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets [`LiveOptions::pace`].
    #[must_use]
    pub fn with_pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// Sets [`LiveOptions::kept`].
    #[must_use]
    pub fn with_kept(mut self, states: usize) -> Self {
        self.kept = states;
        self
    }

    /// Sets [`LiveOptions::stall`].
    #[must_use]
    pub fn with_stall(mut self, stall: Option<Duration>) -> Self {
        self.stall = stall;
        self
    }

    /// Sets [`LiveOptions::recheck`].
    #[must_use]
    pub fn with_recheck(mut self, recheck: Duration) -> Self {
        self.recheck = recheck;
        self
    }
}
