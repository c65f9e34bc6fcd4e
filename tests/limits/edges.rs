//! Where the windows end, and what clocks do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use garland::ErrorKind;
use garland::limits::{Limit, LimiterOptions, RateLimiter};

use crate::clock::{limiter, millis};

#[test]
fn r1_a_window_ends_exactly_at_its_end() {
    let (limiter, clock) = limiter(&[(2, 1_000)]);
    assert!(limiter.check(&(), "a").allowed);
    clock.pass(millis(400));
    assert!(limiter.check(&(), "a").allowed);
    let refused = limiter.check(&(), "a");
    assert_eq!(
        (
            refused.allowed,
            refused.remaining,
            refused.retry_after,
            refused.reset
        ),
        (false, 0, Some(millis(600)), millis(1_000))
    );
    clock.pass(millis(600) - Duration::from_nanos(1));
    let refused = limiter.check(&(), "a");
    assert_eq!(refused.retry_after, Some(Duration::from_nanos(1)));
    clock.pass(Duration::from_nanos(1));
    assert!(limiter.check(&(), "a").allowed);
    let refused = limiter.check(&(), "a");
    assert_eq!(refused.retry_after, Some(millis(400)));
}

#[test]
fn r1_no_window_wherever_it_begins_holds_more_than_allowed() {
    let (limiter, clock) = limiter(&[(3, 10)]);
    let mut passed = Vec::new();
    for now in 0..200_u64 {
        for _ in 0..2 {
            if limiter.check(&(), "a").allowed {
                passed.push(now);
            }
        }
        clock.pass(millis(1));
    }
    assert!(passed.windows(4).all(|four| four[3] - four[0] >= 10));
    assert_eq!(passed.len(), 60);
}

#[test]
fn r1_several_limits_hold_together_or_nothing_is_counted() {
    let (limiter, clock) = limiter(&[(2, 1_000), (5, 60_000)]);
    let mut allowed = 0;
    for _ in 0..4 {
        for _ in 0..3 {
            allowed += u32::from(limiter.check(&(), "a").allowed);
        }
        clock.pass(millis(1_000));
    }
    // 2 + 2 + 1 in the first three seconds; the fourth finds the minute used up.
    assert_eq!(allowed, 5);
    let refused = limiter.check(&(), "a");
    let left: Vec<u32> = refused.levels().map(|level| level.remaining).collect();
    assert_eq!(left, [2, 0]);
    assert_eq!(refused.retry_after, Some(millis(56_000)));
    clock.pass(millis(56_000));
    assert!(limiter.check(&(), "a").allowed);
}

#[test]
fn r1_a_request_may_weigh_more_than_one() {
    let (limiter, clock) = limiter(&[(10, 1_000)]);
    assert_eq!(limiter.check_cost(&(), "a", 7).remaining, 3);
    clock.pass(millis(100));
    assert_eq!(limiter.check_cost(&(), "a", 3).remaining, 0);
    let refused = limiter.check_cost(&(), "a", 8);
    assert_eq!(refused.retry_after, Some(millis(1_000)));
    assert_eq!(
        limiter.check_cost(&(), "a", 7).retry_after,
        Some(millis(900))
    );
    let never = limiter.check_cost(&(), "a", 11);
    assert_eq!((never.allowed, never.retry_after), (false, None));
    assert!(limiter.check_cost(&(), "a", 0).allowed);
    assert!(!limiter.check_cost(&(), "new", u32::MAX).allowed);
    assert_eq!(limiter.keys(), 1);
}

#[test]
fn r1_a_refusal_costs_nothing() {
    let (limiter, clock) = limiter(&[(1, 1_000)]);
    assert!(limiter.check(&(), "a").allowed);
    for _ in 0..9 {
        clock.pass(millis(100));
        assert!(!limiter.check(&(), "a").allowed);
    }
    clock.pass(millis(100));
    assert!(limiter.check(&(), "a").allowed);
}

#[test]
fn r1_the_wall_clock_neither_frees_nor_freezes() {
    let (limiter, clock) = limiter(&[(1, 1_000)]);
    assert!(limiter.check(&(), "a").allowed);
    for wall in [i64::MAX, 0, -86_400_000, 86_400_000] {
        clock.set_wall(wall);
        assert!(!limiter.check(&(), "a").allowed, "freed at {wall}");
    }
    clock.set_wall(-1);
    clock.pass(millis(1_000));
    assert!(limiter.check(&(), "a").allowed);
}

#[test]
fn r1_a_clock_that_goes_back_neither_frees_nor_freezes() {
    let (limiter, clock) = limiter(&[(2, 1_000)]);
    clock.set_elapsed(Duration::from_secs(10_000));
    assert!(limiter.check(&(), "a").allowed);
    clock.pass(millis(300));
    assert!(limiter.check(&(), "a").allowed);
    // Back by hours: what was counted stays counted, for as long as it would have.
    clock.set_elapsed(Duration::from_secs(5));
    assert_eq!(limiter.check(&(), "a").retry_after, Some(millis(700)));
    clock.pass(millis(699));
    assert!(!limiter.check(&(), "a").allowed);
    clock.set_elapsed(Duration::ZERO);
    assert!(!limiter.check(&(), "a").allowed);
    clock.pass(millis(1));
    assert!(limiter.check(&(), "a").allowed);
    assert!(!limiter.check(&(), "a").allowed);
}

#[test]
fn r1_keys_and_scopes_do_not_meet() {
    let (limiter, _) = limiter(&[(1, 1_000)]);
    for (scope, key) in [("a", "b"), ("ab", ""), ("", "ab"), ("a", "c"), ("b", "a")] {
        assert!(limiter.check(scope, key).allowed, "{scope:?} {key:?}");
        assert!(!limiter.check(scope, key).allowed, "{scope:?} {key:?}");
    }
}

#[test]
fn r1_threads_together_get_no_more_than_one() {
    let (limiter, _) = limiter(&[(1_000, 1_000)]);
    let passed = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for n in 0..2_000 {
                    let key = n % 3;
                    passed.fetch_add(
                        usize::from(limiter.check(&(), &key).allowed),
                        Ordering::Relaxed,
                    );
                }
            });
        }
    });
    assert_eq!(passed.into_inner(), 3_000);
}

#[test]
fn limits_that_mean_nothing_are_refused() {
    let kind = |result: Result<Limit, garland::Error>| result.unwrap_err().kind();
    assert_eq!(kind(Limit::new(0, millis(1))), ErrorKind::InvalidInput);
    assert_eq!(kind(Limit::new(1, Duration::ZERO)), ErrorKind::InvalidInput);
    assert_eq!(
        kind(Limit::new(Limit::MOST + 1, millis(1))),
        ErrorKind::InvalidInput
    );
    assert_eq!(kind(Limit::new(1, Duration::MAX)), ErrorKind::InvalidInput);
    let same = Limit::new(1, millis(1)).unwrap();
    for limits in [&[][..], &[same, same][..], &[same; 5][..]] {
        let clock = std::sync::Arc::new(garland::SystemClock::new());
        assert!(RateLimiter::new(limits, LimiterOptions::default(), clock).is_err());
    }
}
