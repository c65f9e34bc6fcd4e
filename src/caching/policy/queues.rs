//! Entries by number, each in one of three queues.

use std::collections::VecDeque;

/// The parts of the cache, and the queues that hold them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Segment {
    /// New entries, which have not been compared with any other yet.
    Window,
    /// Entries that were kept once, and not used since.
    Probation,
    /// Entries that were used while on probation.
    Protected,
}

/// What the policy knows of an entry.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) hash: u64,
    pub(super) weight: u64,
    /// Uses that the sketch knows nothing of.
    pub(super) uncounted: u8,
    /// All uses lately, as of the time at which everything had been halved `fades` times.
    pub(super) count: u8,
    pub(super) fades: u8,
    /// `None` if the entry left.
    pub(super) segment: Option<Segment>,
}

/// Entries and the order in which they stand.
///
/// Entries leave a queue, and go from one to another, at its old end. One that is removed elsewhere keeps its place,
/// and thereby its number, until that place comes to the end or until more places are empty than taken: then all of
/// them are let go of in one pass, so that a removal costs the same however many there are.
#[derive(Debug)]
pub(super) struct Queues {
    /// Uses of each entry since it last came to an end of its queue, or [`EMPTY`]. Apart from all else, so that those
    /// of sixty-four entries share a line of the processor's cache: a use writes to nothing but this.
    uses: Vec<u8>,
    nodes: Vec<Node>,
    window: Queue,
    probation: Queue,
    protected: Queue,
    free: Vec<u32>,
    /// How many entries there are.
    len: usize,
    /// How many places are empty.
    empty: usize,
}

#[derive(Debug, Default)]
struct Queue {
    /// From the oldest to the newest.
    order: VecDeque<u32>,
    weight: u64,
}

/// In place of the uses of an entry that was removed before it came to the end of its queue.
const EMPTY: u8 = u8::MAX;

/// So many empty places are not worth a pass.
const FEW: usize = 32;

impl Queues {
    pub(super) fn new() -> Self {
        // No entry has the number 0.
        let nobody = Node {
            hash: 0,
            weight: 0,
            uncounted: 0,
            count: 0,
            fades: 0,
            segment: None,
        };
        Self {
            uses: vec![0],
            nodes: vec![nobody],
            window: Queue::default(),
            probation: Queue::default(),
            protected: Queue::default(),
            free: Vec::new(),
            len: 0,
            empty: 0,
        }
    }

    /// Takes in an entry as the newest of `segment`, and returns its number; `None` when all 2³² places are taken.
    #[inline]
    pub(super) fn add(&mut self, node: Node, segment: Segment) -> Option<u32> {
        let weight = node.weight;
        let slot = match self.free.pop() {
            Some(slot) => {
                *self.node_mut(slot)? = node;
                *self.uses.get_mut(slot as usize)? = 0;
                slot
            }
            None => self.widen(node)?,
        };
        self.len += 1;
        let queue = self.queue_mut(segment);
        queue.weight += weight;
        queue.order.push_back(slot);
        Some(slot)
    }

    #[cold]
    fn widen(&mut self, node: Node) -> Option<u32> {
        let slot = u32::try_from(self.nodes.len()).ok()?;
        self.nodes.push(node);
        self.uses.push(0);
        Some(slot)
    }

    #[inline]
    pub(super) fn node(&self, slot: u32) -> Option<&Node> {
        self.nodes.get(slot as usize)
    }

    #[inline]
    pub(super) fn node_mut(&mut self, slot: u32) -> Option<&mut Node> {
        self.nodes.get_mut(slot as usize)
    }

    /// Notes a use.
    #[inline]
    pub(super) fn hit(&mut self, slot: u32) {
        if let Some(uses) = self.uses.get_mut(slot as usize) {
            *uses += u8::from(*uses < EMPTY - 1);
        }
    }

    /// How often the entry was used since it last came to an end.
    #[inline]
    pub(super) fn uses(&self, slot: u32) -> u8 {
        self.uses.get(slot as usize).copied().unwrap_or(0)
    }

    /// The uses of the entry since they were last counted; none of an empty place.
    pub(super) fn uncounted(&self, slot: u32) -> u8 {
        Some(self.uses(slot))
            .filter(|uses| *uses != EMPTY)
            .unwrap_or(0)
    }

    /// Begins to count the uses of the entry anew, and returns how many there were.
    pub(super) fn take_uses(&mut self, slot: u32) -> u8 {
        let uses = self.uses.get_mut(slot as usize);
        uses.map_or(0, std::mem::take)
    }

    /// How many entries there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn weight(&self, segment: Segment) -> u64 {
        self.queue(segment).weight
    }

    #[inline]
    pub(super) fn total(&self) -> u64 {
        self.window.weight + self.probation.weight + self.protected.weight
    }

    /// The entry that came to `segment` before all others that are there, if it was not used since.
    #[inline]
    pub(super) fn unused(&self, segment: Segment) -> Option<u32> {
        let slot = *self.queue(segment).order.front()?;
        (self.uses(slot) == 0).then_some(slot)
    }

    /// The entry that came to `segment` before all others that are there.
    pub(super) fn oldest(&mut self, segment: Segment) -> Option<u32> {
        loop {
            let slot = *self.queue(segment).order.front()?;
            if self.uses(slot) != EMPTY {
                return Some(slot);
            }
            self.queue_mut(segment).order.pop_front();
            self.empty -= 1;
            self.free.push(slot);
        }
    }

    /// The number at a place of `segment`, counted from the oldest. Nobody has it if the place is empty, and it weighs
    /// nothing.
    #[inline]
    pub(super) fn at(&self, segment: Segment, place: usize) -> Option<u32> {
        self.queue(segment).order.get(place).copied()
    }

    /// Makes the oldest, be it an entry or an empty place, the newest.
    #[inline]
    pub(super) fn turn(&mut self, segment: Segment) {
        let order = &mut self.queue_mut(segment).order;
        if let Some(slot) = order.pop_front() {
            order.push_back(slot);
        }
    }

    /// Makes the oldest entry of one segment the newest of another.
    pub(super) fn shift(&mut self, from: Segment, to: Segment) {
        if let Some(slot) = self.oldest(from) {
            let weight = self.assign(slot, Some(to));
            let queue = self.queue_mut(from);
            queue.order.pop_front();
            queue.weight -= weight;
            let queue = self.queue_mut(to);
            queue.order.push_back(slot);
            queue.weight += weight;
        }
    }

    /// Notes where an entry is, and returns what it weighs.
    #[inline]
    fn assign(&mut self, slot: u32, segment: Option<Segment>) -> u64 {
        self.node_mut(slot).map_or(0, |node| {
            node.segment = segment;
            node.weight
        })
    }

    /// Makes the newest entry of `segment` the oldest.
    pub(super) fn put_last(&mut self, segment: Segment) {
        let order = &mut self.queue_mut(segment).order;
        if let Some(slot) = order.pop_back() {
            order.push_front(slot);
        }
    }

    /// Takes the entry out of `segment`, whose oldest it is. Its number is free when it is
    /// [released](Self::release).
    #[inline]
    pub(super) fn take(&mut self, slot: u32, segment: Segment) {
        let weight = self.assign(slot, None);
        self.len -= 1;
        let queue = self.queue_mut(segment);
        queue.order.pop_front();
        queue.weight -= weight;
    }

    /// Frees the number of an entry, wherever it is.
    #[inline]
    pub(super) fn release(&mut self, slot: u32) {
        match self.node(slot).and_then(|node| node.segment) {
            None => self.free.push(slot),
            Some(segment) => self.vacate(slot, segment),
        }
    }

    /// Takes an entry out of the middle of `segment`.
    fn vacate(&mut self, slot: u32, segment: Segment) {
        let weight = self.assign(slot, None);
        if let (Some(node), Some(uses)) = (
            self.nodes.get_mut(slot as usize),
            self.uses.get_mut(slot as usize),
        ) {
            (node.weight, node.count, *uses) = (0, 0, EMPTY);
        }
        self.queue_mut(segment).weight -= weight;
        self.len -= 1;
        self.empty += 1;
        if self.empty > self.len + FEW {
            self.close_ranks();
        }
    }

    /// Changes what the entry weighs.
    pub(super) fn reweigh(&mut self, slot: u32, weight: u64) {
        let Some(node) = self.node_mut(slot) else {
            return;
        };
        let old = std::mem::replace(&mut node.weight, weight);
        if let Some(segment) = node.segment {
            let total = &mut self.queue_mut(segment).weight;
            *total = *total - old + weight;
        }
    }

    /// Lets go of all empty places.
    fn close_ranks(&mut self) {
        let Self { uses, free, .. } = self;
        for queue in [&mut self.window, &mut self.probation, &mut self.protected] {
            queue.order.retain(|slot| {
                let is_empty = uses.get(*slot as usize) == Some(&EMPTY);
                if is_empty {
                    free.push(*slot);
                }
                !is_empty
            });
        }
        self.empty = 0;
    }

    #[inline]
    fn queue(&self, segment: Segment) -> &Queue {
        match segment {
            Segment::Window => &self.window,
            Segment::Probation => &self.probation,
            Segment::Protected => &self.protected,
        }
    }

    #[inline]
    fn queue_mut(&mut self, segment: Segment) -> &mut Queue {
        match segment {
            Segment::Window => &mut self.window,
            Segment::Probation => &mut self.probation,
            Segment::Protected => &mut self.protected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(queues: &mut Queues, weight: u64) -> u32 {
        let node = Node {
            hash: 1,
            weight,
            uncounted: 0,
            count: 0,
            fades: 0,
            segment: Some(Segment::Window),
        };
        queues.add(node, Segment::Window).unwrap()
    }

    #[test]
    fn a_number_is_free_when_its_place_is() {
        let mut queues = Queues::new();
        let slots = [1, 2, 3].map(|weight| add(&mut queues, weight));
        queues.release(slots[1]);
        assert_eq!((queues.len(), queues.total()), (2, 4));
        let fourth = add(&mut queues, 4);
        assert!(!slots.contains(&fourth));
        assert_eq!(queues.oldest(Segment::Window), Some(slots[0]));
        queues.take(slots[0], Segment::Window);
        queues.release(slots[0]);
        assert_eq!(queues.oldest(Segment::Window), Some(slots[2]));
        assert_eq!(add(&mut queues, 5), slots[1]);
        assert_eq!(add(&mut queues, 6), slots[0]);
        assert_eq!((queues.len(), queues.total()), (4, 18));
    }

    #[test]
    fn what_is_removed_in_the_middle_takes_no_room_for_long() {
        let mut queues = Queues::new();
        let first = add(&mut queues, 1);
        for _ in 0..10_000 {
            let slot = add(&mut queues, 1);
            queues.release(slot);
        }
        assert_eq!(queues.oldest(Segment::Window), Some(first));
        assert_eq!((queues.len(), queues.total()), (1, 1));
        assert!(queues.nodes.len() < 100, "{} numbers", queues.nodes.len());
    }
}
