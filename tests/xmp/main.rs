//! Merging sidecars, seen from outside.

mod bad;
mod cases;
mod properties;
mod said;
mod samples;
#[cfg(feature = "testing")]
mod sync;
