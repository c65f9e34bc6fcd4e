//! What is allowed, and how much may be remembered.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// So many in any window of such a length.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use garland::limits::Limit;
///
/// let hourly = Limit::new(1_000, Duration::from_secs(3_600))?;
/// assert_eq!(hourly.max(), 1_000);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limit {
    max: u32,
    window: Duration,
}

impl Limit {
    /// The most that a limit may allow in its window; every one of them is remembered.
    pub const MOST: u32 = 1_000_000;

    /// The longest window: 366 days.
    pub const LONGEST: Duration = Duration::from_secs(366 * 86_400);

    /// Allows `max` in any window of length `window`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: `max` is not from 1 to [`MOST`](Self::MOST), or `window` is zero
    /// or longer than [`LONGEST`](Self::LONGEST).
    pub fn new(max: u32, window: Duration) -> Result<Self> {
        let fits = (1..=Self::MOST).contains(&max) && !window.is_zero() && window <= Self::LONGEST;
        if fits {
            return Ok(Self { max, window });
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "limit.new",
            "a limit allows 1 to 1,000,000 in a window of up to 366 days",
        )
        .with_context("max", max)
        .with_context("window", format!("{window:?}")))
    }

    /// Returns how many are allowed.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.max
    }

    /// Returns the length of the window.
    #[must_use]
    pub fn window(&self) -> Duration {
        self.window
    }
}

/// How much a [`RateLimiter`](super::RateLimiter) may remember.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LimiterOptions {
    /// The most keys that are counted at a time. Default 1,000,000, at least 1.
    pub max_keys: usize,
    /// The most keys of one scope that are counted at a time, so that one tenant cannot take the
    /// room of all. Default: a quarter of [`max_keys`](Self::max_keys).
    pub share: Option<usize>,
    /// The most bytes spent on keys that were seen more than once within their window, beside the
    /// table itself. Default 256 MiB.
    pub log_bytes: usize,
}

impl Default for LimiterOptions {
    fn default() -> Self {
        Self {
            max_keys: 1_000_000,
            share: None,
            log_bytes: 256 << 20,
        }
    }
}

impl LimiterOptions {
    /// Sets [`LimiterOptions::max_keys`].
    #[must_use]
    pub fn with_max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys.max(1);
        self
    }

    /// Sets [`LimiterOptions::share`].
    #[must_use]
    pub fn with_share(mut self, keys: usize) -> Self {
        self.share = Some(keys.max(1));
        self
    }

    /// Sets [`LimiterOptions::log_bytes`].
    #[must_use]
    pub fn with_log_bytes(mut self, bytes: usize) -> Self {
        self.log_bytes = bytes;
        self
    }

    pub(super) fn share_of_scope(&self) -> usize {
        let quarter = self.max_keys.div_ceil(4);
        self.share.unwrap_or(quarter).min(self.max_keys)
    }
}
