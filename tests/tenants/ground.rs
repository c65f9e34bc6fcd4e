//! Time, chance and a root that do as the test wants.

use std::sync::atomic::AtomicU64;

pub(crate) use crate::clock::{START, SetClock};
pub(crate) use crate::dice::Dice;
pub(crate) use crate::root::Root;

impl Dice {
    /// The first draws are given.
    pub(crate) fn beginning(seed: u64, first: Vec<Vec<u8>>) -> Self {
        let draws = AtomicU64::new(0);
        Self { seed, draws, first }
    }
}
