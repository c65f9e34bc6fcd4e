//! What a host sees of the work: spans, and with the feature `metrics` counters.
#![cfg(feature = "testing")]

#[cfg(feature = "metrics")]
mod counters;
mod spans;
mod world;
