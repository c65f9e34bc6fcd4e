//! The spans that a host sees of the work. Apart from other tests: whether a span is wanted is kept for the whole program.
#![cfg(feature = "testing")]

mod spans;
#[path = "../observability/world.rs"]
mod world;
