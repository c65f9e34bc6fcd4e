//! What twice the room would have given, by a cache in miniature.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::policy::{AsItIs, Policy};

/// One key in so many is looked at.
const SAMPLE: u64 = 64;

/// How many entries of the weight that is usual must find room in the miniature, for it to behave as the whole.
const ENOUGH: u64 = 16;

/// The policy over a sample of the keys, with the sample's part of twice the weight.
///
/// Source: C. A. Waldspurger et al., "Cache Modeling and Optimization using Miniature Simulations", USENIX ATC 17.
#[derive(Debug)]
pub(super) struct Twice {
    policy: Policy,
    slots: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    hashes: Vec<u64>,
    asked: u64,
    found: u64,
}

impl Twice {
    pub(super) fn new(max: u64) -> Self {
        Self {
            policy: Policy::new((max.saturating_mul(2) / SAMPLE).max(1)),
            slots: HashMap::default(),
            hashes: Vec::new(),
            asked: 0,
            found: 0,
        }
    }

    /// How often it was asked, and had what was asked for; zeros if `entries` of `weight` together are too heavy for
    /// it to tell.
    pub(super) fn counts(&self, entries: u64, weight: u64) -> (u64, u64) {
        let usual = weight.div_ceil(entries.max(1));
        if usual.saturating_mul(ENOUGH) > self.policy.max() {
            return (0, 0);
        }
        (self.asked, self.found)
    }

    /// Whether the key is one of the sample.
    pub(super) fn samples(hash: u64) -> bool {
        (hash >> 45).is_multiple_of(SAMPLE)
    }

    /// Counts a question about a key of the sample.
    pub(super) fn ask(&mut self, hash: u64) {
        self.asked += 1;
        if let Some(slot) = self.slots.get(&hash) {
            self.found += 1;
            self.policy.hit(*slot);
        }
    }

    /// Takes in a key of the sample.
    pub(super) fn insert(&mut self, hash: u64, weight: u64) {
        if self.slots.contains_key(&hash) {
            return;
        }
        let Some(slot) = self.policy.insert(hash, weight) else {
            return;
        };
        self.slots.insert(hash, slot);
        let at = slot as usize;
        if self.hashes.len() <= at {
            self.hashes.resize(at + 1, 0);
        }
        if let Some(place) = self.hashes.get_mut(at) {
            *place = hash;
        }
        while let Some(slot) = self.policy.evict() {
            if let Some(hash) = self.hashes.get(slot as usize) {
                self.slots.remove(hash);
            }
            self.policy.remove(slot);
        }
    }
}
