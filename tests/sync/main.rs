//! Syncs from end to end: real plans, carried out on accounts that fail in every way they can.

mod bad_days;
mod clocks;
mod conflicts;
mod crashes;
mod feeds;
mod filters;
mod hangs;
mod hostile;
mod journal;
mod liars;
mod listings;
#[cfg(feature = "local")]
mod local;
mod locks;
mod names;
mod plans;
mod rounds;
#[cfg(feature = "local")]
mod samples;
#[cfg(feature = "sqlite")]
mod state_file;
mod tools;
mod uploads;
mod world;
