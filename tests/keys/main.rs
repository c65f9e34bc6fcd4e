//! The keys of an organization, their roots, and passwords.

#[path = "../common/between.rs"]
mod between;

mod bundles;
mod erasure;
mod passwords;
mod primitives;
mod ring;
mod roots;
mod rotation;
mod secrets;
mod world;
