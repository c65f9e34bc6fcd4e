//! Connectors to platforms, each against a real server or against a fake that keeps to the vendor's documentation.

mod ground;
mod kit;
mod support;
#[cfg(feature = "webdav")]
mod webdav;
