//! Entries by number, each in one of three lists in the order of use.

/// The parts of the cache, and the lists that hold them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Segment {
    /// New entries, which have not been compared with any other yet.
    Window = 0,
    /// Entries that were kept once, and not used since.
    Probation = 1,
    /// Entries that were used while on probation.
    Protected = 2,
}

/// What the policy knows of an entry.
///
/// Two of them fill a line of the processor's cache, and none lies across two.
#[derive(Clone, Debug)]
#[repr(align(32))]
pub(super) struct Node {
    pub(super) hash: u64,
    pub(super) weight: u64,
    older: u32,
    newer: u32,
    /// Uses since it was last the oldest of its list.
    pub(super) uses: u8,
    /// Uses that the sketch knows nothing of.
    pub(super) uncounted: u8,
    /// All uses lately, as of the time at which everything had been halved `fades` times.
    pub(super) count: u8,
    pub(super) fades: u8,
    /// `None` is a free place.
    pub(super) segment: Option<Segment>,
}

/// What is known of an entry when it comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) weight: u64,
    pub(super) count: u8,
    pub(super) fades: u8,
}

/// Lists over one arena: no allocation and no hashing when an entry moves from one to another.
///
/// The first three nodes are the ends of the lists.
#[derive(Debug)]
pub(super) struct Links {
    nodes: Vec<Node>,
    free: Vec<u32>,
    lengths: [u32; 3],
    weights: [u64; 3],
}

impl Links {
    pub(super) fn new() -> Self {
        let end = |segment| Node {
            hash: 0,
            weight: 0,
            older: segment as u32,
            newer: segment as u32,
            uses: 0,
            uncounted: 0,
            count: 0,
            fades: 0,
            segment: None,
        };
        let ends = [Segment::Window, Segment::Probation, Segment::Protected];
        Self {
            nodes: ends.into_iter().map(end).collect(),
            free: Vec::new(),
            lengths: [0; 3],
            weights: [0; 3],
        }
    }

    /// Takes in an entry as the newest of `segment`, and returns its number; `None` when all 2³² places are taken.
    pub(super) fn add(&mut self, entry: Entry, segment: Segment) -> Option<u32> {
        let end = segment as u32;
        let newest = self.node(end)?.older;
        let node = Node {
            hash: entry.hash,
            weight: entry.weight,
            older: newest,
            newer: end,
            uses: 0,
            uncounted: 0,
            count: entry.count,
            fades: entry.fades,
            segment: Some(segment),
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                *self.node_mut(slot)? = node;
                slot
            }
            None => {
                let slot = u32::try_from(self.nodes.len()).ok()?;
                self.nodes.push(node);
                slot
            }
        };
        self.node_mut(newest)?.newer = slot;
        self.node_mut(end)?.older = slot;
        self.count(segment, |length, total| {
            *length += 1;
            *total += entry.weight;
        });
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

    /// How many entries there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.lengths.iter().map(|length| *length as usize).sum()
    }

    #[inline]
    pub(super) fn weight(&self, segment: Segment) -> u64 {
        match self.weights {
            [window, _, _] if segment == Segment::Window => window,
            [_, probation, _] if segment == Segment::Probation => probation,
            [.., protected] => protected,
        }
    }

    #[inline]
    pub(super) fn total(&self) -> u64 {
        self.weights.iter().sum()
    }

    /// The entry that was unused for longest.
    pub(super) fn oldest(&self, segment: Segment) -> Option<u32> {
        let end = segment as u32;
        let oldest = self.node(end)?.newer;
        (oldest != end).then_some(oldest)
    }

    /// The entry used next after `slot`.
    pub(super) fn newer(&self, slot: u32) -> Option<u32> {
        let newer = self.node(slot)?.newer;
        (newer > Segment::Protected as u32).then_some(newer)
    }

    /// Makes the entry the newest of `segment`, wherever it was.
    pub(super) fn put(&mut self, slot: u32, segment: Segment) {
        self.take(slot);
        let end = segment as u32;
        let Some(newest) = self.node(end).map(|node| node.older) else {
            return;
        };
        let Some(node) = self.node_mut(slot) else {
            return;
        };
        node.segment = Some(segment);
        let weight = node.weight;
        self.join(newest, slot);
        self.join(slot, end);
        self.count(segment, |length, total| {
            *length += 1;
            *total += weight;
        });
    }

    /// Makes the entry the newest of its segment.
    pub(super) fn renew(&mut self, slot: u32) {
        let Some(node) = self.node(slot) else { return };
        let (older, newer) = (node.older, node.newer);
        let Some(end) = node.segment.map(|segment| segment as u32) else {
            return;
        };
        if newer == end {
            return;
        }
        self.join(older, newer);
        if let Some(newest) = self.node(end).map(|node| node.older) {
            self.join(newest, slot);
            self.join(slot, end);
        }
    }

    /// Makes one the next newer of the other.
    fn join(&mut self, older: u32, newer: u32) {
        if let Some(node) = self.node_mut(older) {
            node.newer = newer;
        }
        if let Some(node) = self.node_mut(newer) {
            node.older = older;
        }
    }

    /// Makes the entry the oldest of `segment`, wherever it was.
    pub(super) fn put_last(&mut self, slot: u32, segment: Segment) {
        self.put(slot, segment);
        let end = segment as u32;
        let Some(oldest) = self.oldest(segment).filter(|oldest| *oldest != slot) else {
            return;
        };
        let Some(newest) = self.node(slot).map(|node| node.older) else {
            return;
        };
        self.join(newest, end);
        self.join(slot, oldest);
        self.join(end, slot);
    }

    /// Takes the entry out of its list and frees its place.
    pub(super) fn release(&mut self, slot: u32) {
        if self.take(slot) {
            self.free.push(slot);
        }
    }

    /// Changes what the entry weighs.
    pub(super) fn reweigh(&mut self, slot: u32, weight: u64) {
        let Some(node) = self.node_mut(slot) else {
            return;
        };
        let old = std::mem::replace(&mut node.weight, weight);
        if let Some(segment) = node.segment {
            self.count(segment, |_, total| *total = *total - old + weight);
        }
    }

    fn take(&mut self, slot: u32) -> bool {
        let Some(node) = self.node_mut(slot) else {
            return false;
        };
        let (older, newer, weight) = (node.older, node.newer, node.weight);
        let Some(segment) = node.segment.take() else {
            return false;
        };
        self.join(older, newer);
        self.count(segment, |length, total| {
            *length -= 1;
            *total -= weight;
        });
        true
    }

    fn count(&mut self, segment: Segment, change: impl FnOnce(&mut u32, &mut u64)) {
        let at = segment as usize;
        if let (Some(length), Some(weight)) = (self.lengths.get_mut(at), self.weights.get_mut(at)) {
            change(length, weight);
        }
    }
}
