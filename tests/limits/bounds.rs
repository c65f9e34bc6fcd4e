//! What is kept, how much of it, and who gives way when there is no more room.

use garland::limits::LimiterOptions;

use crate::clock::{limiter, limiter_with, millis};

#[test]
fn r1_a_million_keys_take_at_most_64_bytes_each() {
    let options = LimiterOptions::default().with_share(1_000_000);
    let (limiter, clock) = limiter_with(&[(10, 60_000), (1_000, 3_600_000)], options);
    let mut most = 0;
    for n in 0..1_000_000_u32 {
        assert!(limiter.check("studio", &n).allowed);
        if n >= 100_000 && n % 100_000 == 0 {
            most = most.max(limiter.bytes() / limiter.keys());
        }
    }
    assert_eq!(limiter.keys(), 1_000_000);
    let bytes = limiter.bytes() / limiter.keys();
    println!("{bytes} bytes a key at 1,000,000, at most {most} before");
    assert!(bytes.max(most) <= 64, "{bytes} and {most} bytes a key");

    // Once all are idle, use makes room again, a little with each check.
    clock.pass(millis(3_600_000));
    for _ in 0..110 {
        for n in 0..20_000_u32 {
            limiter.check("studio", &n);
        }
    }
    assert_eq!(limiter.keys(), 20_000);
    assert!(limiter.bytes() < 20_000 * 200, "{} bytes", limiter.bytes());
}

#[test]
fn r1_a_full_table_refuses_new_keys_and_keeps_every_counter() {
    let options = LimiterOptions::default().with_max_keys(100).with_share(100);
    let (limiter, clock) = limiter_with(&[(1, 1_000)], options);
    for n in 0..100 {
        assert!(limiter.check("studio", &n).allowed);
    }
    for n in 100..1_000 {
        let refused = limiter.check("studio", &n);
        assert!(!refused.allowed && refused.crowded);
        assert_eq!(refused.retry_after, Some(millis(1_000)));
    }
    for n in 0..100 {
        let refused = limiter.check("studio", &n);
        assert!(
            !refused.allowed && !refused.crowded,
            "{n} was freed by others"
        );
    }
    assert_eq!(limiter.keys(), 100);
    clock.pass(millis(1_000));
    let mut passed = 0;
    for n in 0..1_000 {
        passed += u32::from(limiter.check("studio", &(n + 1_000)).allowed);
    }
    assert_eq!(passed, 100, "room of idle keys is used again");
}

#[test]
fn r1_one_scope_cannot_take_the_room_of_all() {
    let options = LimiterOptions::default()
        .with_max_keys(1_000)
        .with_share(50);
    let (limiter, _) = limiter_with(&[(5, 1_000)], options);
    let greedy = (0..10_000)
        .filter(|n| limiter.check("greedy", n).allowed)
        .count();
    assert_eq!(greedy, 50);
    assert!(limiter.check("modest", &1).allowed);
    // Those of the greedy one that are counted go on being counted.
    let refused = (0..10_000).filter(|n| limiter.check("greedy", n).crowded);
    assert_eq!(refused.count(), 9_950);
}

#[test]
fn r1_the_room_for_busy_keys_is_bounded_too() {
    let options = LimiterOptions::default().with_log_bytes(4_096);
    let (limiter, clock) = limiter_with(&[(1_000_000, 1_000)], options);
    let mut passed = 0;
    for n in 0..10_000_u32 {
        clock.pass(std::time::Duration::from_nanos(1));
        passed += u32::from(limiter.check(&(), &(n % 10)).allowed);
    }
    let before = limiter.bytes();
    assert!(passed < 500, "{passed} passed");
    assert!(before < 64 * 1_024, "{before} bytes");
    // What is given back can be used again.
    clock.pass(millis(1_000));
    let again = (0..10_u32).filter(|n| limiter.check(&(), n).allowed);
    assert_eq!(again.count(), 10);
    assert!(limiter.bytes() <= before - 2_048);
}

#[test]
fn r1_a_busy_key_gives_its_memory_back() {
    let (limiter, clock) = limiter(&[(100_000, 1_000)]);
    let idle = limiter.bytes();
    for _ in 0..100_000 {
        clock.pass(std::time::Duration::from_nanos(1));
        assert!(limiter.check(&(), "busy").allowed);
    }
    assert!(!limiter.check(&(), "busy").allowed);
    assert!(limiter.bytes() > 1_000_000);
    clock.pass(millis(2_000));
    assert_eq!(limiter.check(&(), "busy").remaining, 99_999);
    assert!(limiter.bytes() < idle + 4_096, "{}", limiter.bytes());
}
