//! Verified sync between any number of places.
//!
//! A run has two halves. The plan is a pure function of a [`World`]: what every replica lists and what it
//! held when all last agreed. Carrying it out is a separate step, so that a plan can be printed, stored,
//! refused by a guard or thrown away before a byte moves.

mod inventory;
mod plan;

pub use inventory::{Inventory, InventoryBuilder, InventoryDigest};
pub use plan::{
    Action, Conflict, ConflictKind, ConflictStrategy, Counts, Kept, KeptReason, Limit, Plan,
    PlanListing, PlanOptions, Planner, RecoverReason, Refusal, Relation, Replica, ReplicaIndex,
    ReplicaSet, Resolution, Spelling, World, WorldDigest,
};
