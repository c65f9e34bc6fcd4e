//! How often a key was asked for, roughly and lately.

/// Counters of four bits, sixteen to a word.
const WORDS: usize = 8;
const TOP: u64 = 15;
/// Everything is halved after this many counts for each entry that is held.
const SAMPLE: u64 = 10;
/// Keeps the lower three bits of every counter, once its word was shifted.
const HALVES: u64 = 0x7777_7777_7777_7777;

/// A count-min sketch whose four counters of a key lie in one line of the processor's cache.
///
/// It grows with the entries it counts for: 8 bytes each.
///
/// Source: G. Einziger, R. Friedman, B. Manes, "`TinyLFU`: A Highly Efficient Cache Admission Policy",
/// <https://arxiv.org/abs/1512.00727>.
#[derive(Debug)]
pub(super) struct Sketch {
    /// INVARIANT: a power of two of them, at least one.
    blocks: Vec<Block>,
    counted: u64,
    entries: u64,
    fades: u8,
}

/// What one line of the processor's cache holds, and it alone.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Block([u64; WORDS]);

impl Sketch {
    pub(super) fn new() -> Self {
        Self {
            blocks: vec![Block::default()],
            counted: 0,
            entries: 0,
            fades: 0,
        }
    }

    /// Makes room for the counts of `entries`.
    pub(super) fn grow(&mut self, entries: usize) {
        self.entries = self.entries.max(entries as u64);
        while self.blocks.len() * WORDS < entries {
            // A key's block is named by the low bits of half its hash, so that one bit more leads to a copy of its
            // old block.
            self.blocks.extend_from_within(..);
        }
    }

    /// Counts a use, and returns how many there were lately with it, 1 to 15; sometimes more, never less.
    pub(super) fn add(&mut self, hash: u64) -> u8 {
        self.pass(1);
        self.put(hash, 1)
    }

    /// Adds uses for which time has passed already, and returns how many there were lately with them.
    pub(super) fn put(&mut self, hash: u64, uses: u64) -> u8 {
        let Some(block) = self.block(hash) else {
            return 0;
        };
        let [w0, w1, w2, w3, w4, w5, w6, w7] = block;
        let words = [[w0, w1], [w2, w3], [w4, w5], [w6, w7]];
        let mut least = TOP;
        for (pair, byte) in words.into_iter().zip([0, 8, 16, 24]) {
            // One counter in each pair of words, chosen by a byte of the hash.
            let [even, odd] = pair;
            let choice = hash >> byte;
            let word = if choice & 1 == 0 { even } else { odd };
            let shift = ((choice >> 1) & TOP) * 4;
            let count = (*word >> shift) & TOP;
            let more = uses.min(TOP - count);
            *word += more << shift;
            least = least.min(count + more);
        }
        u8::try_from(least).unwrap_or(u8::MAX)
    }

    /// Lets the time of some uses pass. Everything is halved now and then, so that old fame fades.
    pub(super) fn pass(&mut self, uses: u64) {
        self.counted += uses;
        if self.counted >= (self.entries * SAMPLE).max(SAMPLE) {
            self.fade();
        }
    }

    /// How often everything was halved until now.
    pub(super) fn fades(&self) -> u8 {
        self.fades
    }

    fn block(&mut self, hash: u64) -> Option<&mut [u64; WORDS]> {
        let mask = self.blocks.len() - 1;
        let at = (hash >> 32) as usize & mask;
        self.blocks.get_mut(at).map(|block| &mut block.0)
    }

    fn fade(&mut self) {
        self.counted /= 2;
        self.fades = self.fades.wrapping_add(1);
        for word in self.blocks.iter_mut().flat_map(|block| &mut block.0) {
            *word = (*word >> 1) & HALVES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::split_mix;

    #[test]
    fn counts_are_never_less_until_they_fade() {
        let mut sketch = Sketch::new();
        sketch.grow(1_000);
        let mut state = 7;
        let hashes: Vec<u64> = (0..1_000).map(|_| split_mix(&mut state)).collect();
        for hash in hashes.iter().chain(&hashes).chain(&hashes[..500]) {
            sketch.add(*hash);
        }
        let counts: Vec<u8> = hashes.iter().map(|hash| sketch.put(*hash, 0)).collect();
        assert!(counts[..500].iter().all(|count| *count >= 3));
        assert!(counts[500..].iter().all(|count| *count >= 2));
        let close = counts.iter().filter(|count| **count <= 3).count();
        assert!(close > 950, "{close} of 1000");
        sketch.fade();
        assert!(hashes.iter().all(|hash| sketch.put(*hash, 0) >= 1));
        assert_eq!(sketch.fades(), 1);
    }

    #[test]
    fn counts_survive_growth_and_stop_at_fifteen() {
        let mut sketch = Sketch::new();
        sketch.grow(8);
        let hash = 0xfeed_beef_1234_5678;
        assert_eq!(sketch.put(hash, 7), 7);
        sketch.grow(5_000);
        assert_eq!(sketch.put(hash, 0), 7);
        assert_eq!(sketch.put(hash, 90), 15);
    }
}
