//! The keys of an organization, their roots, and passwords.

mod ring;
mod roots;
mod rotation;
mod world;
