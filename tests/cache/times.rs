//! How long entries are there.

use std::sync::Arc;
use std::time::Duration;

use garland::cache::{Cache, Expiry, InsertOptions};
use garland::testing::PausedClock;
use garland::{Chance, Timestamp};
use tokio::time::sleep;

use crate::paused;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn an_entry_is_fresh_for_its_time_to_live_and_not_a_moment_longer() {
    let cache = paused().ttl(SECOND * 10).build().unwrap();
    cache.insert("a".into(), 1);
    let short = InsertOptions::default().with_ttl(SECOND);
    cache.insert_with("b".into(), 2, short);
    sleep(SECOND - Duration::from_millis(1)).await;
    assert_eq!((cache.get("a"), cache.get("b")), (Some(1), Some(2)));
    sleep(Duration::from_millis(1)).await;
    assert!(!cache.contains("b"));
    assert_eq!((cache.get("a"), cache.get("b")), (Some(1), None));
    sleep(SECOND * 9).await;
    assert_eq!(cache.get("a"), None);
    assert_eq!((cache.stats().expired, cache.stats().entries), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn an_idle_entry_leaves_and_a_used_one_stays() {
    let cache = paused().idle(SECOND * 10).build().unwrap();
    cache.insert("used".into(), 1);
    cache.insert("idle".into(), 2);
    for _ in 0..5 {
        sleep(SECOND * 6).await;
        assert_eq!(cache.get("used"), Some(1));
    }
    assert_eq!(cache.get("idle"), None);
}

#[derive(Debug)]
struct ByValue;

impl Expiry<String, u64> for ByValue {
    fn ttl(&self, _: &String, value: &u64) -> Option<Duration> {
        (*value > 0).then(|| Duration::from_secs(*value))
    }
}

#[tokio::test(start_paused = true)]
async fn each_entry_may_have_its_own_time() {
    let cache = paused().expiry(ByValue).ttl(SECOND * 100).build().unwrap();
    cache.insert("one".into(), 1);
    cache.insert("five".into(), 5);
    cache.insert("rest".into(), 0);
    sleep(SECOND * 3).await;
    let all = ["one", "five", "rest"].map(|key| cache.contains(key));
    assert_eq!(all, [false, true, true]);
}

#[tokio::test(start_paused = true)]
async fn jitter_shortens_within_its_part_and_spreads() {
    let chance = Chance::seeded(5);
    let cache = paused()
        .ttl(SECOND * 100)
        .jitter(0.5, chance)
        .build()
        .unwrap();
    (0..90).for_each(|n| _ = cache.insert(n.to_string(), n));
    let alive = || {
        (0..90)
            .filter(|n: &u64| cache.contains(&n.to_string()))
            .count()
    };
    sleep(SECOND * 50).await;
    assert_eq!(alive(), 90);
    sleep(SECOND * 25).await;
    assert!((25..65).contains(&alive()), "{}", alive());
    sleep(SECOND * 25).await;
    assert_eq!(alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_dead_are_let_go_of_bit_by_bit() {
    let clock = PausedClock::starting(Timestamp::from_millis(0));
    let builder = Cache::builder(10_000).shards(1).clock(Arc::new(clock));
    let cache = builder.ttl(SECOND).build().unwrap();
    (0..500_u64).for_each(|n| _ = cache.insert(n, n));
    sleep(SECOND).await;
    assert_eq!(cache.stats().entries, 500);
    (1_000..1_600).for_each(|n| _ = cache.insert(n, n));
    assert_eq!((cache.stats().entries, cache.stats().expired), (600, 500));
}

#[test]
fn settings_out_of_range_are_refused() {
    let build = |cache: garland::cache::CacheBuilder<u8, u8>| cache.build().map(|_| ());
    for wrong in [
        Cache::builder(0),
        Cache::builder(9).shards(0),
        Cache::builder(9).shards(65),
        Cache::builder(9).jitter(1.1, Chance::seeded(1)),
        Cache::builder(9).jitter(f64::NAN, Chance::seeded(1)),
    ] {
        assert_eq!(
            build(wrong).unwrap_err().kind(),
            garland::ErrorKind::InvalidInput
        );
    }
    assert!(build(Cache::builder(1)).is_ok());
}
