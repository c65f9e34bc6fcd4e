//! How things move safely.

pub mod sync;
