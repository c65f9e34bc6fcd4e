//! How things move safely.

pub mod journal;
pub(crate) mod resilience;
pub mod sync;
pub mod transfer;
