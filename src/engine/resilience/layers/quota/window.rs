//! Windows over what was granted, with time by argument.
//!
//! A window of a small limit remembers every grant. One of a large limit counts by buckets, and the
//! oldest bucket counts whole: it is never above the limit in any window, and at most a sixteenth of
//! the window below it, in 17 counters whatever the limit.

use std::collections::VecDeque;
use std::time::Duration;

use crate::connector::RateLimit;

/// Up to this many grants are remembered one by one.
const EXACT: u32 = 64;

/// Into how many buckets a window is cut.
const BUCKETS: u32 = 16;

/// All windows of one account.
#[derive(Debug)]
pub(super) struct Windows(Vec<Window>);

impl Windows {
    /// Windows for some limits, each longer by `slack`.
    pub(super) fn new(limits: &[RateLimit], slack: Duration) -> Self {
        Self(
            limits
                .iter()
                .map(|limit| Window::new(*limit, slack))
                .collect(),
        )
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long until a grant fits into all windows; zero if it fits now, [`Duration::MAX`] if never.
    pub(super) fn wait(&mut self, now: Duration) -> Duration {
        let waits = self.0.iter_mut().map(|window| window.wait(now));
        waits.max().unwrap_or(Duration::ZERO)
    }

    /// Grants one request in all windows at once, or in none and tells when to ask again;
    /// [`Duration::MAX`] if never. `now` never goes back.
    pub(super) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let wait = self.wait(now);
        if !wait.is_zero() {
            return Err(wait);
        }
        for window in &mut self.0 {
            window.grant(now);
        }
        Ok(())
    }
}

#[derive(Debug)]
enum Window {
    /// When each grant was made, the oldest first.
    Exact {
        most: usize,
        length: Duration,
        grants: VecDeque<Duration>,
    },
    /// How many grants fell into each bucket, the oldest first, `(number, count)`.
    Buckets {
        most: u64,
        bucket: Duration,
        counts: VecDeque<(u128, u64)>,
        sum: u64,
    },
}

impl Window {
    fn new(limit: RateLimit, slack: Duration) -> Self {
        let length = limit.per.saturating_add(slack);
        if limit.requests <= EXACT {
            return Self::Exact {
                most: usize::try_from(limit.requests).unwrap_or(usize::MAX),
                length,
                grants: VecDeque::new(),
            };
        }
        // Rounded up, so that all buckets together are never shorter than the window.
        let nanos = length.as_nanos().div_ceil(u128::from(BUCKETS)).max(1);
        Self::Buckets {
            most: u64::from(limit.requests),
            bucket: Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)),
            counts: VecDeque::new(),
            sum: 0,
        }
    }

    /// How long until a grant fits; zero if it fits now.
    fn wait(&mut self, now: Duration) -> Duration {
        match self {
            Self::Exact { most: 0, .. } => Duration::MAX,
            Self::Exact {
                most,
                length,
                grants,
            } => {
                let over = |granted: Duration| granted.saturating_add(*length);
                while grants.front().is_some_and(|&granted| over(granted) < now) {
                    grants.pop_front();
                }
                if grants.len() < *most {
                    return Duration::ZERO;
                }
                // A window holds both its ends, so the next grant is later than the end by a little.
                let end = grants.front().map_or(now, |&granted| over(granted));
                end.saturating_sub(now)
                    .saturating_add(Duration::from_nanos(1))
            }
            Self::Buckets {
                most,
                bucket,
                counts,
                sum,
            } => {
                let current = number(now, *bucket);
                // A window that ends in this bucket can begin in the one that is 16 earlier.
                while let Some(&(old, count)) = counts.front()
                    && old + u128::from(BUCKETS) < current
                {
                    counts.pop_front();
                    *sum -= count;
                }
                if *sum < *most {
                    return Duration::ZERO;
                }
                let gone =
                    counts.front().map_or(current, |&(old, _)| old) + u128::from(BUCKETS) + 1;
                let at = bucket
                    .as_nanos()
                    .saturating_mul(gone)
                    .saturating_sub(now.as_nanos());
                Duration::from_nanos(u64::try_from(at).unwrap_or(u64::MAX))
            }
        }
    }

    /// Notes a grant that fits.
    fn grant(&mut self, now: Duration) {
        match self {
            Self::Exact { grants, .. } => grants.push_back(now),
            Self::Buckets {
                bucket,
                counts,
                sum,
                ..
            } => {
                let current = number(now, *bucket);
                *sum += 1;
                match counts.back_mut() {
                    Some((number, count)) if *number == current => *count += 1,
                    _ => counts.push_back((current, 1)),
                }
            }
        }
    }
}

/// The number of the bucket that a moment falls into.
fn number(now: Duration, bucket: Duration) -> u128 {
    now.as_nanos() / bucket.as_nanos().max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Grants what is asked for at `arrivals`, each waiting as long as it is told to.
    fn granted(windows: &mut Windows, gaps: &[u64]) -> Vec<Duration> {
        let mut now = Duration::ZERO;
        let mut granted = Vec::new();
        for gap in gaps {
            now += Duration::from_micros(*gap);
            while let Err(wait) = windows.take(now) {
                assert!(!wait.is_zero());
                now += wait;
            }
            granted.push(now);
        }
        granted
    }

    /// The most grants in any window of this length, both its ends included.
    fn busiest(granted: &[Duration], per: Duration) -> usize {
        let ends = granted.iter().enumerate();
        let counts = ends.map(|(at, end)| {
            let from = end.saturating_sub(per);
            at + 1 - granted.partition_point(|moment| *moment < from)
        });
        counts.max().unwrap_or(0)
    }

    fn limit() -> impl Strategy<Value = RateLimit> {
        let requests = prop_oneof![1u32..5, 5u32..64, 65u32..400];
        (requests, 1u64..60_000)
            .prop_map(|(requests, millis)| RateLimit::new(requests, Duration::from_millis(millis)))
    }

    proptest! {
        #[test]
        fn no_window_of_any_limit_holds_more_than_it_may(
            limits in prop::collection::vec(limit(), 1..4),
            gaps in prop::collection::vec(prop_oneof![Just(0u64), 0u64..50, 0u64..200_000], 1..1_500),
        ) {
            let mut windows = Windows::new(&limits, Duration::ZERO);
            let granted = granted(&mut windows, &gaps);
            for limit in &limits {
                prop_assert!(busiest(&granted, limit.per) <= limit.requests as usize, "{limit:?}");
            }
        }

        /// Under pressure a window gives what it may, but for the sixteenth that buckets cost.
        #[test]
        fn a_window_under_pressure_gives_nearly_all(limit in limit()) {
            let mut windows = Windows::new(&[limit], Duration::ZERO);
            let gaps = vec![0; limit.requests as usize * 4 + 1];
            let last = *granted(&mut windows, &gaps).last().unwrap();
            let least = limit.per * 4;
            prop_assert!(last >= least, "{last:?}");
            prop_assert!(last <= least.mul_f64(1.0 + 1.5 / 16.0) + Duration::from_micros(1), "{last:?} {least:?}");
        }
    }

    #[test]
    fn a_limit_of_nothing_grants_nothing() {
        let mut windows =
            Windows::new(&[RateLimit::new(0, Duration::from_secs(1))], Duration::ZERO);
        assert_eq!(windows.take(Duration::from_secs(9)), Err(Duration::MAX));
    }
}
