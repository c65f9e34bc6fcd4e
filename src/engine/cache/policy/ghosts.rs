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

/// One that came again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Return {
    pub(super) side: Side,
    /// How many left by the same side since.
    pub(super) after: u64,
}

/// The hashes of what left, the latest of them, in the order in which they left.
#[derive(Debug)]
pub(super) struct Ghosts {
    /// With how many had left by the same side before.
    lost: LruCache<u64, (Side, u64), BuildHasherDefault<AsItIs>>,
    newcomers: Count,
    residents: Count,
}

#[derive(Debug, Default)]
struct Count {
    now: u64,
    ever: u64,
}

impl Ghosts {
    pub(super) fn new() -> Self {
        Self {
            lost: LruCache::unbounded_with_hasher(BuildHasherDefault::default()),
            newcomers: Count::default(),
            residents: Count::default(),
        }
    }

    /// Remembers one more, and lets the oldest of more than `most` go.
    pub(super) fn push(&mut self, hash: u64, side: Side, most: usize) {
        let count = self.count_mut(side);
        count.now += 1;
        count.ever += 1;
        let at = count.ever;
        if let Some((side, _)) = self.lost.put(hash, (side, at)) {
            self.count_mut(side).now -= 1;
        }
        while self.lost.len() > most {
            let Some((_, (side, _))) = self.lost.pop_lru() else {
                return;
            };
            self.count_mut(side).now -= 1;
        }
    }

    /// Takes back one that came again.
    pub(super) fn take(&mut self, hash: u64) -> Option<Return> {
        let (side, at) = self.lost.pop(&hash)?;
        let count = self.count_mut(side);
        count.now -= 1;
        let after = count.ever - at;
        Some(Return { side, after })
    }

    /// How many there are of `side`.
    pub(super) fn count(&mut self, side: Side) -> u64 {
        self.count_mut(side).now
    }

    fn count_mut(&mut self, side: Side) -> &mut Count {
        match side {
            Side::Newcomer => &mut self.newcomers,
            Side::Resident => &mut self.residents,
        }
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

    /// A small number has its use of the upper bits too.
    fn write_u32(&mut self, number: u32) {
        self.0 = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
