//! What tests of garland and of its hosts are made of (feature `testing`).
//!
//! [`storage`] holds a database to the promises of
//! [`StorageBackend`](crate::storage::StorageBackend). [`Faults`] makes accounts and databases fail
//! on purpose, the same way every time.

mod clock;
mod faults;
mod storage;

pub use clock::PausedClock;
pub use faults::{
    FaultKind, FaultRule, Faults, FaultyConnector, FaultyStorage, Injected, Moment, Operation,
};
pub use storage::storage;
