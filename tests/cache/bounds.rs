//! Weight, quotas, and who hears of what left.

use std::sync::{Arc, Mutex};

use garland::cache::{Cache, Insertion, RemovalCause};

use crate::paused;

#[test]
fn an_entry_heavier_than_the_cache_is_refused_and_the_rest_stays() {
    let cache: Cache<u8, u64> = Cache::builder(100)
        .shards(1)
        .weigher(|_, weight| *weight)
        .build()
        .unwrap();
    assert_eq!(cache.insert(1, 60), Insertion::Stored);
    let refused = Insertion::TooHeavy {
        weight: 101,
        max: 100,
    };
    assert_eq!(cache.insert(2, 101), refused);
    assert_eq!(cache.get(&1), Some(60));
    // The old value of a key is not the answer any more.
    assert_eq!(cache.insert(1, 101), refused);
    assert_eq!(cache.get(&1), None);
    let stats = cache.stats();
    assert_eq!((stats.refused, stats.entries, stats.weight), (2, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_tenant_over_its_quota_gives_way_first_and_may_hold_more_while_there_is_room() {
    let cache = paused()
        .tenant(|key: &String| key.split('/').next().map(str::to_owned), 30)
        .build()
        .unwrap();
    let fill = |who: &str, count: u64| {
        (0..count).for_each(|n| _ = cache.insert(format!("{who}/{n}"), n));
    };
    let held = |who: &str| {
        let all = (0..200).filter(|n| cache.contains(&format!("{who}/{n}")));
        all.count()
    };
    fill("quiet", 30);
    fill("greedy", 70);
    assert_eq!((held("quiet"), held("greedy")), (30, 70));
    fill("greedy", 200);
    assert_eq!((held("quiet"), held("greedy")), (30, 70));
    fill("third", 30);
    assert_eq!((held("quiet"), held("greedy"), held("third")), (30, 40, 30));
    assert_eq!(cache.stats().over_quota, 160);
}

#[test]
fn a_listener_hears_each_cause_once() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let cache: Cache<u8, u64> = Cache::builder(10)
        .shards(1)
        .weigher(|_, weight| *weight)
        .listener(move |key, cause| ear.lock().unwrap().push((*key, cause)))
        .build()
        .unwrap();
    cache.insert(1, 4);
    cache.insert(1, 5);
    cache.remove(&1);
    cache.insert(2, 4);
    cache.invalidate_all();
    assert_eq!(cache.get(&2), None);
    cache.insert(3, 6);
    cache.insert(4, 6);
    let heard = heard.lock().unwrap();
    let causes: Vec<_> = heard.iter().map(|(_, cause)| *cause).collect();
    assert_eq!(
        heard[..3].iter().map(|(key, _)| *key).collect::<Vec<_>>(),
        [1, 1, 2]
    );
    let expected = [
        RemovalCause::Replaced,
        RemovalCause::Removed,
        RemovalCause::Invalidated,
        RemovalCause::Evicted,
    ];
    assert_eq!(causes, expected);
}

#[test]
fn what_twice_the_weight_would_give_is_told() {
    // A loop over twice the cache: half of it is found at best, and all of it with twice the room.
    let cache: Cache<u64, ()> = Cache::builder(10_000).build().unwrap();
    for key in (0..12).flat_map(|_| 0..18_000) {
        if cache.get(&key).is_none() {
            cache.insert(key, ());
        }
    }
    let stats = cache.stats();
    let (now, twice) = (stats.hit_rate().unwrap(), stats.twice_hit_rate().unwrap());
    assert!(stats.sampled > 1_000, "{stats:?}");
    assert!(now < 0.6 && twice > 0.75, "{now} {twice}");
}

#[test]
fn what_twice_the_weight_would_give_is_not_told_where_it_cannot_be_known() {
    for heavy in [1, 1_000] {
        let cache: Cache<u64, u64> = Cache::builder(500 * heavy)
            .shards(1)
            .weigher(move |_, _| heavy)
            .build()
            .unwrap();
        for key in (0..12).flat_map(|_| 0..900) {
            if cache.get(&key).is_none() {
                cache.insert(key, key);
            }
        }
        let stats = cache.stats();
        assert_eq!((stats.sampled, stats.twice_hit_rate()), (0, None));
    }
}

#[test]
fn many_threads_leave_it_whole() {
    let cache: Cache<u64, u64> = Cache::builder(500).build().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cache = &cache;
            scope.spawn(move || {
                for n in 0..20_000_u64 {
                    let key = n.wrapping_mul(thread + 7) % 1_000;
                    match n % 5 {
                        0 => _ = cache.remove(&key),
                        1 | 2 => _ = cache.insert(key, key),
                        _ => assert!(cache.get(&key).is_none_or(|value| value == key)),
                    }
                }
            });
        }
    });
    let stats = cache.stats();
    assert!(stats.weight <= 500);
    let left = stats.evicted + stats.removed + stats.replaced;
    assert_eq!(stats.inserted, stats.entries + left, "{stats:?}");
}
