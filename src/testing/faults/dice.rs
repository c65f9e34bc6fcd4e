//! Chance from a seed.

use crate::id::split_mix;

/// Throws the same numbers for the same seed.
#[derive(Debug)]
pub(in crate::testing) struct Dice(u64);

impl Dice {
    pub(in crate::testing) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(in crate::testing) fn word(&mut self) -> u64 {
        split_mix(&mut self.0)
    }

    /// True in `rate` of all throws, 0 to 1.
    pub(in crate::testing) fn chance(&mut self, rate: f64) -> bool {
        let bits = u32::try_from(self.word() >> 32).unwrap_or(0);
        f64::from(bits) / f64::from(u32::MAX) < rate
    }

    pub(in crate::testing) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let count = u64::try_from(from.len()).ok().filter(|&count| count > 0)?;
        let index = usize::try_from(self.word() % count).ok()?;
        from.get(index).copied()
    }
}
