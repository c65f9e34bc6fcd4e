//! Which replicas: an index and a set, small enough to be copied around.

use std::fmt;

/// The place of a replica in the order of its [`World`](super::World), from 0.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ReplicaIndex(u8);

impl ReplicaIndex {
    /// How many replicas a world can have.
    pub const MAX_REPLICAS: usize = 64;

    /// Makes an index, or `None` from [`MAX_REPLICAS`](Self::MAX_REPLICAS) on.
    #[must_use]
    pub fn new(index: usize) -> Option<Self> {
        let small = u8::try_from(index).ok()?;
        (index < Self::MAX_REPLICAS).then_some(Self(small))
    }

    /// Returns the place as a number.
    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

/// A set of replicas, iterated in replica order. One word, whatever it holds.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct ReplicaSet(u64);

impl ReplicaSet {
    /// The set of nobody.
    pub const EMPTY: Self = Self(0);

    /// Tells whether nobody is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns how many are in it.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Tells whether `replica` is in it.
    #[must_use]
    pub const fn contains(self, replica: ReplicaIndex) -> bool {
        self.0 >> replica.0 & 1 == 1
    }

    /// Adds `replica`.
    pub const fn insert(&mut self, replica: ReplicaIndex) {
        self.0 |= 1 << replica.0;
    }

    /// Returns those in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns those in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns those in `self` but not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns the first in replica order.
    #[must_use]
    pub fn first(self) -> Option<ReplicaIndex> {
        self.iter().next()
    }

    /// Returns them in replica order.
    pub fn iter(self) -> impl Iterator<Item = ReplicaIndex> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let index = u8::try_from(rest.trailing_zeros()).ok()?;
            (rest != 0).then(|| {
                rest &= rest - 1;
                ReplicaIndex(index)
            })
        })
    }
}

impl From<ReplicaIndex> for ReplicaSet {
    fn from(replica: ReplicaIndex) -> Self {
        Self(1 << replica.0)
    }
}

impl FromIterator<ReplicaIndex> for ReplicaSet {
    fn from_iter<I: IntoIterator<Item = ReplicaIndex>>(replicas: I) -> Self {
        let mut set = Self::EMPTY;
        for replica in replicas {
            set.insert(replica);
        }
        set
    }
}

impl fmt::Debug for ReplicaSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(ReplicaIndex::get))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(indexes: &[usize]) -> ReplicaSet {
        indexes
            .iter()
            .filter_map(|&i| ReplicaIndex::new(i))
            .collect()
    }

    #[test]
    fn a_set_keeps_replica_order() {
        assert_eq!(format!("{:?}", set(&[63, 0, 7])), "{0, 7, 63}");
        assert_eq!(set(&[64]), ReplicaSet::EMPTY);
        assert_eq!(set(&[3, 5]).first(), ReplicaIndex::new(3));
        assert_eq!(set(&[0, 1]).or(set(&[2])).without(set(&[1])), set(&[0, 2]));
        assert_eq!(set(&[0, 1]).and(set(&[1, 2])).len(), 1);
    }
}
