//! Tokens, what takes them back, and what is signed beside them. Names begin with the check they show.

#[path = "../common/between.rs"]
mod between;
#[path = "../common/clock.rs"]
mod clock;

mod access;
mod authorization;
mod presigned;
mod revocation;
mod secrets;
mod sessions;
mod world;
