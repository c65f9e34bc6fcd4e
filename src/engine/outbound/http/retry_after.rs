//! How long a server asks to be left alone.

use std::time::Duration;

use crate::clock::Timestamp;

/// The longest wait that is believed.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Reads [`Retry-After`](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3): seconds, or a date.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that do not fit are a very long time.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Timestamp::from_millis(date.as_millisecond()).saturating_since(now)
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date_and_never_more_than_a_day() {
        let now = Timestamp::from_millis(784_111_777_000);
        let seconds = |text| retry_after(text, now).map(|wait| wait.as_secs());
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
}
