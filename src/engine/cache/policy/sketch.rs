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
    blocks: Vec<[u64; WORDS]>,
    counted: u64,
    entries: u64,
}

impl Sketch {
    pub(super) fn new() -> Self {
        Self {
            blocks: vec![[0; WORDS]],
            counted: 0,
            entries: 0,
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

    /// Counts `uses`. Everything is halved now and then, so that old fame fades.
    pub(super) fn add(&mut self, hash: u64, uses: u64) {
        let mut counted = 0;
        if let Some(block) = self.block(hash) {
            for (word, shift) in counters(block, hash) {
                let more = uses.min(TOP - ((*word >> shift) & TOP));
                *word += more << shift;
                counted = counted.max(more);
            }
        }
        self.counted += counted;
        if self.counted >= (self.entries * SAMPLE).max(SAMPLE) {
            self.fade();
        }
    }

    /// Returns how often `hash` was counted lately, 0 to 15; sometimes more, never less.
    pub(super) fn count(&mut self, hash: u64) -> u64 {
        let Some(block) = self.block(hash) else {
            return 0;
        };
        counters(block, hash)
            .map(|(word, shift)| (*word >> shift) & TOP)
            .min()
            .unwrap_or(0)
    }

    fn block(&mut self, hash: u64) -> Option<&mut [u64; WORDS]> {
        let mask = self.blocks.len() - 1;
        let at = (hash >> 32) as usize & mask;
        self.blocks.get_mut(at)
    }

    fn fade(&mut self) {
        self.counted /= 2;
        for word in self.blocks.iter_mut().flatten() {
            *word = (*word >> 1) & HALVES;
        }
    }
}

/// Returns the four counters of a key: one in each pair of words, chosen by a byte of the hash.
fn counters(block: &mut [u64; WORDS], hash: u64) -> impl Iterator<Item = (&mut u64, u64)> {
    block
        .chunks_exact_mut(2)
        .zip([0, 8, 16, 24])
        .filter_map(move |(pair, byte)| {
            let choice = hash >> byte;
            let word = pair.get_mut((choice & 1) as usize)?;
            Some((word, ((choice >> 1) & TOP) * 4))
        })
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
            sketch.add(*hash, 1);
        }
        assert!(hashes[..500].iter().all(|hash| sketch.count(*hash) >= 3));
        assert!(hashes[500..].iter().all(|hash| sketch.count(*hash) >= 2));
        let exact = hashes
            .iter()
            .filter(|hash| sketch.count(**hash) <= 3)
            .count();
        assert!(exact > 950, "{exact} of 1000");
        sketch.fade();
        assert!(hashes.iter().all(|hash| sketch.count(*hash) >= 1));
    }

    #[test]
    fn counts_survive_growth_and_stop_at_fifteen() {
        let mut sketch = Sketch::new();
        sketch.grow(8);
        sketch.add(0xfeed_beef_1234_5678, 7);
        sketch.grow(5_000);
        assert_eq!(sketch.count(0xfeed_beef_1234_5678), 7);
        (0..5).for_each(|_| sketch.add(0xfeed_beef_1234_5678, 4));
        assert_eq!(sketch.count(0xfeed_beef_1234_5678), 15);
    }
}
