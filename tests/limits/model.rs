//! The limiter against a list of times.

use std::collections::BTreeMap;

use proptest::prelude::*;

use garland::limits::LimiterOptions;

use crate::clock::{limiter_with, millis};

/// Everything that passed, and nothing clever.
#[derive(Default)]
struct Model {
    passed: BTreeMap<u8, Vec<(u64, u32)>>,
}

impl Model {
    fn used(&self, key: u8, window: u64, now: u64) -> u32 {
        let hits = self.passed.get(&key).into_iter().flatten();
        let counted = hits.filter(|(at, _)| at + window > now);
        counted.map(|(_, cost)| cost).sum()
    }

    fn check(&mut self, limits: &[(u32, u64)], key: u8, cost: u32, now: u64) -> bool {
        let allowed = limits
            .iter()
            .all(|(max, window)| self.used(key, *window, now) + cost <= *max);
        if allowed && cost > 0 {
            self.passed.entry(key).or_default().push((now, cost));
        }
        allowed
    }

    /// The first millisecond at which it would pass, if nothing else did.
    fn wait(&self, limits: &[(u32, u64)], key: u8, cost: u32, now: u64) -> Option<u64> {
        if limits.iter().any(|(max, _)| cost > *max) {
            return None;
        }
        (0..=10_000).find(|wait| {
            limits
                .iter()
                .all(|(max, window)| self.used(key, *window, now + wait) + cost <= *max)
        })
    }
}

fn limits() -> impl Strategy<Value = Vec<(u32, u64)>> {
    prop::collection::btree_map(1_u64..400, 1_u32..12, 1..=4)
        .prop_map(|map| map.into_iter().map(|(window, max)| (max, window)).collect())
}

fn step() -> impl Strategy<Value = (u64, u8, u32)> {
    let gap = prop_oneof![4 => Just(0), 4 => 0_u64..20, 1 => 0_u64..500];
    (gap, 0_u8..6, prop_oneof![6 => Just(1_u32), 2 => 0_u32..5])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r1_it_decides_as_a_list_of_times_does(
        limits in limits(),
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let (limiter, clock) = limiter_with(&limits, LimiterOptions::default());
        let (mut model, mut now) = (Model::default(), 0);
        for (gap, key, cost) in steps {
            now += gap;
            clock.pass(millis(gap));
            let wait = model.wait(&limits, key, cost, now);
            let expected = model.check(&limits, key, cost, now);
            let decision = limiter.check_cost("studio", &key, cost);
            prop_assert_eq!(decision.allowed, expected, "at {} for {} of {}", now, cost, key);
            let wait = wait.filter(|_| !expected).map(millis);
            prop_assert_eq!(decision.retry_after, wait);
            for (level, (max, window)) in decision.levels().zip(&limits) {
                prop_assert_eq!(level.remaining, max - model.used(key, *window, now));
            }
            let left = limits.iter().map(|(max, window)| max - model.used(key, *window, now));
            prop_assert_eq!(decision.remaining, left.min().unwrap());
        }
    }

    /// At the very millisecond, one before, and one after.
    #[test]
    fn r1_it_decides_alike_at_every_edge(max in 1_u32..6, window in 1_u64..50, gaps in prop::collection::vec(0_u64..30, 1..20)) {
        let limits = [(max, window)];
        let (limiter, clock) = limiter_with(&limits, LimiterOptions::default());
        let (mut model, mut now) = (Model::default(), 0);
        for gap in gaps {
            now += gap;
            clock.pass(millis(gap));
            prop_assert_eq!(limiter.check(&(), &0).allowed, model.check(&limits, 0, 1, now));
            let edge = model.passed.get(&0).and_then(|hits| hits.iter().find(|(at, _)| at + window > now));
            if let Some(edge) = edge.map(|(at, _)| at + window) {
                for to in [edge - 1, edge, edge + 1] {
                    if to > now {
                        clock.pass(millis(to - now));
                        now = to;
                    }
                    prop_assert_eq!(limiter.check(&(), &0).allowed, model.check(&limits, 0, 1, now));
                }
            }
        }
    }
}
