//! Two organizations on one database: nothing of one is there for the other.
#![cfg(all(
    feature = "crypto",
    feature = "sqlite",
    feature = "testing",
    feature = "upload"
))]

#[path = "../common/between.rs"]
mod between;
#[path = "../common/clock.rs"]
mod clock;
#[path = "../common/dice.rs"]
mod dice;
#[path = "../common/root.rs"]
mod root;

mod calls;
mod closed;
mod copied;
mod dump;
mod entry_points;
mod furnish;
mod furnish_studio;
mod ground;
mod listing;
mod matrix;
mod studio_asks;
mod tap;
mod world;
