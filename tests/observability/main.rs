//! What a host sees of the work: spans, counters and durations.
#![cfg(feature = "testing")]

mod counters;
#[cfg(feature = "metrics")]
mod facade;
mod spans;
mod world;
