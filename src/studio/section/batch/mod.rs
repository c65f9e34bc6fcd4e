//! Changes that wait a moment for others: `sections.md` §5.

mod item;
mod queue;

pub use item::{
    BatchItem, ConfigurationChange, ConfigurationEntry, PermissionEntry, PermissionMark,
};
pub use queue::{BatchQueue, Flush, FlushId, Trigger};
