//! The test ground itself: what connectors are tested with must be able to fail.

mod description;
mod servers;
