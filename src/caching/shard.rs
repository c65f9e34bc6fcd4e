//! One part of a cache, behind one lock.

use std::borrow::Borrow;
use std::hash::Hash;
use std::num::NonZeroUsize;

use lru::LruCache;

use super::barriers::Barriers;
use super::entry::{Absence, Arrival, Gone, Item, Marks, Seen, Stored};
use super::flight::Flights;
use super::index::{Index, Vacancy};
use super::options::{Insertion, RemovalCause};
use super::policy::Policy;
use super::rules::{NEVER, Rules, nanos};
use super::stats::CacheStats;
use super::tenants::Tenants;
use super::twice::Twice;

/// How many entries each insertion looks at, to let go of those that are dead.
const SWEPT: usize = 2;

/// How an entry stands.
#[derive(Debug)]
enum Standing {
    Fresh,
    /// Past its time by so many nanoseconds.
    Stale(u64),
    Dead(RemovalCause),
}

/// Entries by number: where a key is, what it has, and what may leave.
///
/// In the order in which a question meets them, so that what it reads and writes of the shard itself lies beside the
/// lock: that is one pair of lines of the processor's cache to take over when another thread was there before.
#[repr(C)]
pub(super) struct Shard<K, V> {
    index: Index,
    items: Vec<Option<Item<K, V>>>,
    /// Those of the entry of the same number. Entries past its end have the usual ones.
    marks: Vec<Marks>,
    pub(super) asked: Asked,
    tenants: Option<Box<Tenants>>,
    policy: Policy,
    pub(super) counts: CacheStats,
    twice: Twice,
    swept: usize,
    pub(super) absent: LruCache<K, Absence>,
    pub(super) flights: Flights<K, V>,
}

/// Questions, and what came of them. They are no part of `counts`.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) hits: u64,
    pub(super) misses: u64,
}

impl<K: Eq + Hash, V> Shard<K, V> {
    pub(super) fn new(max: u64, quota: Option<u64>, absent: NonZeroUsize) -> Self {
        Self {
            index: Index::new(),
            items: Vec::new(),
            marks: Vec::new(),
            asked: Asked::default(),
            tenants: quota.map(|quota| Box::new(Tenants::new(quota))),
            policy: Policy::new(max),
            counts: CacheStats::default(),
            twice: Twice::new(max),
            swept: 0,
            absent: LruCache::sparse(absent),
            flights: Flights::new(),
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
        let Ok(slot) = seek(&self.index, &self.items, hash, key) else {
            return Seen::Nothing;
        };
        match self.standing(slot, rules, barriers, true) {
            Standing::Fresh => {}
            Standing::Stale(past) => return self.value(slot, |stored| Seen::Stale(stored, past)),
            Standing::Dead(cause) => {
                self.drop_slot(slot, cause, gone);
                return Seen::Nothing;
            }
        }
        self.policy.hit(slot);
        if let Some(tenants) = &mut self.tenants {
            let marks = self.marks.get(slot as usize);
            tenants.used(marks.map_or(0, Marks::tenant), slot);
        }
        self.value(slot, Seen::Fresh)
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
        let found = seek(&self.index, &self.items, hash, key);
        found.is_ok_and(|slot| {
            let standing = self.standing(slot, rules, barriers, false);
            matches!(standing, Standing::Fresh)
        })
    }

    /// Takes in a value; what leaves for it is in `gone`.
    #[inline]
    pub(super) fn insert(
        &mut self,
        hash: u64,
        arrival: Arrival<K, V>,
        gone: &mut Gone<K, V>,
    ) -> Insertion {
        let Arrival {
            item,
            marks,
            weight,
        } = arrival;
        if Twice::samples(hash) {
            self.twice.insert(hash, weight);
        }
        let max = self.policy.max();
        if weight > max {
            self.take_out(hash, &item.key, RemovalCause::Replaced, gone);
            gone.refused = Some((item.key, item.stored.value));
            self.counts.refused += 1;
            return Insertion::TooHeavy { weight, max };
        }
        let tenant = marks.as_ref().map_or(0, Marks::tenant);
        let Some(slot) = self.place(hash, item, weight, gone) else {
            self.counts.refused += 1;
            return Insertion::NotAdmitted;
        };
        self.counts.inserted += 1;
        if marks.is_some() || !self.marks.is_empty() {
            self.mark(slot, marks.unwrap_or_else(Marks::usual));
        }
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
        self.outdate(key);
        self.take_out(hash, key, RemovalCause::Removed, gone)
    }

    /// Keeps what is loading, or was found not to be there, from being the answer for `key` from now on.
    #[inline]
    pub(super) fn outdate<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.flights.outdate(key);
        if !self.absent.is_empty() {
            self.absent.pop(key);
        }
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
            hits: self.asked.hits,
            misses: self.asked.misses,
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
        let is_taken = self.items.get(slot).is_some_and(Option::is_some);
        if is_taken
            && let Ok(slot) = u32::try_from(slot)
            && let Standing::Dead(cause) = self.standing(slot, rules, barriers, false)
        {
            self.drop_slot(slot, cause, gone);
        }
    }

    /// Puts the item where its key is, or where there is room.
    #[inline]
    fn place(
        &mut self,
        hash: u64,
        item: Item<K, V>,
        weight: u64,
        gone: &mut Gone<K, V>,
    ) -> Option<u32> {
        let vacancy = match seek(&self.index, &self.items, hash, &item.key) {
            Ok(slot) => {
                self.replace(slot, item, weight, gone);
                return Some(slot);
            }
            Err(vacancy) => vacancy,
        };
        let Some(slot) = self.policy.insert(hash, weight) else {
            gone.refused = Some((item.key, item.stored.value));
            return None;
        };
        let at = slot as usize;
        if self.items.len() <= at {
            self.items.resize_with(at + 1, || None);
        }
        *self.items.get_mut(at)? = Some(item);
        self.index.insert(vacancy, hash, slot);
        Some(slot)
    }

    fn replace(&mut self, slot: u32, item: Item<K, V>, weight: u64, gone: &mut Gone<K, V>) {
        if let Some(tenants) = &mut self.tenants {
            let marks = self.marks.get(slot as usize);
            tenants.remove(marks.map_or(0, Marks::tenant), slot);
        }
        self.policy.reweigh(slot, weight);
        self.policy.hit(slot);
        let place = self.items.get_mut(slot as usize);
        if let Some(old) = place.and_then(|place| place.replace(item)) {
            self.counts.count(RemovalCause::Replaced);
            gone.push(old.key, old.stored.value, RemovalCause::Replaced);
        }
    }

    /// Lets go of what must leave; `false` if `newest` was among it.
    #[inline]
    fn make_room(&mut self, newest: u32, gone: &mut Gone<K, V>) -> bool {
        let mut stays = true;
        while self.tenants.is_some()
            && self.policy.weight() > self.policy.max()
            && let Some(slot) = self.tenants.as_ref().and_then(|tenants| tenants.victim())
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
        let found = seek(&self.index, &self.items, hash, key);
        if let Ok(slot) = found {
            self.drop_slot(slot, cause, gone);
        }
        found.is_ok()
    }

    fn drop_slot(&mut self, slot: u32, cause: RemovalCause, gone: &mut Gone<K, V>) {
        if let Some(hash) = self.policy.hash_of(slot) {
            self.index.remove(hash, slot);
        }
        self.policy.remove(slot);
        let mut tenant = 0;
        if let Some(marks) = self.marks.get_mut(slot as usize) {
            tenant = marks.tenant();
            *marks = Marks::usual();
        }
        if let Some(tenants) = &mut self.tenants {
            tenants.remove(tenant, slot);
        }
        let item = self.items.get_mut(slot as usize).and_then(Option::take);
        if let Some(item) = item {
            self.counts.count(cause);
            gone.push(item.key, item.stored.value, cause);
        }
    }

    #[inline]
    fn value(&self, slot: u32, seen: impl FnOnce(Stored<V>) -> Seen<V>) -> Seen<V>
    where
        V: Clone,
    {
        match self.items.get(slot as usize) {
            Some(Some(item)) => seen(item.stored.clone()),
            _ => Seen::Nothing,
        }
    }

    /// How the entry stands. Where it is `asked` for and fresh, it counts as used now.
    #[inline]
    fn standing(
        &mut self,
        slot: u32,
        rules: &Rules<K, V>,
        barriers: &Barriers,
        asked: bool,
    ) -> Standing {
        let epoch = barriers.epoch();
        if epoch == 0 && self.marks.is_empty() {
            return Standing::Fresh;
        }
        self.judge(slot, epoch, rules, barriers, asked)
    }

    fn judge(
        &mut self,
        slot: u32,
        epoch: u64,
        rules: &Rules<K, V>,
        barriers: &Barriers,
        asked: bool,
    ) -> Standing {
        let at = slot as usize;
        if self.marks.len() <= at {
            self.marks.resize_with(at + 1, Marks::usual);
        }
        let (Some(Some(item)), Some(marks)) = (self.items.get(at), self.marks.get_mut(at)) else {
            return Standing::Fresh;
        };
        if marks.born != epoch {
            if barriers.bars(marks.born, marks.tags(), rules.path(&item.key)) {
                return Standing::Dead(RemovalCause::Invalidated);
            }
            marks.born = epoch;
        }
        if marks.fresh_until == NEVER && rules.idle.is_none() {
            return Standing::Fresh;
        }
        let now = rules.now();
        let idle = rules.idle.map_or(NEVER, nanos);
        if now >= marks.fresh_until.saturating_add(rules.grace())
            || (idle != NEVER && now >= marks.used().saturating_add(idle))
        {
            return Standing::Dead(RemovalCause::Expired);
        }
        if now >= marks.fresh_until {
            return Standing::Stale(now - marks.fresh_until);
        }
        if asked && let Some(rare) = &mut marks.rare {
            rare.used = now;
        }
        Standing::Fresh
    }

    #[cold]
    fn mark(&mut self, slot: u32, marks: Marks) {
        let at = slot as usize;
        if self.marks.len() <= at {
            self.marks.resize_with(at + 1, Marks::usual);
        }
        if let Some(place) = self.marks.get_mut(at) {
            *place = marks;
        }
    }
}

/// Finds the entry of a key, or where it would be.
#[inline]
fn seek<K, V, Q>(
    index: &Index,
    items: &[Option<Item<K, V>>],
    hash: u64,
    key: &Q,
) -> Result<u32, Vacancy>
where
    K: Borrow<Q>,
    Q: Eq + ?Sized,
{
    index.seek(hash, |slot| match items.get(slot as usize) {
        Some(Some(item)) => item.key.borrow() == key,
        _ => false,
    })
}
