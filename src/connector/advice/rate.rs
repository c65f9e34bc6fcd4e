//! Headers about rates, in the forms that platforms use.

use std::time::Duration;

use super::super::facts::RateLimit;
use super::fields::members;
use super::moment::{LONGEST, retry_after, server_now};
use crate::clock::Timestamp;

/// From this number on a reset is a moment in seconds since 1970, not a wait: 31 years.
const MOMENT: u64 = 1_000_000_000;

/// From this number on it is a moment in milliseconds.
const MOMENT_MILLIS: u64 = 100_000_000_000;

/// What an answer says about how fast to go on.
///
/// Read are `Retry-After` ([RFC 9110]), `RateLimit` and `RateLimit-Policy` in the forms of the
/// [IETF draft] and its earlier ones (`RateLimit-Remaining` …), and the `X-RateLimit-*` and
/// `X-Rate-Limit-*` that many platforms have of their own. Dates and moments are counted from the
/// `Date` of the same answer, so that a wrong clock on either side does no harm.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use garland::{Timestamp, resilience::RateAdvice};
///
/// let now = Timestamp::from_millis(1_750_000_000_000);
/// let headers = [("RateLimit", r#""burst";r=0;t=7, "daily";r=812;t=3600"#)];
/// let advice = RateAdvice::from_headers(headers, now);
/// assert_eq!(advice.remaining, Some(0));
/// assert_eq!(advice.wait(), Some(Duration::from_secs(7)));
/// ```
///
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
/// [IETF draft]: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RateAdvice {
    /// How long the server asks to be left alone, at most a day.
    pub retry_after: Option<Duration>,
    /// How many requests are left in the window that has the fewest.
    pub remaining: Option<u64>,
    /// How long until that window is full again, at most a day.
    pub reset: Option<Duration>,
    /// The limits that the server says it goes by, up to 16.
    pub limits: Vec<RateLimit>,
}

impl RateAdvice {
    /// Reads names and values of headers, in any order and case. What cannot be read is passed over.
    /// `now` is the time of the answer by our own clock.
    #[must_use]
    pub fn from_headers<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        now: Timestamp,
    ) -> Self {
        let headers: Vec<(String, &str)> = headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
            .collect();
        let all = |wanted: &'static str| {
            let named = headers.iter().filter(move |(name, _)| name == wanted);
            named.map(|(_, value)| *value)
        };
        let date = all("date").next();
        let mut advice = Self {
            retry_after: all("retry-after")
                .filter_map(|text| retry_after(text, date, now))
                .max(),
            ..Self::default()
        };
        for member in all("ratelimit").flat_map(members) {
            // The present form: `"name";r=5;t=10`.
            if let Some(remaining) = member.number("r") {
                advice.note(remaining, member.number("t").map(Duration::from_secs));
            }
        }
        for text in all("ratelimit") {
            // An earlier form: `limit=10, remaining=5, reset=10`.
            let value = |name: &str| {
                let mut members = members(text);
                members.find_map(|member| {
                    let (own, value) = member.bare.split_once('=')?;
                    let is_it = own.trim().eq_ignore_ascii_case(name);
                    is_it.then(|| value.trim().parse().ok()).flatten()
                })
            };
            if let Some(remaining) = value("remaining") {
                advice.note(remaining, value("reset").map(Duration::from_secs));
            }
        }
        for member in all("ratelimit-policy").flat_map(members) {
            let quota = member.number("q").or_else(|| member.bare.parse().ok());
            advice.promise(quota, member.number("w"));
        }
        let server = server_now(date, now);
        for [remaining, reset] in [
            ["ratelimit-remaining", "ratelimit-reset"],
            ["x-ratelimit-remaining", "x-ratelimit-reset"],
            ["x-rate-limit-remaining", "x-rate-limit-reset"],
        ] {
            let number = |name| all(name).find_map(|text| text.parse::<u64>().ok());
            if let Some(remaining) = number(remaining) {
                advice.note(remaining, number(reset).map(|reset| until(reset, server)));
            }
        }
        advice
    }

    /// Returns how long not to ask: what the server asks for, or, if nothing is left, the time until
    /// there is. A wait of nothing, as a date that has passed, is no advice.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        let empty = self.reset.filter(|_| self.remaining == Some(0));
        let asked = self.retry_after.filter(|wait| !wait.is_zero());
        asked.or(empty)
    }

    /// Takes in a window: the one with the fewest left counts, and of two such the longer.
    fn note(&mut self, remaining: u64, reset: Option<Duration>) {
        let reset = reset.map(|reset| reset.min(LONGEST));
        match self.remaining {
            Some(fewest) if fewest < remaining => {}
            Some(fewest) if fewest == remaining => self.reset = self.reset.max(reset),
            _ => (self.remaining, self.reset) = (Some(remaining), reset),
        }
    }

    fn promise(&mut self, quota: Option<u64>, window: Option<u64>) {
        let requests = quota.and_then(|quota| u32::try_from(quota).ok());
        let window = window.filter(|window| *window > 0);
        if let (Some(requests), Some(window)) = (requests, window)
            && self.limits.len() < 16
        {
            let limit = RateLimit::new(requests, Duration::from_secs(window));
            self.limits.push(limit);
        }
    }
}

/// How long until a reset that is told as seconds from now, or as a moment by the server's clock.
fn until(reset: u64, server: Timestamp) -> Duration {
    let millis = match reset {
        MOMENT_MILLIS.. => reset,
        MOMENT.. => reset.saturating_mul(1000),
        _ => return Duration::from_secs(reset),
    };
    let moment = Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
    moment.saturating_since(server)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(784_111_777_000);
    const DATE: (&str, &str) = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn every_form_of_the_same_advice_is_read_alike() {
        let forms: [&[(&str, &str)]; 6] = [
            &[("RateLimit", r#""default";r=0;t=30"#)],
            &[("RateLimit", "limit=100, remaining=0, reset=30")],
            &[("RateLimit-Remaining", "0"), ("RateLimit-Reset", "30")],
            &[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "30")],
            &[
                DATE,
                ("x-ratelimit-reset", "784111807000"),
                ("x-ratelimit-remaining", "0"),
            ],
            &[
                ("x-rate-limit-remaining", "0"),
                ("x-rate-limit-reset", " 30 "),
            ],
        ];
        for form in forms {
            let advice = RateAdvice::from_headers(form.iter().copied(), NOW);
            assert_eq!(
                (advice.remaining, advice.wait()),
                (Some(0), Some(s(30))),
                "{form:?}"
            );
        }
    }

    #[test]
    fn a_moment_is_counted_by_the_clock_of_the_server() {
        let ours = Timestamp::from_millis(1_750_000_000_000);
        let wrong = ("date", "Tue, 14 Nov 2023 22:13:20 GMT");
        let headers = [
            wrong,
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1700000042"),
        ];
        assert_eq!(RateAdvice::from_headers(headers, ours).wait(), Some(s(42)));
    }

    #[test]
    fn the_window_with_the_fewest_left_counts() {
        let text = r#""second";r=3;t=1, "day";r=0;t=4000, "hour";r=0;t=90"#;
        let advice = RateAdvice::from_headers([("ratelimit", text)], NOW);
        assert_eq!((advice.remaining, advice.reset), (Some(0), Some(s(4000))));
        let advice = RateAdvice::from_headers([("ratelimit", r#""a";r=3;t=1"#)], NOW);
        assert_eq!(advice.wait(), None, "something is left");
        let asked = [("ratelimit", text), ("retry-after", "5")];
        assert_eq!(RateAdvice::from_headers(asked, NOW).wait(), Some(s(5)));
    }

    #[test]
    fn a_wait_of_nothing_hides_no_window_that_is_empty() {
        for nothing in ["0", "Sun, 06 Nov 1994 08:49:30 GMT"] {
            let asked = [DATE, ("retry-after", nothing)];
            assert_eq!(RateAdvice::from_headers(asked, NOW).wait(), None);
            let empty = [("ratelimit-remaining", "0"), ("ratelimit-reset", "30")];
            let headers = asked.into_iter().chain(empty);
            assert_eq!(RateAdvice::from_headers(headers, NOW).wait(), Some(s(30)));
        }
    }

    #[test]
    fn of_two_waits_the_longer_is_kept() {
        let headers = [
            ("retry-after", "5"),
            ("Retry-After", "9"),
            ("retry-after", "x"),
        ];
        assert_eq!(RateAdvice::from_headers(headers, NOW).wait(), Some(s(9)));
    }

    #[test]
    fn policies_are_limits() {
        for text in [
            r#""burst";q=100;w=60, "day";q=5000;w=86400"#,
            "100;w=60, 5000;w=86400;burst=9",
        ] {
            let advice = RateAdvice::from_headers([("RateLimit-Policy", text)], NOW);
            let limits = vec![RateLimit::new(100, s(60)), RateLimit::new(5000, s(86_400))];
            assert_eq!(advice.limits, limits);
        }
    }

    #[test]
    fn what_is_no_advice_is_none() {
        let headers = [
            ("ratelimit", "r=;t=,,;\"\u{e9}"),
            ("ratelimit-policy", "\"x\";q=5;w=0, -1;w=9, 5"),
            ("x-ratelimit-remaining", "many"),
            ("retry-after", "soon"),
        ];
        assert_eq!(
            RateAdvice::from_headers(headers, NOW),
            RateAdvice::default()
        );
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_and_no_wait_longer_than_a_day(
            name in prop::sample::select(vec![
                "date", "retry-after", "ratelimit", "ratelimit-policy", "x-ratelimit-reset",
                "x-ratelimit-remaining", "ratelimit-reset", "ratelimit-remaining",
            ]),
            text in "[\\PC]{0,40}|[0-9]{0,25}|\"[a-z\\\\\"]{0,5}\";[rtqw]=[0-9]{0,22}",
        ) {
            let headers = [(name, text.as_str()), ("x-ratelimit-remaining", "0"), ("ratelimit-remaining", "0")];
            let advice = RateAdvice::from_headers(headers, NOW);
            prop_assert!(advice.wait().unwrap_or_default() <= LONGEST);
            prop_assert!(advice.limits.len() <= 16);
        }
    }
}
