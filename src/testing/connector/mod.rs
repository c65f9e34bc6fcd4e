//! The conformance suite for accounts.

mod account;
mod changes;
mod expectations;
mod links;
mod listings;
mod moves;
mod names;
mod reads;
mod suite;
mod uploads;

pub use account::Account;
pub use suite::connector;
