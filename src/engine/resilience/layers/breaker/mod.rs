//! No more calls of a kind that fails anyway.

mod circuit;
mod layer;

pub use circuit::{BreakerOptions, BreakerState};
pub use layer::Breaker;
