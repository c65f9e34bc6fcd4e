//! The promises of [`StorageBackend`](crate::storage::StorageBackend), one function a rule.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test kit says by a panic what does not hold"
)]

mod batches;
mod crowds;
mod journals;
mod names;
mod queries;
mod subject;
mod suite;
mod tenants;

pub use suite::storage;
