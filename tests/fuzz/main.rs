//! Hostile input for every parser, on stable: valid samples are bent, and what comes out is fed to a target.
//!
//! `cargo test --test fuzz -- --nocapture` shows what was done. Two variables make it another run:
//! `GARLAND_FUZZ_ROUNDS` (inputs for each target, 5,000 if not set) and `GARLAND_FUZZ_SEED` (the number that a
//! failure names). What holds for every target: no panic, an end, and memory in proportion to the input.
#![expect(
    clippy::disallowed_methods,
    reason = "a test program reads its environment"
)]

mod bend;
mod runner;
mod targets;

/// Counts what is held, so that an input that makes a target reserve too much is found.
#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;
