//! The seam to outside platforms: one trait, its facets, and the values they exchange.

mod facts;
mod hashes;
mod path;
mod version;

pub use facts::{
    AuthKind, Category, ChunkRules, FileFacts, LastChunk, NameRules, Platform, RateLimit,
    UnicodeForm,
};
pub use hashes::{HashAlgorithm, Hashes, HashesRef};
pub(crate) use hashes::{from_hex, to_hex};
pub use path::FilePath;
pub use version::{FileVersion, Likeness, VersionRef};
