//! An account that lives in memory, for tests (feature `testing`).
//!
//! [`MemoryPlatform`] really keeps to whatever [`FileFacts`](crate::connector::FileFacts) it is given:
//! names that are told apart without case, times cut to two seconds, chunks that must be aligned, a
//! quota that is used up. So one test can run against every kind of place without a network.
//!
//! A clone is the same account seen by another process: files and unfinished uploads are shared.

mod account;
mod contacts;
mod feed;
mod galleries;
mod links;
mod options;
mod paging;
mod presets;
mod publisher;
mod state;
mod store;
mod upload;
mod webhooks;

pub use account::MemoryPlatform;
pub use options::MemoryOptions;
