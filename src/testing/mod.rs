//! What tests of garland and of its hosts are made of (feature `testing`).
//!
//! [`Faults`] makes accounts and databases fail on purpose, the same way every time.

mod faults;

pub use faults::{
    FaultKind, FaultRule, Faults, FaultyConnector, FaultyStorage, Injected, Moment, Operation,
};
