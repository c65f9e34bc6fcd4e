//! Webhooks from platforms, from the subscription to the sync that follows.
#![cfg(all(feature = "crypto", feature = "kit"))]

#[path = "../common/dice.rs"]
mod dice;
#[path = "../common/root.rs"]
mod root;

mod course;
mod hostile;
mod office;
