//! Connectors to platforms, each against a real server or against a fake that keeps to the vendor's documentation.

#[cfg(feature = "dropbox")]
mod dropbox;
mod ground;
mod kit;
mod support;
