//! Against a plain map: what is returned was put in and nothing has ended it since.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use garland::Timestamp;
use garland::cache::{Cache, InsertOptions, Insertion};
use garland::testing::PausedClock;
use proptest::prelude::*;

const KEYS: [&str; 8] = ["a", "a/b", "a/c", "b", "b/a", "b/a/c", "", "ä"];
const TAGS: [&str; 3] = ["x", "y", "z"];

#[derive(Clone, Debug)]
enum Act {
    Get(usize),
    Insert(usize, u64, usize, Option<u64>),
    Load(usize, u64, usize),
    Remove(usize),
    Tag(usize),
    Prefix(usize),
    All,
    Sweep,
    Wait(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (key, tag, weight) = (0..KEYS.len(), 0..TAGS.len(), 1..13_u64);
    let act = prop_oneof![
        6 => key.clone().prop_map(Act::Get),
        4 => (key.clone(), weight.clone(), tag.clone(), prop::option::of(1..5_u64))
            .prop_map(|(key, weight, tag, ttl)| Act::Insert(key, weight, tag, ttl)),
        4 => (key.clone(), weight, tag.clone()).prop_map(|(key, weight, tag)| Act::Load(key, weight, tag)),
        1 => key.clone().prop_map(Act::Remove),
        1 => tag.prop_map(Act::Tag),
        1 => key.prop_map(Act::Prefix),
        1 => Just(Act::All),
        1 => Just(Act::Sweep),
        3 => (1..4_u64).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..120)
}

/// What may be there: the number of the value, its tag, and when it ends.
type Model = HashMap<usize, (u64, usize, u64)>;

/// A value: what it weighs, and a number that no other has.
type Value = (u64, u64);

async fn run(acts: Vec<Act>) -> Result<(), TestCaseError> {
    let clock = PausedClock::starting(Timestamp::from_millis(0));
    let cache: Cache<String, Value> = Cache::builder(30)
        .shards(1)
        .weigher(|_, (weight, _)| *weight)
        .ttl(Duration::from_secs(6))
        .tenant(|key: &String| key.starts_with('a'), 20)
        .prefixes_of(|key: &String| key.as_str())
        .clock(Arc::new(clock))
        .build()
        .unwrap();
    let (mut model, mut now) = (Model::new(), 0);
    for (number, act) in (0..).zip(acts) {
        match act {
            Act::Get(key) => {
                let alive = model.get(&key).filter(|(.., end)| now < *end);
                if let Some((_, found)) = cache.get(KEYS[key]) {
                    prop_assert_eq!(Some(found), alive.map(|(number, ..)| *number));
                }
            }
            Act::Insert(key, weight, tag, ttl) => {
                let mut options = InsertOptions::default().with_tag(TAGS[tag]);
                options.ttl = ttl.map(Duration::from_secs);
                let stored = cache.insert_with(KEYS[key].into(), (weight, number), options);
                let heavy = matches!(stored, Insertion::TooHeavy { .. });
                prop_assert!(!heavy);
                model.insert(key, (number, tag, now + ttl.unwrap_or(6)));
                if stored == Insertion::Stored {
                    prop_assert_eq!(cache.get(KEYS[key]), Some((weight, number)));
                }
            }
            Act::Load(key, weight, tag) => {
                let options = InsertOptions::default().with_tag(TAGS[tag]);
                let loader = async move { Ok((weight, number)) };
                let loaded = cache
                    .get_with_options(KEYS[key].into(), options, loader)
                    .await;
                let (_, found) = loaded.unwrap();
                if found == number {
                    model.insert(key, (number, tag, now + 6));
                } else {
                    let alive = model.get(&key).filter(|(.., end)| now < *end);
                    prop_assert_eq!(Some(found), alive.map(|(number, ..)| *number));
                }
            }
            Act::Remove(key) => {
                cache.remove(KEYS[key]);
                model.remove(&key);
            }
            Act::Tag(tag) => {
                cache.invalidate_tag(TAGS[tag]);
                model.retain(|_, (_, own, _)| *own != tag);
            }
            Act::Prefix(prefix) => {
                cache.invalidate_prefix(KEYS[prefix]).unwrap();
                model.retain(|key, _| !KEYS[*key].starts_with(KEYS[prefix]));
            }
            Act::All => {
                cache.invalidate_all();
                model.clear();
            }
            Act::Sweep => cache.sweep(),
            Act::Wait(seconds) => {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                now += seconds;
            }
        }
        let stats = cache.stats();
        prop_assert!(stats.weight <= 30, "{:?}", stats);
        let left = stats.evicted
            + stats.over_quota
            + stats.expired
            + stats.invalidated
            + stats.removed
            + stats.replaced;
        prop_assert_eq!(stats.inserted, stats.entries + left, "{:?}", stats);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn it_returns_what_was_put_in_and_not_ended_since(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(acts))?;
    }
}
