//! Accounts that keep sealed files only: as good as any other, and on their worst days.
#![cfg(all(feature = "crypto", feature = "testing"))]

#[path = "../common/dice.rs"]
mod dice;
#[path = "../common/root.rs"]
mod root;

mod attacks;
mod brakes;
mod conformance;
mod crashes;
mod doubts;
mod ranges;
mod resume;
mod spy;
mod sync;
mod tidy;
mod world;
