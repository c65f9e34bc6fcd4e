//! Going on where something failed for a moment, and bounding what others may ask for.

pub mod layers;
pub mod limits;
pub mod pool;
mod retry;

pub use retry::RetryPolicy;
