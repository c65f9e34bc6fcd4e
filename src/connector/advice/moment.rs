//! How long a server asks to be left alone.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

use crate::clock::Timestamp;

/// The longest wait that is believed.
pub(super) const LONGEST: Duration = Duration::from_secs(86_400);

/// The forms of a date that only old servers send ([RFC 9110 §5.6.7]).
///
/// [RFC 9110 §5.6.7]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
const OLD_FORMS: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Reads [`Retry-After`](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3): seconds, or a date.
///
/// A date is counted from the `Date` of the same answer, where it has one, because a server that
/// goes wrong goes wrong in both; otherwise from `now`.
pub(crate) fn retry_after(text: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that do not fit are a very long time.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        http_date(text)?.saturating_since(server_now(date, now))
    };
    Some(wait.min(LONGEST))
}

/// The moment by the server's own clock.
pub(super) fn server_now(date: Option<&str>, now: Timestamp) -> Timestamp {
    date.and_then(http_date).unwrap_or(now)
}

/// Reads a date in any of the forms of HTTP.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let moment = match rfc2822::parse(text) {
        Ok(date) => date.timestamp(),
        Err(_) => OLD_FORMS
            .iter()
            .find_map(|form| strtime::parse(form, text).ok()?.to_datetime().ok())
            .and_then(|date: DateTime| date.to_zoned(TimeZone::UTC).ok())?
            .timestamp(),
    };
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(784_111_777_000);

    fn seconds(text: &str) -> Option<u64> {
        retry_after(text, None, NOW).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_and_never_more_than_a_day() {
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:48:37 GMT"), Some(0));
        assert_eq!(seconds("Fri, 31 Dec 2100 23:59:59 GMT"), Some(86_400));
        assert_eq!(seconds("99999999999999999999999"), Some(86_400));
        for text in ["", "-1", "1.5", "soon", "Sun, 06 Nov"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn the_old_forms_of_a_date_are_read() {
        assert_eq!(seconds("Sunday, 06-Nov-94 08:50:37 GMT"), Some(60));
        assert_eq!(seconds("Sun Nov  6 08:50:37 1994"), Some(60));
    }

    #[test]
    fn a_date_is_counted_by_the_clock_it_was_written_by() {
        let wrong = Some("Sat, 06 Nov 2004 08:49:37 GMT");
        let wait = retry_after("Sat, 06 Nov 2004 08:51:37 GMT", wrong, NOW);
        assert_eq!(wait, Some(Duration::from_secs(120)));
        let wait = retry_after("Sun, 06 Nov 1994 08:50:37 GMT", Some("no date"), NOW);
        assert_eq!(wait, Some(Duration::from_secs(60)));
    }
}
