//! The policy: a window that learns its size, two segments behind it, and contests between them.

use super::ghosts::Side;
use super::past::{Past, Return};
use super::queues::{Node, Queues, Segment};

/// The window is kept in this part of a unit of weight.
const PART: u64 = 16;
/// How far the window moves for one that came again, in [`PART`]s of its weight, and at most how many times that.
const STEP: u64 = 5;
const MOST_STEPS: u64 = 10;
/// A contest is decided over as many entries on one side as this.
const MOST_VICTIMS: usize = 32;
/// So many entries that were used are passed by at most, before one of them leaves all the same: nobody waits long.
const MOST_PASSED: usize = 64;
/// As many uses as a counter of the sketch holds.
const MOST_USES: u8 = 15;

/// Decides what leaves. A use costs a count; an insertion a few steps, however much is held.
///
/// New entries enter a *window*. What falls out of it meets the oldest entry on *probation*, and the one that was
/// used more often lately stays (W-TinyLFU); of those that stay, the ones used again are *protected* (segmented
/// LRU). Alone that does well on scans and badly on recency, or the reverse, by the size of the window. Three things
/// make it do well on both:
///
/// - **The window learns its size** from what left and came again, which is remembered by hash (ghosts, as in ARC).
///   One that had been turned away at the window says that the window is too small; one that had to leave the main
///   part says that it is too large. Each moves it a little, the rarer kind more, and only if it came so soon that
///   another size would have kept it: what comes after a longer loop says nothing.
/// - **What comes again as soon as that** is protected at once.
/// - **Who won a contest is asked last next time**: the newcomers of a scan meet every entry on probation in turn, and
///   not one of them again and again, behind which nothing else would move.
///
/// The order of use is kept as CLOCK keeps it: a use is noted in the entry, and one that was used goes to the front
/// again when it has become the oldest, instead of at every use.
///
/// Sources: G. Einziger et al., "Adaptive Software Cache Management", <https://doi.org/10.1145/3274808.3274816>
/// (the window); N. Megiddo, D. S. Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 03 (ghosts);
/// G. Einziger et al., "Lightweight Robust Size Aware Cache Management", <https://arxiv.org/abs/2105.08770> (weights).
#[derive(Debug)]
pub(crate) struct Policy {
    queues: Queues,
    past: Past,
    max: u64,
    /// The window's size in [`PART`]s of a unit.
    window: u64,
    /// What the window and the protected entries may weigh, by its size.
    most: Most,
    /// What must leave, and has not been told yet.
    condemned: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Most {
    window: u64,
    protected: u64,
}

impl Most {
    fn new(max: u64, window: u64) -> Self {
        let window = (window / PART).max(1);
        Self {
            window,
            protected: max.saturating_sub(window) / 5 * 4,
        }
    }
}

impl Policy {
    /// Makes a policy that holds entries of at most `max` together.
    pub(crate) fn new(max: u64) -> Self {
        let max = max.min(u64::MAX / PART / 2);
        let window = max.saturating_mul(PART) / 10;
        Self {
            queues: Queues::new(),
            past: Past::new(),
            max,
            window,
            most: Most::new(max, window),
            condemned: Vec::new(),
        }
    }

    /// The most that may be held.
    #[inline]
    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    /// What is held.
    #[inline]
    pub(crate) fn weight(&self) -> u64 {
        self.queues.total()
    }

    /// How many entries are held.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.queues.len()
    }

    /// The hash of an entry that is held.
    #[inline]
    pub(crate) fn hash_of(&self, slot: u32) -> Option<u64> {
        self.queues.node(slot).map(|node| node.hash)
    }

    /// Takes in an entry and returns its number, by which it is known from now on; `None` if it is heavier than all
    /// that may be held. [`evict`](Self::evict) then tells what leaves for it, maybe itself.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, weight: u64) -> Option<u32> {
        if weight > self.max {
            return None;
        }
        let soon = self.queues.len() as u64 * 4 / 5;
        let (count, back) = self.past.come(hash, soon);
        let segment = match back {
            Some(back) if self.learn(back, weight) => Segment::Protected,
            _ => Segment::Window,
        };
        let node = Node {
            hash,
            weight,
            uncounted: 0,
            count,
            fades: self.past.fades(),
            segment: Some(segment),
        };
        let slot = self.queues.add(node, segment)?;
        if segment == Segment::Window && weight > self.most.window {
            // Otherwise it would drive all others out of the window before it is compared itself.
            self.queues.put_last(segment);
        }
        self.past.grow(self.queues.len());
        Some(slot)
    }

    /// Notes a use of an entry. It is counted, and the entry moves, when the entry is the oldest of its queue and
    /// could leave: a use itself writes to nothing else.
    #[inline]
    pub(crate) fn hit(&mut self, slot: u32) {
        self.queues.hit(slot);
    }

    /// Changes what an entry weighs; `false` if that is more than all that may be held, and nothing was changed.
    pub(crate) fn reweigh(&mut self, slot: u32, weight: u64) -> bool {
        let fits = weight <= self.max;
        if fits {
            self.queues.reweigh(slot, weight);
        }
        fits
    }

    /// Lets go of an entry, or of the number of one that was taken out.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) {
        self.queues.release(slot);
    }

    /// Takes out the next entry that must leave, until there is room; to be called until it returns `None`.
    ///
    /// The entry is still known by its number until [`remove`](Self::remove) is called with it.
    #[inline]
    pub(crate) fn evict(&mut self) -> Option<u32> {
        let settled = self.condemned.is_empty()
            && self.queues.total() <= self.max
            && self.queues.weight(Segment::Window) <= self.most.window
            && self.queues.weight(Segment::Protected) <= self.most.protected;
        if settled { None } else { self.settle() }
    }

    fn settle(&mut self) -> Option<u32> {
        if let Some(slot) = self.condemned.pop() {
            return Some(slot);
        }
        self.demote();
        loop {
            let excess = self.queues.total().saturating_sub(self.max);
            let newcomer = if self.queues.weight(Segment::Window) > self.most.window {
                self.unused(Segment::Window, Segment::Window)
            } else {
                None
            };
            let (slot, segment, side) = match (newcomer, excess) {
                (None, 0) => return None,
                (Some(_), 0) => {
                    self.queues.shift(Segment::Window, Segment::Probation);
                    continue;
                }
                (Some(newcomer), excess) => self.contest(newcomer, excess),
                (None, _) => self.eldest()?,
            };
            self.lose(slot, segment, side);
            return Some(slot);
        }
    }

    /// Compares the oldest of the window with those on probation for longest, and returns who leaves: the newcomer
    /// itself, unless the others were used less together. Then it goes on probation.
    #[inline]
    fn contest(&mut self, newcomer: u32, excess: u64) -> (u32, Segment, Side) {
        let lost = (newcomer, Segment::Window, Side::Newcomer);
        let (Some((first, main)), Some(node)) = (self.resident(), self.queues.node(newcomer))
        else {
            return lost;
        };
        let needed = excess.min(node.weight);
        let uses = self.count(node);
        let (mut freed, mut against, mut places) = (0, 0, 0);
        let mut next = Some(first);
        while freed < needed
            && against < uses
            && places < MOST_VICTIMS
            && let Some(slot) = next
            && let Some(resident) = self.queues.node(slot)
        {
            freed += resident.weight;
            // The oldest has none to be counted, or leaves all the same; those behind it were not looked at.
            let uncounted = if places == 0 {
                0
            } else {
                self.queues.uncounted(slot)
            };
            against += (self.count(resident) + u64::from(uncounted)).min(u64::from(MOST_USES));
            places += 1;
            next = self.queues.at(main, places);
        }
        if freed < needed || against >= uses {
            // Who won a contest is asked last next time.
            (0..places).for_each(|_| self.queues.turn(main));
            return lost;
        }
        self.queues.shift(Segment::Window, Segment::Probation);
        (
            self.condemn(main, freed).unwrap_or(first),
            main,
            Side::Resident,
        )
    }

    /// Takes out the oldest entries of a segment that weigh `freed` together, but for the last of them, which is
    /// returned.
    #[inline]
    fn condemn(&mut self, segment: Segment, mut freed: u64) -> Option<u32> {
        loop {
            let oldest = self.queues.oldest(segment)?;
            let weight = self.queues.node(oldest)?.weight;
            if weight >= freed {
                return Some(oldest);
            }
            freed -= weight;
            self.lose(oldest, segment, Side::Resident);
            self.condemned.push(oldest);
        }
    }

    /// Takes out the oldest entry of a segment, and remembers it.
    #[inline]
    fn lose(&mut self, slot: u32, segment: Segment, side: Side) {
        self.queues.take(slot, segment);
        if let Some(node) = self.queues.node(slot) {
            let uses = node.uncounted.saturating_add(self.queues.uses(slot));
            self.past.leave(node.hash, u64::from(uses), side);
        }
    }

    /// Learns from one that came again, if it came so soon that another window would have kept it.
    fn learn(&mut self, back: Return, weight: u64) -> bool {
        let whole = self.max.saturating_mul(PART);
        let (least, most) = (whole / 100, whole / 5 * 4);
        let room = match back.side {
            Side::Newcomer => most.saturating_sub(self.window),
            Side::Resident => self.window.saturating_sub(least),
        };
        let mean = self.queues.total() / (self.queues.len() as u64).max(1);
        if back.after.saturating_mul(mean.max(1)) > room / PART {
            return false;
        }
        let newcomers = self.past.left(Side::Newcomer);
        let residents = self.past.left(Side::Resident);
        let step = STEP.saturating_mul(weight);
        let by = |own: u64, other: u64| {
            let rarity = other.saturating_mul(step) / (own + 1);
            rarity.clamp(step, step.saturating_mul(MOST_STEPS))
        };
        let window = match back.side {
            Side::Newcomer => self.window.saturating_add(by(newcomers, residents)),
            Side::Resident => self.window.saturating_sub(by(residents, newcomers)),
        };
        self.window = window.clamp(least, most);
        self.most = Most::new(self.max, self.window);
        true
    }

    /// Who leaves when the window is small enough.
    fn eldest(&mut self) -> Option<(u32, Segment, Side)> {
        let (slot, segment) = match self.resident() {
            Some(resident) => resident,
            None => (self.queues.oldest(Segment::Window)?, Segment::Window),
        };
        Some((slot, segment, Side::Resident))
    }

    /// The one that leaves the main part next, and its segment.
    #[inline]
    fn resident(&mut self) -> Option<(u32, Segment)> {
        match self.unused(Segment::Probation, Segment::Protected) {
            Some(slot) => Some((slot, Segment::Probation)),
            None => {
                let slot = self.unused(Segment::Protected, Segment::Protected)?;
                Some((slot, Segment::Protected))
            }
        }
    }

    /// The oldest entry of a segment that was not used since it came there; those that were go to `used`, and their
    /// uses are counted.
    #[inline]
    fn unused(&mut self, segment: Segment, used: Segment) -> Option<u32> {
        let slot = self.queues.unused(segment);
        slot.or_else(|| self.pass_by(segment, used))
    }

    #[cold]
    fn pass_by(&mut self, segment: Segment, used: Segment) -> Option<u32> {
        for _ in 0..MOST_PASSED {
            let slot = self.queues.oldest(segment)?;
            let uses = self.queues.take_uses(slot);
            if uses == 0 {
                return Some(slot);
            }
            let node = self.queues.node_mut(slot)?;
            node.uncounted = node.uncounted.saturating_add(uses);
            node.count = faded(node, self.past.fades())
                .saturating_add(uses)
                .min(MOST_USES);
            node.fades = self.past.fades();
            self.past.pass(u64::from(uses));
            if segment == used {
                self.queues.turn(segment);
            } else {
                self.queues.shift(segment, used);
            }
        }
        self.queues.oldest(segment)
    }

    /// How often an entry was used lately.
    fn count(&self, node: &Node) -> u64 {
        u64::from(faded(node, self.past.fades()))
    }

    /// Keeps the protected segment at four fifths of the main part.
    #[inline]
    fn demote(&mut self) {
        while self.queues.weight(Segment::Protected) > self.most.protected
            && self
                .unused(Segment::Protected, Segment::Protected)
                .is_some()
        {
            self.queues.shift(Segment::Protected, Segment::Probation);
        }
    }
}

/// The count of an entry, halved as often as everything was since it was taken.
fn faded(node: &Node, fades: u8) -> u8 {
    let since = fades.wrapping_sub(node.fades);
    node.count.checked_shr(u32::from(since)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::id::split_mix;

    /// Runs keys of weight one through a policy, and returns how many were found.
    fn hits(max: u64, keys: impl IntoIterator<Item = u64>) -> usize {
        let mut policy = Policy::new(max);
        let mut slots: HashMap<u64, u32> = HashMap::new();
        let mut keys_of: HashMap<u32, u64> = HashMap::new();
        let mut hits = 0;
        for key in keys {
            if let Some(slot) = slots.get(&key) {
                policy.hit(*slot);
                hits += 1;
                continue;
            }
            let slot = policy.insert(split_mix(&mut key.clone()), 1).unwrap();
            slots.insert(key, slot);
            keys_of.insert(slot, key);
            while let Some(slot) = policy.evict() {
                slots.remove(&keys_of[&slot]);
                policy.remove(slot);
            }
            assert!(policy.weight() <= max);
            assert_eq!(policy.len(), slots.len());
        }
        hits
    }

    #[test]
    fn a_loop_longer_than_the_cache_keeps_a_part_of_it() {
        for (length, least) in [(600, 0.15), (1_000, 0.35), (2_000, 0.18)] {
            let found = hits(500, (0..60_000).map(|n| n % length));
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let share = found as f64 / 60_000.0;
            assert!(share > least, "{share} of a loop of {length}");
        }
    }

    #[test]
    fn one_long_scan_leaves_what_is_used_often() {
        let mut state = 3;
        let mut keys: Vec<u64> = (0..20_000).map(|_| split_mix(&mut state) % 400).collect();
        keys.extend(1_000..50_000);
        let before = hits(500, keys.iter().copied());
        keys.extend(0..400);
        let after = hits(500, keys) - before;
        assert!(after > 300, "{after} of 400 were left");
    }

    #[test]
    fn what_was_used_lately_is_found() {
        for distance in [40, 100, 200] {
            let keys = (1_000..31_000).flat_map(|n: u64| [n, n - distance]);
            let found = hits(500, keys);
            assert!(found > 27_500, "{found} of 30000 at {distance}");
        }
    }

    #[test]
    fn a_heavy_newcomer_needs_more_uses_than_all_it_displaces() {
        let mut policy = Policy::new(100);
        for n in 0..100 {
            let slot = policy.insert(split_mix(&mut n.clone()), 1).unwrap();
            (0..3).for_each(|_| policy.hit(slot));
            assert_eq!(policy.evict(), None);
        }
        let heavy = policy.insert(split_mix(&mut 1_000), 50).unwrap();
        let mut left = Vec::new();
        while let Some(slot) = policy.evict() {
            left.push(slot);
            policy.remove(slot);
        }
        assert_eq!(left, [heavy]);
        assert_eq!((policy.len(), policy.weight()), (100, 100));
        assert_eq!(policy.insert(1, 101), None);
    }

    #[test]
    fn uses_of_all_whom_a_newcomer_displaces_count_against_it() {
        let mut policy = Policy::new(100);
        let mut slots = Vec::new();
        for n in 0..100 {
            slots.push(policy.insert(split_mix(&mut n.clone()), 1).unwrap());
            assert_eq!(policy.evict(), None);
        }
        // Only the oldest was not used again.
        for slot in &slots[1..] {
            (0..15).for_each(|_| policy.hit(*slot));
        }
        let hash = split_mix(&mut 1_000);
        (0..12).for_each(|_| _ = policy.past.come(hash, 0));
        let heavy = policy.insert(hash, 11).unwrap();
        assert_eq!(policy.evict(), Some(heavy));
        policy.remove(heavy);
        assert_eq!(policy.evict(), None);
        assert_eq!(policy.len(), 100);
    }
}
