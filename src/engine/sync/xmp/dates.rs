//! Dates as XMP writes them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

/// A moment that can be compared: in UTC, or taken to be where no zone is given.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Moment(Timestamp);

impl Moment {
    /// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD` and `YYYY-MM-DDThh:mm`, with seconds, a fraction and a
    /// zone or without ([ISO 8601 as in XMP, part 1, 8.2.1.2][xmp]).
    ///
    /// [xmp]: https://github.com/adobe/XMP-Toolkit-SDK/blob/main/docs/XMPSpecificationPart1.pdf
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Some(Self(moment));
        }
        let day = match text.len() {
            4 => text
                .parse()
                .ok()
                .and_then(|year| Date::new(year, 1, 1).ok()),
            7 => format!("{text}-01").parse().ok(),
            _ => None,
        };
        let civil = match day {
            Some(day) => day.to_datetime(jiff::civil::Time::midnight()),
            None => text.parse::<DateTime>().ok()?,
        };
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_compared_as_a_moment() {
        let ascending = [
            "2024",
            "2025-03",
            "2025-03-02",
            "2025-06-14T17:30:00+02:00",
            "2025-06-14T15:30:00.5Z",
            "2025-06-14T15:31",
            "2025-06-14T15:30-01:00",
        ];
        let moments = ascending.map(|text| Moment::parse(text).expect(text));
        assert!(moments.is_sorted(), "{moments:?}");
        for text in ["", "yesterday", "2025-13", "2025-02-30"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
