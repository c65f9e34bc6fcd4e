//! One quick hash of a key, seeded by chance.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes hashes by multiplication of 64 by 64 bits, folded, as wyhash and its kin do.
///
/// Both factors are secret and differ from cache to cache, so that nobody outside can choose keys that meet. Those
/// that do by chance are told apart by the keys themselves.
///
/// Source: W. Yi et al., "wyhash and wyrand", <https://github.com/wangyi-fudan/wyhash>.
#[derive(Clone, Debug)]
pub(super) struct Folding {
    seed: u64,
    factor: u64,
}

impl Folding {
    pub(super) fn new() -> Self {
        let chance = RandomState::new();
        Self {
            seed: chance.hash_one(1_u8),
            factor: chance.hash_one(2_u8) | 1,
        }
    }
}

impl BuildHasher for Folding {
    type Hasher = Fold;

    #[inline]
    fn build_hasher(&self) -> Fold {
        Fold {
            state: self.seed,
            factor: self.factor,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Fold {
    state: u64,
    factor: u64,
}

impl Hasher for Fold {
    #[inline]
    fn finish(&self) -> u64 {
        fold(self.state, self.factor.rotate_left(32) | 1)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let tail = rest
                .iter()
                .rev()
                .fold(0, |tail, byte| tail << 8 | u64::from(*byte));
            // Its length keeps a tail of zeros from being none, and the other factor keeps it from being a word.
            let tail = tail | (rest.len() as u64) << 56;
            self.state = fold(self.state ^ tail, self.factor.rotate_left(16) | 1);
        }
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.state = fold(self.state ^ number, self.factor);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

#[inline]
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let folded = product as u64 ^ (product >> 64) as u64;
    folded
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn neighbours_differ_in_every_part_of_the_hash() {
        let hashes = Folding::new();
        let all: Vec<u64> = (0..4_096_u64).map(|n| hashes.hash_one(n)).collect();
        for shift in [0, 16, 32, 48] {
            let parts: HashSet<u64> = all.iter().map(|hash| (hash >> shift) & 0xffff).collect();
            // By chance alone, 3,970 of 65,536 would differ.
            assert!(parts.len() > 3_850, "{} at {shift}", parts.len());
        }
    }

    #[test]
    fn texts_differ_by_order_length_and_zeros() {
        let hashes = Folding::new();
        let texts = [
            "",
            "\0",
            "\0\0",
            "ab",
            "ba",
            "12345678",
            "12345678\0",
            "1234567",
            "1234567\x07",
            "87654321",
        ];
        let all: HashSet<u64> = texts.iter().map(|text| hashes.hash_one(text)).collect();
        assert_eq!(all.len(), texts.len());
    }
}
