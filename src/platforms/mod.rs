//! Connectors to the places where files live, one feature each.
//!
//! Each implements [`PlatformConnector`](crate::connector::PlatformConnector) and the facets its
//! platform really has; nothing above the seam knows one of them by name.

#[cfg(feature = "azure")]
#[cfg_attr(docsrs, doc(cfg(feature = "azure")))]
pub mod azure;
#[cfg(feature = "dropbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "dropbox")))]
pub mod dropbox;
#[cfg(feature = "gcs")]
#[cfg_attr(docsrs, doc(cfg(feature = "gcs")))]
pub mod gcs;
#[cfg(feature = "google-drive")]
#[cfg_attr(docsrs, doc(cfg(feature = "google-drive")))]
pub mod google_drive;
#[cfg(all(feature = "local", unix))]
mod local;
#[cfg(feature = "testing")]
mod memory;
#[cfg(any(feature = "azure", feature = "gcs", feature = "s3"))]
mod objects;
#[cfg(feature = "s3")]
#[cfg_attr(docsrs, doc(cfg(feature = "s3")))]
pub mod s3;
#[cfg(feature = "webdav")]
#[cfg_attr(docsrs, doc(cfg(feature = "webdav")))]
pub mod webdav;

#[cfg(feature = "azure")]
#[cfg_attr(docsrs, doc(cfg(feature = "azure")))]
pub use azure::{AzureBlob, AzureCredentials, AzureOptions};
#[cfg(feature = "dropbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "dropbox")))]
pub use dropbox::{Dropbox, DropboxBuilder, DropboxNews};
#[cfg(feature = "gcs")]
#[cfg_attr(docsrs, doc(cfg(feature = "gcs")))]
pub use gcs::{Gcs, GcsOptions, ServiceAccount};
#[cfg(feature = "google-drive")]
#[cfg_attr(docsrs, doc(cfg(feature = "google-drive")))]
pub use google_drive::{DriveDeletion, GoogleDrive, GoogleDriveBuilder};
#[cfg(all(feature = "local", unix))]
#[cfg_attr(docsrs, doc(cfg(feature = "local")))]
pub use local::{Durability, LocalFolder, LocalOptions};
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub use memory::{MemoryOptions, MemoryPlatform};
#[cfg(feature = "s3")]
#[cfg_attr(docsrs, doc(cfg(feature = "s3")))]
pub use s3::{S3, S3Checksum, S3Keys, S3Options};
#[cfg(feature = "webdav")]
#[cfg_attr(docsrs, doc(cfg(feature = "webdav")))]
pub use webdav::{WebDav, WebDavBuilder, WebDavProfile};
