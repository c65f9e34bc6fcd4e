//! Time, which always comes in by argument.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// A moment in UTC, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Prints as RFC 3339 with milliseconds and serializes as the number.
///
/// # Example
///
/// ```
/// use garland::Timestamp;
///
/// let moment = Timestamp::from_millis(1_750_000_000_000);
/// assert_eq!(moment.to_string(), "2025-06-15T15:06:40.000Z");
/// ```
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a timestamp from milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the moment `by` later, saturating at the end of the range.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns the time from `earlier` to this moment, zero when it is not earlier.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        let millis = i128::from(self.0) - i128::from(earlier.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    /// Formats as `YYYYMMDDTHHMMSSZ`, or `None` outside the years 0 to 9999.
    #[must_use]
    pub fn to_compact(self) -> Option<String> {
        self.strftime("%Y%m%dT%H%M%SZ")
    }

    fn strftime(self, format: &str) -> Option<String> {
        let moment = jiff::Timestamp::from_millisecond(self.0).ok()?;
        let year = moment.to_zoned(jiff::tz::TimeZone::UTC).year();
        (0..=9999)
            .contains(&year)
            .then(|| moment.strftime(format).to_string())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.strftime("%Y-%m-%dT%H:%M:%S.%3fZ") {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} ms", self.0),
        }
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = Error;

    /// Rounds down to the millisecond.
    fn try_from(time: SystemTime) -> Result<Self, Error> {
        let millis = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).ok(),
            Err(before) => {
                let nanos = before.duration().as_nanos();
                i64::try_from(nanos.div_ceil(1_000_000))
                    .ok()
                    .map(|millis| -millis)
            }
        };
        millis.map(Self).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                "timestamp.from",
                "time is out of range",
            )
        })
    }
}

impl From<Timestamp> for SystemTime {
    /// Saturates at the epoch where the system cannot hold the moment.
    fn from(moment: Timestamp) -> Self {
        let distance = Duration::from_millis(moment.0.unsigned_abs());
        let shifted = if moment.0 < 0 {
            Self::UNIX_EPOCH.checked_sub(distance)
        } else {
            Self::UNIX_EPOCH.checked_add(distance)
        };
        shifted.unwrap_or(Self::UNIX_EPOCH)
    }
}

/// Where time comes from, so that a test can replay a day in milliseconds.
///
/// # Example
///
/// ```
/// use garland::{Clock, SystemClock};
///
/// let clock = SystemClock::new();
/// assert!(clock.now().as_millis() > 1_700_000_000_000);
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns wall-clock time, for records and signatures. It may jump.
    fn now(&self) -> Timestamp;
    /// Returns the time since a fixed start; never goes back. For intervals and rates.
    fn elapsed(&self) -> Duration;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Makes a clock whose [`elapsed`](Clock::elapsed) starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
    fn now(&self) -> Timestamp {
        Timestamp::try_from(SystemTime::now()).unwrap_or_default()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_round_down() {
        let time = SystemTime::UNIX_EPOCH - Duration::from_micros(1_500);
        assert_eq!(
            Timestamp::try_from(time).unwrap(),
            Timestamp::from_millis(-2)
        );
    }

    #[test]
    fn compact_form_is_utc_seconds() {
        assert_eq!(
            Timestamp::from_millis(5_999).to_compact().unwrap(),
            "19700101T000005Z"
        );
        assert_eq!(Timestamp::from_millis(i64::MAX).to_compact(), None);
    }
}
