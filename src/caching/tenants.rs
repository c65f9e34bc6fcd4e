//! Who holds how much of a shard, and who holds more than his part.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use lru::LruCache;

use super::policy::AsItIs;

/// The entries of each tenant, in the order of use.
#[derive(Debug)]
pub(super) struct Tenants {
    quota: u64,
    held: HashMap<u64, Held, BuildHasherDefault<AsItIs>>,
    /// By how much, and who.
    over: BTreeSet<(u64, u64)>,
}

#[derive(Debug)]
struct Held {
    weight: u64,
    order: LruCache<u32, u64, BuildHasherDefault<AsItIs>>,
}

impl Tenants {
    pub(super) fn new(quota: u64) -> Self {
        Self {
            quota,
            held: HashMap::default(),
            over: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, tenant: u64, slot: u32, weight: u64) {
        let held = self.held.entry(tenant).or_insert_with(|| Held {
            weight: 0,
            order: LruCache::unbounded_with_hasher(BuildHasherDefault::default()),
        });
        let old = held.order.put(slot, weight).unwrap_or(0);
        let before = held.weight;
        held.weight = before - old + weight;
        let after = held.weight;
        self.rank(tenant, before, after);
    }

    pub(super) fn used(&mut self, tenant: u64, slot: u32) {
        if let Some(held) = self.held.get_mut(&tenant) {
            held.order.promote(&slot);
        }
    }

    pub(super) fn remove(&mut self, tenant: u64, slot: u32) {
        let Some(held) = self.held.get_mut(&tenant) else {
            return;
        };
        let before = held.weight;
        held.weight -= held.order.pop(&slot).unwrap_or(0);
        let after = held.weight;
        if held.order.is_empty() {
            self.held.remove(&tenant);
        }
        self.rank(tenant, before, after);
    }

    /// The entry unused for longest of the tenant that is over its quota by most.
    pub(super) fn victim(&self) -> Option<u32> {
        let (_, tenant) = self.over.last()?;
        let (slot, _) = self.held.get(tenant)?.order.peek_lru()?;
        Some(*slot)
    }

    fn rank(&mut self, tenant: u64, before: u64, after: u64) {
        if before > self.quota {
            self.over.remove(&(before - self.quota, tenant));
        }
        if after > self.quota {
            self.over.insert((after - self.quota, tenant));
        }
    }
}
