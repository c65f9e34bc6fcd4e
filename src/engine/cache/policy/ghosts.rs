//! What left lately, by the hash of its key, and why.

use std::hash::{BuildHasherDefault, Hasher};

use lru::LruCache;

/// Why an entry left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// It came from the window and was not taken in: a larger window would have kept it.
    Newcomer,
    /// It was in the main part and had to give way: a smaller window would have kept it.
    Resident,
}

/// The hashes of what left, the latest of them, in the order in which they left.
#[derive(Debug)]
pub(super) struct Ghosts {
    lost: LruCache<u64, Side, BuildHasherDefault<AsItIs>>,
    newcomers: u64,
}

impl Ghosts {
    pub(super) fn new() -> Self {
        Self {
            lost: LruCache::unbounded_with_hasher(BuildHasherDefault::default()),
            newcomers: 0,
        }
    }

    /// Remembers one more, and lets the oldest of more than `most` go.
    pub(super) fn push(&mut self, hash: u64, side: Side, most: usize) {
        let old = self.lost.put(hash, side);
        self.uncount(old);
        self.newcomers += u64::from(side == Side::Newcomer);
        while self.lost.len() > most {
            let oldest = self.lost.pop_lru().map(|(_, side)| side);
            self.uncount(oldest);
        }
    }

    /// Takes back one that came again.
    pub(super) fn take(&mut self, hash: u64) -> Option<Side> {
        let side = self.lost.pop(&hash);
        self.uncount(side);
        side
    }

    /// How many there are of `side`.
    pub(super) fn count(&self, side: Side) -> u64 {
        match side {
            Side::Newcomer => self.newcomers,
            Side::Resident => self.lost.len() as u64 - self.newcomers,
        }
    }

    fn uncount(&mut self, side: Option<Side>) {
        self.newcomers -= u64::from(side == Some(Side::Newcomer));
    }
}

/// Takes a number that is a hash for one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
