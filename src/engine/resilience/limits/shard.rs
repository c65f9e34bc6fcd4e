//! One part of the table of keys: open addressing with linear probing, 32 bytes a slot.
//!
//! A key is known by 64 bits of a keyed hash. Nothing of the key itself is kept, so that memory does not grow
//! with its length. That a new key is taken for one of a million others has a chance of 2^-44; they would then
//! share one counter, never go free.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use super::hits::{Budget, Rules, State};

/// The hash of a key: its low bits choose the shard, its high ones the place in there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tag(pub(super) u64);

/// A place in the table. Aligned, so that none lies across two lines of the cache.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Slot {
    tag: Tag,
    /// Which counter of the [`Census`] it was counted in.
    scope: u32,
    state: State,
}

/// What all shards of a limiter have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) rules: Rules,
    pub(super) budget: Budget,
    pub(super) census: Census,
}

/// How many keys are counted, in all and by scope. Touched only when a key comes or goes.
///
/// Scopes are told apart by some bits of their hash: two that share a counter share their part of
/// the room, which is then smaller for each and never larger.
#[derive(Debug)]
pub(super) struct Census {
    all: AtomicUsize,
    max: usize,
    scopes: Box<[AtomicU32]>,
    share: u32,
}

impl Census {
    const MOST_SCOPES: usize = 1 << 16;

    pub(super) fn new(max: usize, share: usize) -> Self {
        let scopes = max
            .checked_next_power_of_two()
            .map_or(Self::MOST_SCOPES, |size| size.min(Self::MOST_SCOPES));
        Self {
            all: AtomicUsize::new(0),
            max,
            scopes: (0..scopes).map(|_| AtomicU32::new(0)).collect(),
            share: u32::try_from(share).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn keys(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }

    /// Which counter a scope has.
    #[expect(clippy::cast_possible_truncation, reason = "some bits of a hash")]
    pub(super) fn scope(&self, hash: u64) -> u32 {
        hash as u32 & u32::try_from(self.scopes.len() - 1).unwrap_or(0)
    }

    fn enter(&self, scope: u32) -> bool {
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        let more = |count: usize| (count < self.max).then(|| count.saturating_add(1));
        if self.all.try_update(set, get, more).is_err() {
            return false;
        }
        let more = |count: u32| (count < self.share).then(|| count.saturating_add(1));
        let own = self.counter(scope);
        if own.is_some_and(|own| own.try_update(set, get, more).is_ok()) {
            return true;
        }
        self.all.fetch_sub(1, Ordering::Relaxed);
        false
    }

    fn leave(&self, scope: u32) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        if let Some(own) = self.counter(scope) {
            own.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn counter(&self, scope: u32) -> Option<&AtomicU32> {
        self.scopes.get(usize::try_from(scope).ok()?)
    }
}

/// The time of a shard in nanoseconds: that of the host's clock while it goes forward. When the
/// clock goes back, this stands still for the jump and goes on from there at the clock's pace, so
/// that nobody is freed early and nobody waits for the clock to come back.
#[derive(Debug)]
struct Time {
    seen: u64,
    own: u64,
}

impl Time {
    fn advance(&mut self, elapsed: Duration) -> u64 {
        let seen = nanos(elapsed);
        self.own = self.own.saturating_add(seen.saturating_sub(self.seen));
        self.seen = seen;
        self.own
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// One part of the table.
#[derive(Debug)]
pub(super) struct Shard {
    time: Time,
    slots: Vec<Slot>,
    live: usize,
    /// Where the sweep goes on.
    hand: usize,
    checks: u32,
}

impl Shard {
    const LEAST: usize = 8;

    pub(super) fn new(elapsed: Duration) -> Self {
        let seen = nanos(elapsed);
        Self {
            time: Time { seen, own: 0 },
            slots: Vec::new(),
            live: 0,
            hand: 0,
            checks: 0,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity().saturating_mul(size_of::<Slot>())
    }

    pub(super) fn advance(&mut self, elapsed: Duration) -> u64 {
        self.time.advance(elapsed)
    }

    /// Looks at two slots a check, eight at a time, and forgets what no limit counts any more.
    pub(super) fn sweep_now_and_then(&mut self, now: u64, shared: &Shared) {
        self.checks = self.checks.wrapping_add(1);
        if self.checks.is_multiple_of(4) {
            self.sweep(8, now, shared);
        }
    }

    /// Looks at the next `steps` slots, and forgets what no limit counts any more.
    pub(super) fn sweep(&mut self, steps: usize, now: u64, shared: &Shared) {
        for _ in 0..steps.min(self.slots.len()) {
            if self.hand >= self.slots.len() {
                self.hand = 0;
                self.fit(now, shared);
            }
            let at = self.hand;
            let Some(slot) = self.slots.get_mut(at) else {
                return;
            };
            if slot.state.is_empty() {
                self.hand += 1;
                continue;
            }
            slot.state.sweep(&shared.rules, now, &shared.budget);
            if slot.state.is_empty() {
                // What stood behind it may have moved here, so the hand stays.
                self.remove(at, shared);
            } else {
                self.hand += 1;
            }
        }
    }

    /// Returns where a key stands.
    pub(super) fn find(&self, tag: Tag) -> Option<usize> {
        let mut at = self.home(tag)?;
        loop {
            let slot = self.slots.get(at)?;
            if slot.state.is_empty() {
                return None;
            }
            if slot.tag == tag {
                return Some(at);
            }
            at = self.after(at);
        }
    }

    pub(super) fn state(&mut self, at: usize) -> Option<&mut State> {
        self.slots.get_mut(at).map(|slot| &mut slot.state)
    }

    /// Adds a key that is not there, unless there is no room for it.
    pub(super) fn insert(
        &mut self,
        key: (Tag, u32),
        state: State,
        now: u64,
        shared: &Shared,
    ) -> bool {
        let (tag, scope) = key;
        if !shared.census.enter(scope) {
            return false;
        }
        if self.live.saturating_add(1).saturating_mul(4) > self.slots.len().saturating_mul(3) {
            self.rebuild(now, shared);
        }
        self.place(Slot { tag, scope, state });
        self.live += 1;
        true
    }

    /// Takes a key out, and moves what stands behind it so that everything is still found.
    pub(super) fn remove(&mut self, at: usize, shared: &Shared) {
        let Some(slot) = self.slots.get_mut(at) else {
            return;
        };
        shared.census.leave(slot.scope);
        *slot = Slot::default();
        self.live = self.live.saturating_sub(1);
        let (mut hole, mut next) = (at, self.after(at));
        while let Some(slot) = self.slots.get(next)
            && !slot.state.is_empty()
        {
            let home = self.home(slot.tag).unwrap_or(next);
            if self.distance(home, next) >= self.distance(hole, next) {
                self.slots.swap(hole, next);
                hole = next;
            }
            next = self.after(next);
        }
    }

    /// Returns where a key would stand in an empty table.
    fn home(&self, tag: Tag) -> Option<usize> {
        let wide = (tag.0 >> 32).checked_mul(u64::try_from(self.slots.len()).ok()?)?;
        usize::try_from(wide >> 32).ok()
    }

    fn after(&self, at: usize) -> usize {
        let next = at + 1;
        if next < self.slots.len() { next } else { 0 }
    }

    /// How far it is from `from` on to `to`, round the end.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from {
            to - from
        } else {
            to + self.slots.len() - from
        }
    }

    fn place(&mut self, slot: Slot) {
        let Some(mut at) = self.home(slot.tag) else {
            return;
        };
        // A table is never more than three quarters full.
        while self.slots.get(at).is_some_and(|own| !own.state.is_empty()) {
            at = self.after(at);
        }
        if let Some(free) = self.slots.get_mut(at) {
            *free = slot;
        }
    }

    /// Gives memory back once the table is four fifths empty.
    fn fit(&mut self, now: u64, shared: &Shared) {
        let size = self.slots.len();
        if size > 8 * Self::LEAST && self.live.saturating_mul(5) < size {
            self.rebuild(now, shared);
        }
    }

    /// Makes a table that is half full of what is not idle. Idle keys must not come along: where the
    /// sweep has not been they stand close together, and would stand closer.
    fn rebuild(&mut self, now: u64, shared: &Shared) {
        for slot in &mut self.slots {
            if !slot.state.is_empty() {
                slot.state.sweep(&shared.rules, now, &shared.budget);
                if slot.state.is_empty() {
                    shared.census.leave(slot.scope);
                    self.live = self.live.saturating_sub(1);
                }
            }
        }
        let size = self.live.saturating_add(1).saturating_mul(28) / 15;
        let mut empty = Vec::new();
        empty.reserve_exact(size.max(Self::LEAST));
        empty.resize_with(size.max(Self::LEAST), Slot::default);
        self.hand = 0;
        for slot in std::mem::replace(&mut self.slots, empty) {
            if !slot.state.is_empty() {
                self.place(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::resilience::limits::Limit;

    #[test]
    fn r1_a_slot_takes_32_bytes() {
        assert_eq!(size_of::<Slot>(), 32);
    }

    #[test]
    fn a_clock_that_goes_back_stands_still_and_then_goes_on() {
        let mut time = Time { seen: 100, own: 0 };
        assert_eq!(time.advance(Duration::from_nanos(150)), 50);
        assert_eq!(time.advance(Duration::from_nanos(10)), 50);
        assert_eq!(time.advance(Duration::from_nanos(30)), 70);
    }

    #[test]
    fn keys_are_found_until_they_are_removed_whatever_stands_around_them() {
        let shared = Shared {
            rules: Rules::new(&[Limit::new(1, Duration::from_secs(1)).unwrap()]),
            budget: Budget::new(0),
            census: Census::new(1 << 20, 1 << 20),
        };
        let mut shard = Shard::new(Duration::ZERO);
        // Few homes for many keys, at the end of the table too, so that runs wrap round.
        let tag = |n: u32| Tag(u64::from(u32::MAX / 7 * (n % 8)) << 32 | u64::from(n));
        let mut model: Vec<u32> = Vec::new();
        for n in 0..4_000_u32 {
            if n % 3 == 2 {
                let index = usize::try_from(n.wrapping_mul(2_654_435_761) >> 8).unwrap();
                let gone = model.swap_remove(index % model.len());
                let at = shard.find(tag(gone)).unwrap();
                shard.remove(at, &shared);
                assert_eq!(shard.find(tag(gone)), None);
            } else {
                let state = State::One { cost: 1, at: 0 };
                assert!(shard.insert((tag(n), 0), state, 0, &shared));
                model.push(n);
            }
            if n % 97 == 0 {
                assert!(model.iter().all(|n| shard.find(tag(*n)).is_some()));
            }
        }
        assert_eq!(shared.census.keys(), model.len());
    }
}
