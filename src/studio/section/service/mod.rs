//! Sections as a service: asked, written in one batch with their event, and never more than a person's part.

mod change;
mod check;
mod create;
mod handle;
mod history;
mod personal;
mod queue;
mod queue_task;
mod read;
mod report;
mod results;
mod sync;
mod templates;

pub use change::Patched;
pub use handle::SectionService;
pub(super) use handle::{MANAGE, MANAGE_PROTECTED, is_protected};
pub use queue::{QueueOptions, SectionQueue, Ticket};
pub use read::SectionView;
pub(super) use results::{AT_ONCE, BY_WEDDING, Pair, worked_out};
pub use results::{
    SECTION_PERMISSIONS, SECTION_RESULTS, SECTION_RESULTS_CHANGED, SectionResult, SectionResults,
};
pub use sync::{SECTION_SYNCS, SyncProgress, SyncRecord};
