//! What is held about people is given, erased with proof, kept while it must be, and deleted when it is old.

#[path = "../common/root.rs"]
mod root;

mod coverage;
mod crashes;
mod erasures;
mod exports;
mod holds;
mod real;
mod retention;
mod rights;
mod world;
