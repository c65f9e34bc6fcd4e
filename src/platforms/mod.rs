//! Connectors to the places where files live, one feature each.
//!
//! Each implements [`PlatformConnector`](crate::connector::PlatformConnector) and the facets its
//! platform really has; nothing above the seam knows one of them by name.

#[cfg(feature = "dropbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "dropbox")))]
pub mod dropbox;
#[cfg(all(feature = "local", unix))]
mod local;
#[cfg(feature = "testing")]
mod memory;

#[cfg(feature = "dropbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "dropbox")))]
pub use dropbox::{Dropbox, DropboxBuilder, DropboxNews};
#[cfg(all(feature = "local", unix))]
#[cfg_attr(docsrs, doc(cfg(feature = "local")))]
pub use local::{Durability, LocalFolder, LocalOptions};
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub use memory::{MemoryOptions, MemoryPlatform};
