//! What is kept about sections, and what the journal says of it.

use serde_json::Value;

use crate::engine::journal::EventKind;
use crate::storage::{Collection, IndexName};

/// The collection of section configurations, by their ids: `sections.md`, §1.
pub const SECTION_CONFIGURATIONS: Collection<Value> = Collection::new("section_configurations");

/// A section is new or has changed. Subject `section`; data `version` and `kinds`.
pub const SECTION_CHANGED: EventKind = EventKind::new("section.changed");

/// A section is gone. Subject `section`; data `version`, the last it had.
pub const SECTION_REMOVED: EventKind = EventKind::new("section.removed");

/// Orders configurations by the wedding they are for; those of the whole organization are not in it.
pub(super) const BY_WEDDING: IndexName = IndexName::new("wedding");
