//! What a client is told.

use std::time::Duration;

use crate::clock::{limiter, millis};

#[test]
fn r1_a_refusal_says_when_to_come_back() {
    let (limiter, clock) = limiter(&[(2, 1_000), (100, 3_600_000)]);
    limiter.check(&(), "a");
    clock.pass(millis(1));
    let passed = limiter.check(&(), "a");
    assert_eq!(
        passed.headers(),
        [
            (
                "RateLimit-Policy",
                "\"1s\";q=2;w=1, \"3600s\";q=100;w=3600".to_owned()
            ),
            (
                "RateLimit",
                "\"1s\";r=0;t=1, \"3600s\";r=98;t=3600".to_owned()
            ),
        ]
    );
    let refused = limiter.check(&(), "a");
    assert_eq!(refused.headers()[2], ("Retry-After", "1".to_owned()));
    clock.pass(millis(999) - Duration::from_nanos(1));
    let refused = limiter.check(&(), "a");
    assert_eq!(refused.headers()[2], ("Retry-After", "1".to_owned()));
}

#[test]
fn a_short_window_is_named_in_milliseconds() {
    let (limiter, _) = limiter(&[(2, 1_500)]);
    let told = limiter.check_cost(&(), "a", 3).headers();
    assert_eq!(told.len(), 2, "no wait helps: {told:?}");
    assert_eq!(told[0].1, "\"1500ms\";q=2;w=2");
    assert_eq!(told[1].1, "\"1500ms\";r=2;t=0");
}
