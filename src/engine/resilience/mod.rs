//! Going on where something failed for a moment.

mod retry;

pub use retry::RetryPolicy;
