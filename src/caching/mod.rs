//! Values kept near: bounded by weight, loaded once for all who ask, and never older than they may be.

mod barriers;
mod builder;
mod course;
mod entry;
mod flight;
mod handle;
mod hashing;
mod index;
mod load;
mod options;
mod pack;
mod policy;
mod rules;
mod shard;
mod stats;
mod tenants;
mod twice;

pub use builder::CacheBuilder;
pub use handle::Cache;
pub use options::{Expiry, InsertOptions, Insertion, RemovalCause};
pub use stats::CacheStats;
