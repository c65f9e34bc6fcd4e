//! Two organizations on one database: nothing of one is there for the other.
#![cfg(all(
    feature = "crypto",
    feature = "sqlite",
    feature = "testing",
    feature = "upload"
))]

mod calls;
mod closed;
mod copied;
mod dump;
mod entry_points;
mod furnish;
mod ground;
mod listing;
mod matrix;
mod tap;
mod world;
