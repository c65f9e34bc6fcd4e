//! The keys of an organization, their roots, and passwords.

mod erasure;
mod ring;
mod roots;
mod rotation;
mod world;
