//! Going on where something failed for a moment, and bounding what others may ask for.

mod caller;
pub mod layers;
pub mod limits;
pub mod pool;
mod retry;

pub(crate) use caller::Caller;
pub use retry::RetryPolicy;
