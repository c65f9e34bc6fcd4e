//! Content hashes computed: every [`HashAlgorithm`](super::HashAlgorithm) in one pass over the bytes.
//!
//! The cryptographic hashes and the tables of the checksums come from well-kept crates; what only a
//! platform uses (Dropbox, quickXorHash) is written here from the vendor's page.

mod crc;
mod dropbox;
mod hasher;
mod quick_xor;
mod state;

pub use hasher::ContentHasher;
