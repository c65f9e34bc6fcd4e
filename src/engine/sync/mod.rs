//! Verified sync between any number of places.
//!
//! A run has two halves. The plan is a pure function of a [`World`]: what every replica lists and what it
//! held when all last agreed. Carrying it out is a separate step, so that a plan can be printed, stored,
//! refused by a guard or thrown away before a byte moves.

mod book;
mod confirm;
mod conflicts;
mod doubt;
mod engine;
mod events;
mod execute;
#[cfg(feature = "filter")]
mod filter;
mod inventory;
mod ledger;
mod look;
mod merge;
mod moves;
mod operations;
mod options;
mod plain;
mod plan;
mod progress;
mod recovery;
mod report;
mod scan;
mod snapshot;
mod state;
mod steps;
mod tally;
mod turn;
#[cfg(feature = "xmp")]
mod xmp;

pub use conflicts::{Choice, OpenConflict, OpenVersion, SYNC_CONFLICTS};
pub use doubt::{SYNC_UNDER_WAY, UnderWay};
pub(crate) use engine::{Engine, Environment};

pub use events::{SyncEvent, SyncEventStream, SyncEvents};
#[cfg(feature = "filter")]
pub use filter::{Patterns, StrategyFor};

pub use inventory::{Inventory, InventoryBuilder, InventoryDigest};
pub use merge::{MERGE_LIMIT, MergeInput, Merger};
pub use operations::{OperationRecord, SYNC_OPERATIONS};
pub use options::{PathFilter, StrategyOverride, SyncOptions};
pub use plan::{
    Action, Conflict, ConflictKind, ConflictStrategy, Counts, Kept, KeptReason, Limit, Plan,
    PlanListing, PlanOptions, Planner, RecoverReason, Refusal, Relation, Replica, ReplicaIndex,
    ReplicaSet, Resolution, Spelling, World, WorldDigest,
};
pub use progress::{Phase, Progress};
pub use recovery::{RecoveredFile, SYNC_RECOVERED};
pub use report::{FailedFile, Listed, ReplicaReport, SyncReport};
pub use snapshot::{SYNC_SNAPSHOTS, SnapshotRecord};
pub use state::{BaseRecord, HeldVersion, SYNC_BASES};
#[cfg(feature = "xmp")]
#[cfg_attr(docsrs, doc(cfg(feature = "xmp")))]
pub use xmp::XmpMerger;
