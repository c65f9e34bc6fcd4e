//! Connectors to platforms, each against a real server or against a fake that keeps to the vendor's documentation.

#[cfg(feature = "azure")]
mod azure;
#[cfg(feature = "dropbox")]
mod dropbox;
#[cfg(feature = "gcs")]
mod gcs;
#[cfg(feature = "google-drive")]
mod google_drive;
mod ground;
mod kit;
#[cfg(feature = "s3")]
mod s3;
mod support;
#[cfg(feature = "webdav")]
mod webdav;
