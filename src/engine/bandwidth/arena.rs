//! The allocator itself: a tree in one vector, in pre-order, and the three passes over it.
//!
//! Letters in comments are those of the definition: D is what a node can use, G what it is guaranteed, f what its
//! guarantees were granted, x its rate.

use super::fill::{Filler, Vessel};

/// The part of a sum that is taken for rounding.
const NOISE: f64 = 1e-12;

/// A node as it is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    /// Against its siblings, above 0.
    pub(super) weight: f64,
    /// What it is guaranteed. Nothing: a group is guaranteed what its children are, a leaf nothing.
    pub(super) min: Option<f64>,
    /// The most it may have, infinite if nothing bounds it.
    pub(super) cap: f64,
}

/// A node and what is worked out about it.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    spec: Spec,
    /// Place of its parent, past all for the root.
    parent: usize,
    /// Place after its last descendant.
    end: usize,
    leaf: bool,
    /// What a leaf can use, as it was given.
    demand: f64,
    /// The tier of a leaf; the least of those below that can use anything.
    tier: u32,
    /// D; of a group first the sum over its children.
    wants: f64,
    /// G.
    promised: f64,
    /// Sum of G over its children.
    asked: f64,
    /// f.
    floor: f64,
    /// x; of a group the sum over its children.
    rate: f64,
    /// How much more it can take in the tier at hand.
    room: f64,
    /// How much it was just given.
    gain: f64,
}

impl Slot {
    pub(super) fn is_leaf(&self) -> bool {
        self.leaf
    }

    pub(super) fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(super) fn parent(&self) -> usize {
        self.parent
    }

    pub(super) fn floor(&self) -> f64 {
        self.floor
    }

    pub(super) fn rate(&self) -> f64 {
        self.rate
    }
}

/// A group whose children are guaranteed more than it can give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Short {
    pub(super) index: usize,
    pub(super) asked: f64,
    pub(super) granted: f64,
}

/// The tree, and room for the work, kept between solves.
#[derive(Debug, Default)]
pub(super) struct Arena {
    slots: Vec<Slot>,
    /// Groups that still take children, the innermost last.
    open: Vec<usize>,
    /// Tiers that can use anything, ascending.
    tiers: Vec<u32>,
    short: Vec<Short>,
    by_tier: Vec<(u32, usize)>,
    filler: Filler,
}

impl Arena {
    /// Begins a new tree in the room of the old.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.open.clear();
    }

    /// Adds a group; what follows until [`close`](Self::close) is below it.
    pub(super) fn group(&mut self, spec: Spec) -> usize {
        let index = self.push(spec, false, 0.0, u32::MAX);
        self.open.push(index);
        index
    }

    /// Ends the innermost group.
    pub(super) fn close(&mut self) {
        let end = self.slots.len();
        if let Some(slot) = self.open.pop().and_then(|index| self.slots.get_mut(index)) {
            slot.end = end;
        }
    }

    /// Adds a leaf.
    pub(super) fn leaf(&mut self, spec: Spec, demand: f64, tier: u32) -> usize {
        self.push(spec, true, demand, tier)
    }

    fn push(&mut self, spec: Spec, leaf: bool, demand: f64, tier: u32) -> usize {
        let index = self.slots.len();
        self.slots.push(Slot {
            spec,
            parent: self.open.last().copied().unwrap_or(usize::MAX),
            end: index + 1,
            leaf,
            demand,
            tier,
            wants: 0.0,
            promised: 0.0,
            asked: 0.0,
            floor: 0.0,
            rate: 0.0,
            room: 0.0,
            gain: 0.0,
        });
        index
    }

    /// Makes room for every solve of the tree as it is.
    pub(super) fn reserve(&mut self) {
        let nodes = self.slots.len();
        self.tiers.reserve(nodes);
        self.short.reserve(nodes);
        self.by_tier.reserve(nodes);
        self.filler.reserve(nodes);
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Groups that could not be given what their children are guaranteed, parents first.
    pub(super) fn short(&self) -> &[Short] {
        &self.short
    }

    /// Shares `capacity`. It may be infinite if something bounds every leaf.
    pub(super) fn solve(&mut self, capacity: f64) {
        self.measure(capacity);
        self.lay_floors();
        self.lend();
    }

    /// Works out D, G and tiers, children first.
    fn measure(&mut self, capacity: f64) {
        self.tiers.clear();
        for slot in &mut self.slots {
            (slot.wants, slot.asked, slot.rate) = (0.0, 0.0, 0.0);
            if !slot.leaf {
                slot.tier = u32::MAX;
            }
        }
        for index in (0..self.slots.len()).rev() {
            let Some((node, parent)) = with_parent(&mut self.slots, index) else {
                continue;
            };
            let limit = node.spec.cap.min(capacity);
            if node.leaf {
                node.wants = node.demand.min(limit);
                node.promised = node.spec.min.unwrap_or(0.0).min(node.wants);
                if node.wants > 0.0
                    && let Err(at) = self.tiers.binary_search(&node.tier)
                {
                    self.tiers.insert(at, node.tier);
                }
            } else {
                node.wants = node.wants.min(limit);
                // A guarantee of its own is the last word: children cannot inflate it.
                node.promised = node.spec.min.unwrap_or(node.asked).min(node.wants);
            }
            if let Some(parent) = parent {
                parent.wants += node.wants;
                parent.asked += node.promised;
                if node.wants > 0.0 {
                    parent.tier = parent.tier.min(node.tier);
                }
            }
        }
    }

    /// Grants guarantees, parents first.
    fn lay_floors(&mut self) {
        self.short.clear();
        if let Some(root) = self.slots.first_mut() {
            root.floor = root.wants;
        }
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(index) else {
                continue;
            };
            if slot.leaf {
                slot.rate = slot.floor;
                continue;
            }
            let (floor, asked, end) = (slot.floor, slot.asked, slot.end);
            if asked <= floor {
                each_child(&mut self.slots, index, end, |_, child| {
                    child.floor = child.promised;
                });
                continue;
            }
            if asked > floor * (1.0 + NOISE) {
                self.short.push(Short {
                    index,
                    asked,
                    granted: floor,
                });
            }
            self.share_floor(index, end, floor);
        }
    }

    /// Shares what there is for guarantees that do not all fit, by tiers.
    fn share_floor(&mut self, index: usize, end: usize, floor: f64) {
        let Self { slots, by_tier, .. } = self;
        by_tier.clear();
        each_child(slots, index, end, |at, child| {
            child.floor = 0.0;
            if child.promised > 0.0 {
                by_tier.push((child.tier, at));
            }
        });
        by_tier.sort_unstable();
        let mut left = floor;
        for tier in by_tier.chunk_by(|(one, _), (other, _)| one == other) {
            let promised = tier.iter().filter_map(|(_, at)| slots.get(*at));
            let asked: f64 = promised.map(|child| child.promised).sum();
            let paid = if asked <= left { 1.0 } else { left / asked };
            for (_, at) in tier {
                if let Some(child) = slots.get_mut(*at) {
                    child.floor = child.promised * paid;
                }
            }
            left = (left - asked).max(0.0);
        }
    }

    /// Lends what each group was granted and does not use, innermost first; the root lends all that is left.
    fn lend(&mut self) {
        for index in (0..self.slots.len()).rev() {
            let Some(slot) = self.slots.get(index) else {
                continue;
            };
            let left = slot.floor - slot.rate;
            // Only a group with a guarantee of its own, and the root, have anything left.
            if !slot.leaf && left > slot.floor * NOISE {
                self.lend_below(index, slot.end, left);
            }
            if let Some((node, Some(parent))) = with_parent(&mut self.slots, index) {
                parent.rate += node.rate;
            }
        }
    }

    fn lend_below(&mut self, lender: usize, end: usize, mut left: f64) {
        for at in 0..self.tiers.len() {
            let Some(tier) = self.tiers.get(at).copied() else {
                return;
            };
            let amount = self.find_room(lender, end, tier).min(left);
            if amount > 0.0 {
                self.pour(lender, end, amount);
                left -= amount;
                if left <= 0.0 {
                    return;
                }
            }
        }
    }

    /// Works out how much of a tier everyone below `lender` can take, and returns it for `lender` itself.
    fn find_room(&mut self, lender: usize, end: usize, tier: u32) -> f64 {
        let below = self.slots.get_mut(lender..end).unwrap_or_default();
        for slot in below.iter_mut() {
            slot.room = 0.0;
        }
        for index in (0..below.len()).rev() {
            let Some((before, [node, ..])) = below.split_at_mut_checked(index) else {
                continue;
            };
            node.room = match node.leaf {
                true if node.tier == tier => (node.wants - node.rate).max(0.0),
                true => continue,
                false => (node.spec.cap - node.rate).max(0.0).min(node.room),
            };
            if let Some(parent) = node
                .parent
                .checked_sub(lender)
                .and_then(|parent| before.get_mut(parent))
            {
                parent.room += node.room;
            }
        }
        below.first().map_or(0.0, |slot| slot.room)
    }

    /// Hands `amount` down from `lender`, sharing it at every group by weight.
    fn pour(&mut self, lender: usize, end: usize, amount: f64) {
        let Self { slots, filler, .. } = self;
        if let Some(slot) = slots.get_mut(lender) {
            slot.gain = amount;
        }
        for index in lender..end {
            let Some(slot) = slots.get_mut(index) else {
                return;
            };
            let gain = std::mem::take(&mut slot.gain);
            if gain <= 0.0 {
                continue;
            }
            slot.rate += gain;
            if slot.leaf {
                slot.rate = slot.rate.min(slot.wants);
                continue;
            }
            filler.clear();
            let end = slot.end;
            each_child(slots, index, end, |index, child| {
                if child.room > 0.0 {
                    filler.add(Vessel {
                        index,
                        base: child.rate,
                        top: child.rate + child.room,
                        weight: child.spec.weight,
                    });
                }
            });
            filler.pour(gain, |index, by| {
                if let Some(child) = slots.get_mut(index) {
                    child.gain = by;
                }
            });
        }
    }
}

/// The node at a place, and its parent unless it is the root.
fn with_parent(slots: &mut [Slot], index: usize) -> Option<(&mut Slot, Option<&mut Slot>)> {
    let (before, rest) = slots.split_at_mut_checked(index)?;
    let node = rest.first_mut()?;
    let parent = before.get_mut(node.parent);
    Some((node, parent))
}

fn each_child(
    slots: &mut [Slot],
    index: usize,
    end: usize,
    mut visit: impl FnMut(usize, &mut Slot),
) {
    let mut at = index + 1;
    while at < end {
        let Some(child) = slots.get_mut(at) else {
            return;
        };
        let next = child.end;
        visit(at, child);
        at = next;
    }
}
