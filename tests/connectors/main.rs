//! Our own connectors, held to the promises of the seam, and on their bad days.
#![cfg(feature = "testing")]

mod conformance;
#[cfg(all(feature = "local", unix))]
mod local_escape;
#[cfg(all(feature = "local", unix))]
mod local_list;
#[cfg(all(feature = "local", target_os = "linux"))]
mod local_mounts;
#[cfg(all(feature = "local", unix))]
mod local_read;
#[cfg(all(feature = "local", unix))]
mod local_upload;
mod memory;
mod tools;
