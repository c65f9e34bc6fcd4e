//! Configurations of sections.

mod policy;
mod records;

pub use policy::{PolicyOptions, StoredPolicy};
pub use records::{SECTION_CHANGED, SECTION_CONFIGURATIONS, SECTION_REMOVED};
