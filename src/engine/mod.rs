//! How things move safely.

pub(crate) mod resilience;
pub mod sync;
pub mod transfer;
