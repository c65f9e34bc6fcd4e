//! Sealed objects, format version 1.

mod chunks;
mod context;
mod header;
mod size;

pub use context::{Purpose, SealContext};
pub use header::{HEADER, Header};
pub use size::{ChunkSize, Layout};
