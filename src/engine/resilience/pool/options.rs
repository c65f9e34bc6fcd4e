//! How a pool is set up.

use std::sync::Arc;
use std::time::Duration;

use crate::connector::Platform;
use crate::telemetry::{Metrics, Telemetry};

use super::controller::Algorithm;

/// How many permits a pool has, and how their number is found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolOptions {
    /// The fewest permits, whatever happens. At least 1, the default.
    pub min: usize,
    /// The most permits. At least `min`. Default 4, or what [`for_platform`](Self::for_platform) reads.
    pub max: usize,
    /// What moves the number of permits between the two. Default [`Algorithm::Aimd`].
    pub algorithm: Algorithm,
    /// How many places in the line one level of [`Priority`](super::Priority) is worth
    /// ([`Permits::with_ageing`](super::Permits::with_ageing)); `None`: all, so that a lower level waits while there is a
    /// higher one. Default `None`.
    pub ageing: Option<u32>,
    /// How long an account is left in peace before it is probed. Default 1 min.
    pub probe_after: Duration,
    /// How long after a failed probe, or while the platform is down, the next probe comes. Default 5 s.
    pub probe_again: Duration,
    /// How long a probe may take. Default 10 s.
    pub probe_timeout: Duration,
    /// `None`: nothing was said, and a stack may decide.
    pub(crate) telemetry: Option<Telemetry>,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            min: 1,
            max: 4,
            algorithm: Algorithm::default(),
            ageing: None,
            probe_after: Duration::from_secs(60),
            probe_again: Duration::from_secs(5),
            probe_timeout: Duration::from_secs(10),
            telemetry: None,
        }
    }
}

impl PoolOptions {
    /// Reads [`max`](Self::max) from a platform's facts: its [`concurrency`](Platform::concurrency), but not
    /// more than its strictest published pace allows in a second, rounded up. Windows of more than a minute are
    /// quotas, no pace; of those only the number counts.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    /// use garland::connector::{AuthKind, Category, Platform, RateLimit};
    /// use garland::resilience::pool::PoolOptions;
    ///
    /// let facts = Platform::new("drive", "Drive", Category::Cloud, AuthKind::OAuth2).with_concurrency(8);
    /// assert_eq!(PoolOptions::for_platform(&facts).max, 8);
    ///
    /// const PACE: &[RateLimit] = &[RateLimit::new(300, Duration::from_secs(60)), RateLimit::new(10_000, Duration::from_secs(86_400))];
    /// assert_eq!(PoolOptions::for_platform(&facts.with_rate_limits(PACE)).max, 5);
    /// ```
    #[must_use]
    pub fn for_platform(platform: &Platform) -> Self {
        let paces = platform.rate_limits.iter().map(|limit| {
            let millis = u64::try_from(limit.per.as_millis()).unwrap_or(u64::MAX);
            let requests = u64::from(limit.requests);
            if (1_000..=60_000).contains(&millis) {
                requests.saturating_mul(1_000).div_ceil(millis)
            } else {
                requests
            }
        });
        let pace = paces.min().unwrap_or(u64::MAX);
        let pace = usize::try_from(pace).unwrap_or(usize::MAX);
        Self::default().with_max(platform.concurrency.min(pace))
    }

    /// Sets [`PoolOptions::min`].
    #[must_use]
    pub fn with_min(mut self, min: usize) -> Self {
        self.min = min.max(1);
        self
    }

    /// Sets [`PoolOptions::max`].
    #[must_use]
    pub fn with_max(mut self, max: usize) -> Self {
        self.max = max.max(1);
        self
    }

    /// Sets [`PoolOptions::algorithm`].
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Sets [`PoolOptions::ageing`].
    #[must_use]
    pub fn with_ageing(mut self, places: impl Into<Option<u32>>) -> Self {
        self.ageing = places.into();
        self
    }

    /// Sets [`PoolOptions::probe_after`].
    #[must_use]
    pub fn with_probe_after(mut self, idle: Duration) -> Self {
        self.probe_after = idle;
        self
    }

    /// Sets [`PoolOptions::probe_again`].
    #[must_use]
    pub fn with_probe_again(mut self, wait: Duration) -> Self {
        self.probe_again = wait;
        self
    }

    /// Sets [`PoolOptions::probe_timeout`].
    #[must_use]
    pub fn with_probe_timeout(mut self, timeout: Duration) -> Self {
        self.probe_timeout = timeout;
        self
    }

    /// Counts into `sink`. By default nothing is counted.
    #[must_use]
    pub fn with_metrics(mut self, sink: Arc<dyn Metrics>) -> Self {
        self.telemetry = Some(Telemetry::of(sink));
        self
    }
}
