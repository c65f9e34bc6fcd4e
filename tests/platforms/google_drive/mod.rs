//! Google Drive, against a fake that keeps to its documentation.

mod bad_days;
mod behaviour;
mod conformance;
mod fake;
mod faults;
mod feed;
mod setup;
mod vendor;
