//! The seam to outside platforms: one trait, its facets, and the values they exchange.

mod digest;
mod facts;
mod hashes;
mod path;
mod version;

pub use digest::ContentHasher;
pub use facts::{
    AuthKind, Category, ChunkRules, FileFacts, LastChunk, NameRules, Platform, RateLimit,
    UnicodeForm,
};
pub use hashes::{HashAlgorithm, Hashes, HashesRef};
pub use path::FilePath;
pub use version::{FileVersion, Likeness, VersionRef};
