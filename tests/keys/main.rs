//! The keys of an organization, their roots, and passwords.

mod ring;
mod rotation;
mod world;
