//! Audit paths: that a leaf is in a tree, and that one tree has grown out of another. Pure.
//!
//! Made as [RFC 6962 §2.1.1 and §2.1.2][made] say, checked as [RFC 9162 §2.1.3.2 and §2.1.4.2][checked].
//!
//! [made]: https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1
//! [checked]: https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

use super::tree::{Frontier, TreeHash};

/// What shows that a leaf is in a tree: the hashes beside its way to the root, from the leaf up.
///
/// # Example
///
/// ```
/// use garland::audit::{InclusionPath, TreeHash};
///
/// let leaves = [b"a", b"b", b"c"].map(|data| TreeHash::leaf(data));
/// let root = TreeHash::node(&TreeHash::node(&leaves[0], &leaves[1]), &leaves[2]);
/// let path = InclusionPath::new(vec![TreeHash::node(&leaves[0], &leaves[1])]);
/// assert!(path.verify(&leaves[2], 2, 3, &root).is_ok());
/// assert!(path.verify(&leaves[1], 2, 3, &root).is_err());
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct InclusionPath(Vec<TreeHash>);

impl InclusionPath {
    /// Takes a path that came from elsewhere.
    #[must_use]
    pub fn new(hashes: Vec<TreeHash>) -> Self {
        Self(hashes)
    }

    /// Returns the hashes, from the leaf up.
    #[must_use]
    pub fn hashes(&self) -> &[TreeHash] {
        &self.0
    }

    /// Checks that `leaf` is number `index` (from 0) of the tree of `size` leaves with this root.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: it is not, or this path does not show it.
    pub fn verify(&self, leaf: &TreeHash, index: u64, size: u64, root: &TreeHash) -> Result<()> {
        let refused = || {
            Error::new(
                ErrorKind::Corrupt,
                "inclusion_path.verify",
                "the path does not lead from this leaf to this root",
            )
            .with_context("index", index)
            .with_context("size", size)
        };
        if index >= size {
            return Err(refused());
        }
        let mut climb = Climb::new(index, size - 1);
        let mut hash = *leaf;
        for beside in &self.0 {
            hash = match climb.step().ok_or_else(refused)? {
                Side::Left => TreeHash::node(beside, &hash),
                Side::Right => TreeHash::node(&hash, beside),
            };
        }
        if climb.is_at_root() && hash == *root {
            return Ok(());
        }
        Err(refused())
    }
}

/// What shows that the first leaves of a tree are those of an earlier one.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ConsistencyPath(Vec<TreeHash>);

impl ConsistencyPath {
    /// Takes a path that came from elsewhere.
    #[must_use]
    pub fn new(hashes: Vec<TreeHash>) -> Self {
        Self(hashes)
    }

    /// Returns the hashes.
    #[must_use]
    pub fn hashes(&self) -> &[TreeHash] {
        &self.0
    }

    /// Checks that the tree of size and root `new` begins with the leaves of the tree `old`. Every
    /// tree begins with the empty one; a tree is consistent with itself.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: it does not, or this path does not show it.
    pub fn verify(&self, old: (u64, &TreeHash), new: (u64, &TreeHash)) -> Result<()> {
        let refused = || {
            Error::new(
                ErrorKind::Corrupt,
                "consistency_path.verify",
                "the path does not lead from the old root to the new one",
            )
            .with_context("old", old.0)
            .with_context("new", new.0)
        };
        let holds = match (old.0, new.0) {
            (0, _) => self.0.is_empty() && *old.1 == TreeHash::of_nothing(),
            (before, after) if before == after => self.0.is_empty() && old.1 == new.1,
            (before, after) if before > after => false,
            _ => self.climbs(old, new).unwrap_or(false),
        };
        if holds { Ok(()) } else { Err(refused()) }
    }

    /// For `0 < old < new`; `None` if the path has the wrong length.
    fn climbs(&self, old: (u64, &TreeHash), new: (u64, &TreeHash)) -> Option<bool> {
        let mut hashes = self.0.iter();
        // A whole subtree is not repeated in the path: it is the old root itself.
        let first = if old.0.is_power_of_two() {
            old.1
        } else {
            hashes.next()?
        };
        let mut climb = Climb::new(old.0.checked_sub(1)?, new.0.checked_sub(1)?);
        climb.skip_whole();
        let (mut before, mut after) = (*first, *first);
        for beside in hashes {
            match climb.step()? {
                Side::Left => {
                    before = TreeHash::node(beside, &before);
                    after = TreeHash::node(beside, &after);
                }
                Side::Right => after = TreeHash::node(&after, beside),
            }
        }
        Some(climb.is_at_root() && before == *old.1 && after == *new.1)
    }
}

/// On which side of the way the next hash stands.
enum Side {
    Left,
    Right,
}

/// The way from a leaf to the root, beside that from the last leaf.
struct Climb {
    node: u64,
    last: u64,
}

impl Climb {
    fn new(node: u64, last: u64) -> Self {
        Self { node, last }
    }

    fn skip_whole(&mut self) {
        let up = self.node.trailing_ones();
        self.up(up);
    }

    /// `None` above the root.
    fn step(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        if self.node & 1 == 0 && self.node != self.last {
            self.up(1);
            return Some(Side::Right);
        }
        if self.node & 1 == 0 {
            // No hash stands beside a node that is the last of its row.
            self.up(self.node.trailing_zeros());
        }
        self.up(1);
        Some(Side::Left)
    }

    fn up(&mut self, levels: u32) {
        self.node = self.node.checked_shr(levels).unwrap_or(0);
        self.last = self.last.checked_shr(levels).unwrap_or(0);
    }

    fn is_at_root(&self) -> bool {
        self.last == 0
    }
}

/// The leaves under each hash of an inclusion path, in the order of the path.
pub(super) fn beside_leaf(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let (mut from, mut to) = (0, size);
    while to - from > 1 {
        let middle = from + left_part(to - from);
        if index < middle {
            ranges.push(middle..to);
            to = middle;
        } else {
            ranges.push(from..middle);
            from = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// The leaves under each hash of a consistency path, in the order of the path.
pub(super) fn beside_old(old: u64, new: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    if old == 0 || old >= new {
        return ranges;
    }
    let (mut from, mut to) = (0, new);
    let mut is_old_root = true;
    while old < to {
        let middle = from + left_part(to - from);
        if old <= middle {
            ranges.push(middle..to);
            to = middle;
        } else {
            ranges.push(from..middle);
            from = middle;
            is_old_root = false;
        }
    }
    if !is_old_root {
        ranges.push(from..to);
    }
    ranges.reverse();
    ranges
}

/// The largest power of two below `size`, which is 2 or more.
fn left_part(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// Takes the leaves of a tree in order and keeps the roots over some ranges of them: memory for one
/// way from leaf to root, however many leaves there are.
#[derive(Debug)]
pub(super) struct RangeRoots {
    /// By start, the next one last; with its place in the answer.
    open: Vec<(Range<u64>, usize)>,
    next: u64,
    frontier: Frontier,
    roots: Vec<Option<TreeHash>>,
}

impl RangeRoots {
    /// The ranges must not overlap.
    pub(super) fn new(ranges: Vec<Range<u64>>) -> Self {
        let roots = vec![None; ranges.len()];
        let mut open: Vec<_> = ranges.into_iter().zip(0..).collect();
        open.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        Self {
            open,
            next: 0,
            frontier: Frontier::default(),
            roots,
        }
    }

    pub(super) fn push(&mut self, leaf: TreeHash) {
        let at = self.next;
        self.next = self.next.saturating_add(1);
        let Some((range, place)) = self.open.last() else {
            return;
        };
        if !range.contains(&at) {
            return;
        }
        self.frontier.push(leaf);
        if self.next == range.end {
            let root = std::mem::take(&mut self.frontier).root();
            if let Some(slot) = self.roots.get_mut(*place) {
                *slot = Some(root);
            }
            self.open.pop();
        }
    }

    /// `None` if there were too few leaves.
    pub(super) fn finish(self) -> Option<Vec<TreeHash>> {
        self.roots.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u64) -> Vec<TreeHash> {
        (0..count)
            .map(|number| TreeHash::leaf(&number.to_be_bytes()))
            .collect()
    }

    /// The definition of RFC 6962 §2.1, word for word.
    fn naive(leaves: &[TreeHash]) -> TreeHash {
        match leaves {
            [] => TreeHash::of_nothing(),
            [leaf] => *leaf,
            _ => {
                let mut middle = 1;
                while middle * 2 < leaves.len() {
                    middle *= 2;
                }
                let (left, right) = leaves.split_at(middle);
                TreeHash::node(&naive(left), &naive(right))
            }
        }
    }

    /// PATH of RFC 6962 §2.1.1.
    fn naive_path(index: usize, leaves: &[TreeHash]) -> Vec<TreeHash> {
        if leaves.len() <= 1 {
            return Vec::new();
        }
        let middle = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(middle);
        let (mut path, beside) = if index < middle {
            (naive_path(index, left), right)
        } else {
            (naive_path(index - middle, right), left)
        };
        path.push(naive(beside));
        path
    }

    /// SUBPROOF of RFC 6962 §2.1.2.
    fn naive_subproof(old: usize, leaves: &[TreeHash], whole: bool) -> Vec<TreeHash> {
        if old == leaves.len() {
            return if whole {
                Vec::new()
            } else {
                vec![naive(leaves)]
            };
        }
        let middle = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(middle);
        let (mut path, beside) = if old <= middle {
            (naive_subproof(old, left, whole), right)
        } else {
            (naive_subproof(old - middle, right, false), left)
        };
        path.push(naive(beside));
        path
    }

    fn roots(ranges: Vec<Range<u64>>, leaves: &[TreeHash]) -> Vec<TreeHash> {
        let mut collected = RangeRoots::new(ranges);
        leaves.iter().for_each(|leaf| collected.push(*leaf));
        collected.finish().unwrap()
    }

    #[test]
    fn l2_paths_are_those_of_the_definition_and_hold_for_nothing_else() {
        for size in (1..=67).chain([100, 127, 128, 129, 255, 256, 257, 300]) {
            let leaves = leaves(size);
            let root = naive(&leaves);
            let mut frontier = Frontier::default();
            leaves.iter().for_each(|leaf| frontier.push(*leaf));
            assert_eq!(frontier.root(), root);
            // Every leaf of the small trees, some of each of the large ones.
            for index in (0..size).filter(|index| size < 68 || index % 37 == size % 37) {
                let at = usize::try_from(index).unwrap();
                let path = roots(beside_leaf(index, size), &leaves);
                assert_eq!(path, naive_path(at, &leaves), "{index} of {size}");
                let path = InclusionPath::new(path);
                path.verify(&leaves[at], index, size, &root).unwrap();
                for other in [index.wrapping_sub(1), index + 1] {
                    assert!(path.verify(&leaves[at], other, size, &root).is_err());
                }
                assert!(path.verify(&root, index, size, &root).is_err() || size == 1);
                let mut longer = path.hashes().to_vec();
                longer.push(root);
                let longer = InclusionPath::new(longer);
                assert!(longer.verify(&leaves[at], index, size, &root).is_err());
                if let Some((_, shorter)) = path.hashes().split_last() {
                    let shorter = InclusionPath::new(shorter.to_vec());
                    assert!(shorter.verify(&leaves[at], index, size, &root).is_err());
                }
            }
        }
    }

    #[test]
    fn l2_growth_is_that_of_the_definition_and_holds_for_nothing_else() {
        let all = leaves(300);
        let size = |leaves: &[TreeHash]| leaves.len() as u64;
        for new in (1..=67).chain([128, 129, 255, 256, 257, 300]) {
            let after = &all[..new];
            let new_root = naive(after);
            for old in (0..=new).filter(|old| new < 68 || old % 37 == new % 37) {
                let before = &all[..old];
                let old_root = naive(before);
                let path = roots(beside_old(size(before), size(after)), after);
                if old > 0 {
                    assert_eq!(path, naive_subproof(old, after, true), "{old} to {new}");
                }
                let pair = ((size(before), &old_root), (size(after), &new_root));
                let path = ConsistencyPath::new(path);
                path.verify(pair.0, pair.1).unwrap();
                let other = TreeHash::leaf(b"other");
                assert!(path.verify((pair.0.0, &other), pair.1).is_err());
                assert!(path.verify(pair.0, (pair.1.0, &other)).is_err() || old == 0);
                let mut longer = path.hashes().to_vec();
                longer.push(other);
                assert!(ConsistencyPath::new(longer).verify(pair.0, pair.1).is_err());
                if old != new && old > 0 {
                    assert!(path.verify(pair.1, pair.0).is_err(), "{old} to {new}");
                    for at in 0..path.hashes().len() {
                        let mut bent = path.hashes().to_vec();
                        bent[at] = other;
                        let bent = ConsistencyPath::new(bent);
                        assert!(bent.verify(pair.0, pair.1).is_err(), "{old} to {new}");
                    }
                }
            }
        }
    }

    #[test]
    fn l2_paths_of_the_largest_trees_end() {
        let size = u64::MAX;
        assert_eq!(beside_leaf(0, size).len(), 64);
        assert!(beside_old(size - 1, size).len() <= 65);
        let leaf = TreeHash::leaf(b"");
        let path = InclusionPath::new(vec![leaf; 70]);
        assert!(path.verify(&leaf, 0, size, &leaf).is_err());
        assert!(path.verify(&leaf, size - 1, size, &leaf).is_err());
    }
}
