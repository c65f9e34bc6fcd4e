//! How often a key was asked for, roughly and lately.

const ROWS: usize = 4;
const TOP: u64 = 15;
/// Keeps the lower three bits of every counter, once its word was shifted.
const HALVES: u64 = 0x7777_7777_7777_7777;

/// A block of a count-min sketch: in each of four rows sixteen counters of four bits, one of which is a key's.
///
/// Sources: G. Einziger, R. Friedman, B. Manes, "`TinyLFU`: A Highly Efficient Cache Admission Policy",
/// <https://arxiv.org/abs/1512.00727>; F. Putze, P. Sanders, J. Singler, "Cache-, Hash- and Space-Efficient Bloom
/// Filters", <https://doi.org/10.1145/1498698.1594230> (blocks).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts([u64; ROWS]);

impl Counts {
    /// Adds uses, and returns how many there were lately with them, at most 15; sometimes more, never less.
    #[inline]
    pub(super) fn add(&mut self, hash: u64, uses: u64) -> u8 {
        let mut least = TOP;
        // Named by half a byte of the hash each: four times that is where its bits begin.
        let mut shifts = (hash & 0x0f0f_0f0f) << 2;
        for row in &mut self.0 {
            let shift = shifts & 0xff;
            shifts >>= 8;
            let count = (*row >> shift) & TOP;
            let sum = TOP.min(count + uses);
            *row += (sum - count) << shift;
            least = least.min(sum);
        }
        u8::try_from(least).unwrap_or(u8::MAX)
    }

    pub(super) fn halve(&mut self) {
        for row in &mut self.0 {
            *row = (*row >> 1) & HALVES;
        }
    }
}
