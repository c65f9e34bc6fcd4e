//! Calendar days and instants as records write them.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};

const MILLIS: i64 = 86_400_000;

/// A day of the calendar, without a zone, as `YYYY-MM-DD`: years 0 to 9999.
///
/// # Example
///
/// ```
/// use garland::wedding::Day;
///
/// let day: Day = "2026-06-20".parse()?;
/// assert_eq!(day.plus(-30).to_string(), "2026-05-21");
/// assert!("2026-02-29".parse::<Day>().is_err());
/// assert!("2026-6-20".parse::<Day>().is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(i32);

impl Day {
    /// Returns the day so many days later, or earlier if negative.
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Returns the day of the local time that is `offset` seconds ahead of UTC at `at`.
    #[must_use]
    pub fn of(at: Timestamp, offset: i32) -> Self {
        let local = at
            .as_millis()
            .saturating_add(i64::from(offset).saturating_mul(1000));
        Self(
            i32::try_from(local.div_euclid(MILLIS)).unwrap_or(if local < 0 {
                i32::MIN
            } else {
                i32::MAX
            }),
        )
    }

    /// Returns the instant at which it would begin `offset` seconds ahead of UTC.
    #[must_use]
    pub fn midnight(self, offset: i32) -> Timestamp {
        Timestamp::from_millis(i64::from(self.0) * MILLIS - i64::from(offset) * 1000)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.midnight(0).to_string();
        f.write_str(text.split('T').next().unwrap_or_default())
    }
}

impl FromStr for Day {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let day = has_shape(text.as_bytes(), b"dddd-dd-dd")
            .then(|| parse_instant(&format!("{text}T00:00:00Z")));
        day.flatten()
            .map(|midnight| Self::of(midnight, 0))
            .ok_or_else(|| {
                let message = "this is no day of the calendar as `YYYY-MM-DD`";
                Error::new(ErrorKind::InvalidInput, "wedding.parse", message)
                    .with_context("found", text)
            })
    }
}

impl TryFrom<String> for Day {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

/// Reads an instant by [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339#section-5.6) with `Z` or a numeric offset, to
/// the millisecond, with upper-case `T` and `Z`. Nothing for anything else, as a day the calendar does not have, or a time without its offset.
///
/// # Example
///
/// ```
/// use garland::{Timestamp, wedding::parse_instant};
///
/// assert_eq!(parse_instant("1970-01-01T02:00:00.5+02:00"), Some(Timestamp::from_millis(500)));
/// assert_eq!(parse_instant("2026-06-20T10:00:00"), None);
/// assert_eq!(parse_instant("2026-02-30T10:00:00Z"), None);
/// assert_eq!(parse_instant("2026-06-20T00:00:00+24:00"), None);
/// assert!(parse_instant("9999-12-31T23:59:59Z").is_some());
/// ```
#[must_use]
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    let (local, rest) = text.split_at_checked(19)?;
    if !has_shape(local.as_bytes(), b"dddd-dd-ddTdd:dd:dd") {
        return None;
    }
    let zone = rest.strip_prefix('.').map_or(Some(rest), |fraction| {
        let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        (zone.len() < fraction.len()).then_some(zone)
    })?;
    let fraction = rest.strip_suffix(zone)?;
    let ahead = seconds_ahead(zone)?;
    // Finer than a nanosecond is finer than anything compared here.
    let fraction = fraction
        .split_at_checked(10)
        .map_or(fraction, |(nanos, _)| nanos);
    // A leap second would be taken for the second before it; the calendar here has none.
    if local.ends_with(":60") {
        return None;
    }
    let local: DateTime = format!("{local}{fraction}").parse().ok()?;
    let since = local.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    let millis = i64::try_from(since.as_nanos().div_euclid(1_000_000)).ok()?;
    Some(Timestamp::from_millis(
        millis.checked_sub(ahead.checked_mul(1000)?)?,
    ))
}

/// Seconds ahead of UTC: `Z`, or hours to 23 and minutes to 59.
fn seconds_ahead(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    if !has_shape(rest.as_bytes(), b"dd:dd") {
        return None;
    }
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Whether `text` looks like `shape`, where `d` stands for any digit.
fn has_shape(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.iter().zip(shape).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            _ => byte == wanted,
        })
}
