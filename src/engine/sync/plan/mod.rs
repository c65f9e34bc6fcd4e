//! The plan: what has to happen so that all replicas agree, as a pure function (`spec/sync.md`).
//!
//! Order of importance: lose nothing, then be exact, then be quick. Paths are taken in byte order, all
//! replicas side by side; what nobody changed costs neither memory nor a second look.

mod conflict_name;
mod desk;
mod draft;
mod groups;
mod guards;
mod model;
mod names;
mod one_way;
mod options;
mod order;
mod peers;
mod planner;
mod renames;
mod replicas;
mod scope;
mod show;
mod spelling;
mod states;
mod tally;
mod text;
mod view;
mod walk;
mod world;

pub use model::{
    Action, Conflict, ConflictKind, Counts, Kept, KeptReason, Plan, RecoverReason, Refusal,
    Resolution, Spelling,
};
pub use options::{ConflictStrategy, Limit, PlanOptions, Relation};
pub use planner::Planner;
pub use replicas::{ReplicaIndex, ReplicaSet};
pub use show::PlanListing;
pub use world::{Replica, World, WorldDigest};
