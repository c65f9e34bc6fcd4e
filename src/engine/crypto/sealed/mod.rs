//! Sealed objects, format version 1.

mod chunks;
mod context;
mod failure;
mod header;
mod key;
mod line;
mod opener;
mod pass;
mod range;
mod sealer;
mod size;
mod stream;

pub use context::{Purpose, SealContext};
pub use failure::SealedError;
#[cfg(feature = "testing")]
pub(crate) use header::object_secrets;
pub use header::{HEADER, Header};
pub(crate) use header::{ObjectKeys, begin, unlock};
pub use key::SealKey;
pub use opener::Opener;
pub use pass::{Pass, Passed};
pub use range::{ReadAt, SealedReader};
pub use sealer::Sealer;
pub use size::{ChunkSize, Layout};
