//! Strings a wedding or event studio's tools together.
#![forbid(unsafe_code)]
#![warn(missing_docs, missing_debug_implementations)]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]
#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]
#![warn(clippy::indexing_slicing, clippy::todo)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![warn(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backends;
mod clock;
pub mod connector;
mod engine;
mod error;
mod id;
mod orchestrator;
pub mod permission;
pub mod platforms;
pub mod storage;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

pub use clock::{Clock, SystemClock, Timestamp};
pub use engine::{journal, sync, transfer};
pub use error::{Error, ErrorKind, Result};
pub use id::{Chance, Ids, OrganizationId, RunId};
pub use orchestrator::{Orchestrator, OrchestratorBuilder, Organization, SyncRequest, SyncRun};
