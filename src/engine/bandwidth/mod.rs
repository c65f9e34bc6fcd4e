//! bandwidth

mod arena;
mod check;
mod class;
mod fill;
mod node;
mod tree;

pub use class::{Class, Policy, Standing};
pub use node::Node;
pub use tree::{Allocation, Overcommit, Tree};
