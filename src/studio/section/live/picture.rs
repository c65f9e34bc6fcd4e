//! What a client makes of what it is told.

use std::collections::BTreeMap;

use crate::wedding::{Phase, SectionType};

use super::update::{LiveSection, Update};

/// What somebody sees, put together from updates as they come.
///
/// # Example
///
/// ```
/// use garland::section::LiveView;
///
/// let view = LiveView::new();
/// assert!(view.sections().is_empty() && view.phase().is_none());
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LiveView {
    phase: Option<Phase>,
    sections: BTreeMap<SectionType, LiveSection>,
}

impl LiveView {
    /// Makes the view of somebody who was told nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an update in. Those of one member and wedding are taken in their order.
    pub fn apply(&mut self, update: Update) {
        let (phase, shown) = match update {
            Update::Snapshot(picture) => {
                self.sections.clear();
                (picture.phase, picture.sections)
            }
            Update::Difference(difference) => {
                for name in &difference.gone {
                    self.sections.remove(name);
                }
                (difference.phase, difference.shown)
            }
            Update::Resume(_) => return,
        };
        self.phase = phase;
        let shown = shown.into_iter();
        self.sections
            .extend(shown.map(|shown| (shown.section.section_type.clone(), shown)));
    }

    /// Returns the phase of the wedding, as far as it is known.
    #[must_use]
    pub const fn phase(&self) -> Option<Phase> {
        self.phase
    }

    /// Returns the sections in the order of the page.
    #[must_use]
    pub fn sections(&self) -> Vec<&LiveSection> {
        let mut sections: Vec<_> = self.sections.values().collect();
        // Stable, so that equal positions stay ordered by section type.
        sections.sort_by_key(|shown| place(shown));
        sections
    }
}

/// Where a section stands on the page; one without a position is last.
pub(super) fn place(shown: &LiveSection) -> u32 {
    shown.section.position.map_or(u32::MAX, u32::from)
}
