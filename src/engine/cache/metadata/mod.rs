//! What an account said of its files, kept near.

mod account;
mod files;
mod options;
mod session;

pub use account::MetadataCache;
pub use options::MetadataOptions;
