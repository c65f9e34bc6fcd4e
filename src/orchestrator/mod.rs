//! Putting it together: the accounts, the database and the rules of a host, and what it asks of them.

mod builder;
mod handle;
#[cfg(feature = "crypto")]
mod security;
mod sync;
#[cfg(feature = "upload")]
mod uploads;

pub use builder::OrchestratorBuilder;
pub use handle::{Orchestrator, Organization};
pub use sync::{SyncRequest, SyncRun};
