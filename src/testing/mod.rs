//! What tests of garland and of its hosts are made of (feature `testing`).
//!
//! [`storage`] holds a database to the promises of
//! [`StorageBackend`](crate::storage::StorageBackend).

mod storage;

pub use storage::storage;
