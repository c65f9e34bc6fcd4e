//! Syncs from end to end: real plans, carried out on accounts that fail in every way they can.

mod bad_days;
mod crashes;
mod rounds;
mod world;
