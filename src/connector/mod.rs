//! The seam to outside platforms: one trait, its facets, and the values they exchange.
//!
//! A [`PlatformConnector`] is one configured account. What it can do is told by its facets
//! ([`FileStore`], [`ChangeFeed`], [`LinkSharing`] …) and, as data, by [`Platform`] and [`FileFacts`].
//! A host's own connector implements the same traits and is held to the same promises by
//! `garland::testing::connector` (feature `testing`).

mod changes;
mod digest;
mod facts;
mod files;
mod hashes;
mod links;
mod names;
mod path;
mod platform;
mod registry;
mod version;

pub use changes::{Change, ChangeCursor, ChangeFeed, ChangePage};
pub use digest::ContentHasher;
pub use facts::{
    AuthKind, Category, ChunkRules, FileFacts, LastChunk, NameRules, Platform, RateLimit,
    UnicodeForm,
};
pub use files::{
    Expect, FileEntry, FileReader, FileStore, ListPage, ReadOptions, SkipReason, Skipped,
    UploadRequest, UploadSession, UploadToken,
};
pub use hashes::{HashAlgorithm, Hashes, HashesRef};
pub(crate) use hashes::{from_hex, to_hex};
pub use links::{LinkOptions, LinkScope, LinkSharing, ShareLink};
pub use path::FilePath;
pub use platform::{Health, PlatformConnector};
pub use registry::{ConnectorName, ConnectorRegistry, NamedConnector};
pub use version::{FileVersion, Likeness, VersionRef};
