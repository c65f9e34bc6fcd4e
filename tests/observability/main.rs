//! What is counted and timed, as a host sees it.
#![cfg(feature = "testing")]

mod counters;
#[cfg(feature = "metrics")]
mod facade;
mod world;
