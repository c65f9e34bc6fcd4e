//! The test ground itself: what connectors are tested with must be able to fail.

mod bad_days;
mod description;
mod proxy;
mod servers;
mod shelf;
