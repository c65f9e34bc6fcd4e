//! What tests of garland and of its hosts are made of (feature `testing`).
//!
//! - [`connector`] holds an account to the promises of its traits, [`storage`] a database.
//! - [`Faults`] makes accounts and databases fail on purpose, the same way every time.
#![cfg_attr(
    feature = "testing-http",
    doc = "- [`http`] has a proxy that spoils calls between a connector and its platform."
)]

mod clock;
#[expect(
    clippy::unwrap_used,
    reason = "a broken promise ends the test, and the place of the panic tells which"
)]
mod connector;
#[cfg(feature = "crypto")]
#[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
pub mod crypto;
mod faults;
#[cfg(feature = "testing-http")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing-http")))]
pub mod http;
mod storage;

pub use clock::PausedClock;
pub use connector::{Account, connector};
pub use faults::{
    FaultKind, FaultRule, Faults, FaultyConnector, FaultyStorage, Injected, Moment, Operation,
};
pub use storage::storage;
