//! The keys of an organization, their roots, and passwords.

mod ring;
mod world;
