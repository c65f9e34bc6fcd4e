//! Times as the clocks of a place show them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::wedding::{Day, Zones};

const MINUTE: i64 = 60_000;

/// A day of the week.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a week has seven days")]
pub enum Weekday {
    /// The first day, as [ISO 8601](https://www.iso.org/iso-8601-date-and-time-format.html) counts.
    Monday,
    /// The second day.
    Tuesday,
    /// The third day.
    Wednesday,
    /// The fourth day.
    Thursday,
    /// The fifth day.
    Friday,
    /// The sixth day.
    Saturday,
    /// The last day.
    Sunday,
}

/// A time of the day to the minute, as a clock on the wall shows it: `HH:MM`, 00:00 to 23:59.
///
/// # Example
///
/// ```
/// use garland::bandwidth::LocalTime;
///
/// let time: LocalTime = "08:30".parse()?;
/// assert_eq!(time, LocalTime::new(8, 30)?);
/// assert!("24:00".parse::<LocalTime>().is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalTime {
    minutes: u16,
}

impl LocalTime {
    /// Makes a time of hours 0 to 23 and minutes 0 to 59.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: there is no such time.
    pub fn new(hour: u8, minute: u8) -> Result<Self> {
        if hour > 23 || minute > 59 {
            return Err(no_time(&format!("{hour}:{minute}")));
        }
        let minutes = u16::from(hour) * 60 + u16::from(minute);
        Ok(Self { minutes })
    }

    /// Minutes since 00:00.
    pub(super) fn minutes(self) -> u16 {
        self.minutes
    }

    /// Returns the instant at which the clocks of `zone` show this time on `day`, the first if they do so twice, and that
    /// at which they are put forward if they skip it; nothing if there is no such zone.
    pub(super) fn instant(self, zones: &dyn Zones, zone: &str, day: Day) -> Option<Timestamp> {
        let shown = day.midnight(0).as_millis() + i64::from(self.minutes) * MINUTE;
        // From before the day begins anywhere, through each stretch between two changes of the clocks.
        let mut from = day.plus(-1).midnight(86_400);
        loop {
            let offset = zones.offset(zone, from)?;
            let at = Timestamp::from_millis(shown - i64::from(offset.seconds) * 1_000).max(from);
            match offset.until {
                Some(until) if until <= at && until > from => from = until,
                _ => return Some(at),
            }
        }
    }
}

fn no_time(text: &str) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        "bandwidth.parse",
        "this is no time of the day as `HH:MM`",
    )
    .with_context("found", text)
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl FromStr for LocalTime {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits = |part: &str| {
            let two = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            two.then(|| part.parse().ok()).flatten()
        };
        let parts = text
            .split_once(':')
            .and_then(|(hour, minute)| digits(hour).zip(digits(minute)));
        let (hour, minute) = parts.ok_or_else(|| no_time(text))?;
        Self::new(hour, minute)
    }
}

impl TryFrom<String> for LocalTime {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<LocalTime> for String {
    fn from(time: LocalTime) -> Self {
        time.to_string()
    }
}
