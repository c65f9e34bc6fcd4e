//! Deterministic fault injection.
//!
//! [`Faults`] decides; [`FaultyConnector`] and [`FaultyStorage`] carry it out around whatever they
//! wrap. All things that share one [`Faults`] count their calls together, so that step 17 of a run
//! is one call, the same in every run.

mod connector;
mod dice;
mod facets;
mod files;
mod handle;
mod kind;
mod perform;
mod session;
mod storage;

pub use connector::FaultyConnector;
#[cfg(feature = "testing-http")]
pub(super) use dice::Dice;
pub use handle::{Faults, Injected};
pub use kind::{FaultKind, FaultRule, Moment, Operation};
pub use storage::FaultyStorage;
