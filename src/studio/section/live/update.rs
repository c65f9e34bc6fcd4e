//! What a subscriber is told.

use crate::permission::EffectiveSection;
use crate::storage::Version;
use crate::wedding::{Phase, SectionType};

use super::cursor::Cursor;

/// One thing a subscriber is told.
///
/// It names sections, versions and rights; it carries no contents. Whoever wants those asks for them, with their own
/// rights.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Update {
    /// All there is to see; whatever was known before is to be forgotten. It comes first, and again where what a cursor
    /// stands for can no longer be made out.
    Snapshot(Picture),
    /// What is different since the last update.
    Difference(Difference),
    /// The subscription is over: its reader was too far behind, or the program ends. Subscribe again with this cursor.
    Resume(Cursor),
}

/// All that somebody sees.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Picture {
    /// The wedding's phase; nothing without a wedding, if it cannot be known, or if there is nothing to see.
    pub phase: Option<Phase>,
    /// The sections they see, in the order of the page.
    pub sections: Vec<LiveSection>,
    /// Where the subscriber stands now.
    pub cursor: Cursor,
}

/// What is different in what somebody sees.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// The phase as it is now, whether or not it is another than before; nothing as in [`Picture::phase`].
    pub phase: Option<Phase>,
    /// Sections that are new or others than before, whole, in the order of the page.
    pub shown: Vec<LiveSection>,
    /// Sections that are to be dropped, ordered.
    pub gone: Vec<SectionType>,
    /// Where the subscriber stands now.
    pub cursor: Cursor,
}

/// One section that somebody sees.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LiveSection {
    /// What they may do with it, and where it stands.
    pub section: EffectiveSection,
    /// The versions of its configurations, in the order of
    /// [`config_ids`](EffectiveSection::config_ids): if one is another, there is something new to read.
    pub versions: Vec<Version>,
    /// The versions of what the member has arranged for themselves of each of them, in the same order; nothing where
    /// they have arranged nothing. What is told otherwise, as the position, is that of the shared configurations.
    pub arranged: Vec<Option<Version>>,
}
