//! Values kept near: bounded by weight, loaded once for all who ask, and never older than they may be.
//!
//! [`Cache`] keeps any values; [`CacheBuilder`] says how it behaves. [`MetadataCache`] keeps what an account says of its files.

mod account;
mod files;
mod options;
mod session;

pub use account::MetadataCache;
pub use options::MetadataOptions;

pub use crate::caching::{
    Cache, CacheBuilder, CacheStats, Expiry, InsertOptions, Insertion, RemovalCause,
};
