//! The conformance suite for accounts.

mod account;
mod changes;
mod contacts;
mod expectations;
mod galleries;
mod links;
mod listings;
mod moves;
mod names;
mod presets;
mod publisher;
mod reads;
mod suite;
mod uploads;
mod webhooks;

pub use account::Account;
pub use suite::connector;
