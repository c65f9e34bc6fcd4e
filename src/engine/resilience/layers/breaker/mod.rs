//! No more calls of a kind that fails anyway.

mod circuit;
mod layer;
mod window;

pub(super) use circuit::Era;
pub use circuit::{BreakerOptions, BreakerState};
pub use layer::Breaker;
