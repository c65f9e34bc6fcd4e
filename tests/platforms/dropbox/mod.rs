//! Dropbox, against a fake that keeps to its documentation.

mod behaviour;
mod conformance;
mod fake;
mod faults;
mod feed;
mod setup;
mod sharing;
mod vendor;
