//! Sealed files from outside: what opens, what is refused, and how it is told.

mod backends;
mod nonces;
mod parallel;
mod pieces;
mod properties;
mod ranges;
mod readers;
mod streams;
mod tampering;
mod world;
