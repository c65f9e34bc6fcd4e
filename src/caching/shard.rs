//! One part of a cache, behind one lock.

use std::borrow::Borrow;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use super::barriers::Barriers;
use super::flight::Flights;
use super::index::Index;
use super::options::{Insertion, RemovalCause};
use super::policy::Policy;
use super::rules::{NEVER, Rules, nanos};
use super::stats::CacheStats;
use super::tenants::Tenants;
use super::twice::Twice;

/// How many entries each insertion looks at, to let go of those that are dead.
const SWEPT: usize = 2;

/// A value as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored<V> {
    pub(super) value: V,
    pub(super) packed: bool,
}

/// An entry.
#[derive(Debug)]
pub(super) struct Item<K, V> {
    pub(super) key: K,
    pub(super) stored: Stored<V>,
    /// The epoch of the invalidations it was made in.
    pub(super) born: u64,
    pub(super) fresh_until: u64,
    /// What few entries have, out of the way of the others.
    pub(super) rare: Option<Box<Rare>>,
}

#[derive(Debug)]
pub(super) struct Rare {
    pub(super) tags: Box<[Arc<str>]>,
    pub(super) tenant: u64,
    pub(super) used: u64,
}

/// What a key has.
#[derive(Debug)]
pub(super) enum Seen<V> {
    Fresh(Stored<V>),
    /// Past its time by so many nanoseconds.
    Stale(Stored<V>, u64),
    Nothing,
}

/// That a loader found nothing.
#[derive(Debug)]
pub(super) struct Absence {
    pub(super) born: u64,
    pub(super) until: u64,
    pub(super) tags: Box<[Arc<str>]>,
}

/// Entries that left, to be dropped and told of outside of the lock.
#[derive(Debug)]
pub(super) struct Gone<K, V> {
    first: Option<(K, V, RemovalCause)>,
    more: Vec<(K, V, RemovalCause)>,
    /// One that was not taken in. Nobody is told of it.
    refused: Option<(K, V)>,
}

impl<K, V> Gone<K, V> {
    pub(super) fn new() -> Self {
        Self {
            first: None,
            more: Vec::new(),
            refused: None,
        }
    }

    fn push(&mut self, key: K, value: V, cause: RemovalCause) {
        if self.first.is_none() {
            self.first = Some((key, value, cause));
        } else {
            self.more.push((key, value, cause));
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, RemovalCause)> {
        let all = self.first.iter().chain(&self.more);
        all.map(|(key, _, cause)| (key, *cause))
    }
}

/// Entries by number: where a key is, what it has, and what may leave.
pub(super) struct Shard<K, V> {
    index: Index,
    items: Vec<Option<Item<K, V>>>,
    policy: Policy,
    tenants: Option<Tenants>,
    pub(super) absent: LruCache<K, Absence>,
    pub(super) flights: Flights<K, V>,
    pub(super) counts: CacheStats,
    twice: Twice,
    swept: usize,
}

impl<K: Eq + Hash, V> Shard<K, V> {
    pub(super) fn new(max: u64, quota: Option<u64>, absent: NonZeroUsize) -> Self {
        Self {
            index: Index::new(),
            items: Vec::new(),
            policy: Policy::new(max),
            tenants: quota.map(Tenants::new),
            absent: LruCache::sparse(absent),
            flights: Flights::new(),
            counts: CacheStats::default(),
            twice: Twice::new(max),
            swept: 0,
        }
    }

    /// Finds what `key` has, as a use of it; a dead entry leaves.
    #[inline]
    pub(super) fn look<Q>(
        &mut self,
        hash: u64,
        key: &Q,
        rules: &Rules<K, V>,
        barriers: &Barriers,
        gone: &mut Gone<K, V>,
    ) -> Seen<V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
        V: Clone,
    {
        if Twice::samples(hash) {
            self.twice.ask(hash);
        }
        let Some((slot, item)) = find(&self.index, &mut self.items, hash, key) else {
            return Seen::Nothing;
        };
        if let Some(cause) = item.dead(rules, barriers) {
            self.drop_slot(slot, cause, gone);
            return Seen::Nothing;
        }
        if item.fresh_until != NEVER || rules.idle.is_some() {
            let now = rules.now();
            if now >= item.fresh_until {
                return Seen::Stale(item.stored.clone(), now - item.fresh_until);
            }
            if let Some(rare) = &mut item.rare {
                rare.used = now;
            }
        }
        self.policy.hit(slot);
        if let Some(tenants) = &mut self.tenants {
            tenants.used(item.tenant(), slot);
        }
        Seen::Fresh(item.stored.clone())
    }

    /// Whether `key` has a fresh entry. No use of it.
    pub(super) fn contains<Q>(
        &mut self,
        hash: u64,
        key: &Q,
        rules: &Rules<K, V>,
        barriers: &Barriers,
    ) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let found = find(&self.index, &mut self.items, hash, key);
        found.is_some_and(|(_, item)| {
            item.dead(rules, barriers).is_none()
                && (item.fresh_until == NEVER || rules.now() < item.fresh_until)
        })
    }

    /// Takes in a value; what leaves for it is in `gone`.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        item: Item<K, V>,
        weight: u64,
        gone: &mut Gone<K, V>,
    ) -> Insertion {
        if Twice::samples(hash) {
            self.twice.insert(hash, weight);
        }
        if weight > self.policy.max() {
            self.take_out(hash, &item.key, RemovalCause::Replaced, gone);
            gone.refused = Some((item.key, item.stored.value));
            self.counts.refused += 1;
            return Insertion::TooHeavy {
                weight,
                max: self.policy.max(),
            };
        }
        let tenant = item.tenant();
        let Some(slot) = self.place(hash, item, weight, gone) else {
            self.counts.refused += 1;
            return Insertion::NotAdmitted;
        };
        self.counts.inserted += 1;
        if let Some(tenants) = &mut self.tenants {
            tenants.add(tenant, slot, weight);
        }
        if self.make_room(slot, gone) {
            Insertion::Stored
        } else {
            Insertion::NotAdmitted
        }
    }

    /// Removes the entry of `key`, and keeps a load that is on its way from bringing it back.
    pub(super) fn remove<Q>(&mut self, hash: u64, key: &Q, gone: &mut Gone<K, V>) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.flights.outdate(key);
        if !self.absent.is_empty() {
            self.absent.pop(key);
        }
        self.take_out(hash, key, RemovalCause::Removed, gone)
    }

    /// Lets go of all that is dead.
    pub(super) fn sweep(
        &mut self,
        rules: &Rules<K, V>,
        barriers: &Barriers,
        gone: &mut Gone<K, V>,
    ) {
        for slot in 0..self.items.len() {
            self.sweep_slot(slot, rules, barriers, gone);
        }
    }

    /// Looks at a few entries more, in turn.
    pub(super) fn sweep_some(
        &mut self,
        rules: &Rules<K, V>,
        barriers: &Barriers,
        gone: &mut Gone<K, V>,
    ) {
        for _ in 0..SWEPT {
            self.sweep_slot(self.swept, rules, barriers, gone);
            self.swept += 1;
            if self.swept >= self.items.len() {
                self.swept = 0;
            }
        }
    }

    pub(super) fn stats(&self) -> CacheStats {
        let (entries, weight) = (self.policy.len() as u64, self.policy.weight());
        let (sampled, sampled_hits) = self.twice.counts(entries, weight);
        CacheStats {
            entries,
            weight,
            max_weight: self.policy.max(),
            sampled,
            sampled_hits,
            ..self.counts
        }
    }

    fn sweep_slot(
        &mut self,
        slot: usize,
        rules: &Rules<K, V>,
        barriers: &Barriers,
        gone: &mut Gone<K, V>,
    ) {
        let item = self.items.get_mut(slot).and_then(Option::as_mut);
        let cause = item.and_then(|item| item.dead(rules, barriers));
        if let (Some(cause), Ok(slot)) = (cause, u32::try_from(slot)) {
            self.drop_slot(slot, cause, gone);
        }
    }

    /// Puts the item where its key is, or where there is room.
    fn place(
        &mut self,
        hash: u64,
        item: Item<K, V>,
        weight: u64,
        gone: &mut Gone<K, V>,
    ) -> Option<u32> {
        if let Some((slot, old)) = find(&self.index, &mut self.items, hash, &item.key) {
            let old = std::mem::replace(old, item);
            if let Some(tenants) = &mut self.tenants {
                tenants.remove(old.tenant(), slot);
            }
            self.policy.reweigh(slot, weight);
            self.policy.hit(slot);
            self.counts.count(RemovalCause::Replaced);
            gone.push(old.key, old.stored.value, RemovalCause::Replaced);
            return Some(slot);
        }
        let Some(slot) = self.policy.insert(hash, weight) else {
            gone.refused = Some((item.key, item.stored.value));
            return None;
        };
        let at = slot as usize;
        if self.items.len() <= at {
            self.items.resize_with(at + 1, || None);
        }
        *self.items.get_mut(at)? = Some(item);
        self.index.insert(hash, slot);
        Some(slot)
    }

    /// Lets go of what must leave; `false` if `newest` was among it.
    fn make_room(&mut self, newest: u32, gone: &mut Gone<K, V>) -> bool {
        let mut stays = true;
        while self.policy.weight() > self.policy.max()
            && let Some(slot) = self.tenants.as_ref().and_then(Tenants::victim)
        {
            stays &= slot != newest;
            self.drop_slot(slot, RemovalCause::OverQuota, gone);
        }
        while let Some(slot) = self.policy.evict() {
            stays &= slot != newest;
            self.drop_slot(slot, RemovalCause::Evicted, gone);
        }
        stays
    }

    fn take_out<Q>(
        &mut self,
        hash: u64,
        key: &Q,
        cause: RemovalCause,
        gone: &mut Gone<K, V>,
    ) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let found = find(&self.index, &mut self.items, hash, key).map(|(slot, _)| slot);
        if let Some(slot) = found {
            self.drop_slot(slot, cause, gone);
        }
        found.is_some()
    }

    fn drop_slot(&mut self, slot: u32, cause: RemovalCause, gone: &mut Gone<K, V>) {
        if let Some(hash) = self.policy.hash_of(slot) {
            self.index.remove(hash, slot);
        }
        self.policy.remove(slot);
        let item = self.items.get_mut(slot as usize).and_then(Option::take);
        if let Some(item) = item {
            if let Some(tenants) = &mut self.tenants {
                tenants.remove(item.tenant(), slot);
            }
            self.counts.count(cause);
            gone.push(item.key, item.stored.value, cause);
        }
    }
}

impl<K, V> Item<K, V> {
    /// Why the entry may not be used any more, if that is so.
    #[inline]
    fn dead(&mut self, rules: &Rules<K, V>, barriers: &Barriers) -> Option<RemovalCause> {
        let epoch = barriers.epoch();
        if self.born != epoch {
            if barriers.bars(self.born, self.tags(), rules.path(&self.key)) {
                return Some(RemovalCause::Invalidated);
            }
            self.born = epoch;
        }
        if self.fresh_until == NEVER && rules.idle.is_none() {
            return None;
        }
        let now = rules.now();
        let idle = rules.idle.map_or(NEVER, nanos);
        let over = now >= self.fresh_until.saturating_add(rules.grace())
            || (idle != NEVER && now >= self.used().saturating_add(idle));
        over.then_some(RemovalCause::Expired)
    }

    /// Sets under which tags it stands.
    pub(super) fn set_tags(&mut self, tags: Vec<Arc<str>>) {
        match &mut self.rare {
            Some(rare) => rare.tags = tags.into(),
            None if tags.is_empty() => {}
            None => {
                self.rare = Some(Box::new(Rare {
                    tags: tags.into(),
                    tenant: 0,
                    used: 0,
                }));
            }
        }
    }

    pub(super) fn tags(&self) -> &[Arc<str>] {
        self.rare.as_ref().map_or(&[], |rare| &rare.tags)
    }

    fn tenant(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.tenant)
    }

    fn used(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.used)
    }
}

/// Finds the entry of a key. Apart from the shard, so that its other parts stay free.
#[inline]
fn find<'a, K, V, Q>(
    index: &Index,
    items: &'a mut [Option<Item<K, V>>],
    hash: u64,
    key: &Q,
) -> Option<(u32, &'a mut Item<K, V>)>
where
    K: Borrow<Q>,
    Q: Eq + ?Sized,
{
    let slot = index.find(hash, |slot| {
        let item = items.get(slot as usize).and_then(Option::as_ref);
        item.is_some_and(|item| item.key.borrow() == key)
    })?;
    let item = items.get_mut(slot as usize)?.as_mut()?;
    Some((slot, item))
}
