//! Putting it together: the accounts, the database and the rules of a host, and what it asks of them.

mod builder;
mod handle;
#[cfg(feature = "crypto")]
mod security;
#[cfg(feature = "crypto")]
mod sessions;
mod studio;
mod sync;
#[cfg(feature = "upload")]
mod uploads;

pub use builder::OrchestratorBuilder;
pub use handle::{Orchestrator, Organization};
#[cfg(feature = "crypto")]
#[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
pub use sessions::Sessions;
pub use sync::{SyncRequest, SyncRun};
