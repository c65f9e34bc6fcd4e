//! Bandwidth: the laws of the allocator.

mod example;
mod given;
mod laws;
mod refusals;
