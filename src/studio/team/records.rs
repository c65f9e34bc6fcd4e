//! What is kept about members and weddings, and what the journal says of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::journal::EventKind;
use crate::storage::{Collection, Version};
use crate::wedding::AccessLevel;

/// The collection of members, by their ids: the "user" of `permissions.md`, §1.
pub const TEAM_MEMBERS: Collection<Value> = Collection::new("team_members");

/// The collection of weddings, by their ids: the "wedding" of `permissions.md`, §1.
pub const WEDDINGS: Collection<Value> = Collection::new("weddings");

/// A member is new or has changed. Subject `member`; data `version` and `kinds`.
pub const MEMBER_CHANGED: EventKind = EventKind::new("team.member_changed");

/// A member is gone. Subject `member`.
pub const MEMBER_REMOVED: EventKind = EventKind::new("team.member_removed");

/// A wedding is new or has changed. Subject `wedding`; data `version` and `kinds`.
pub const WEDDING_CHANGED: EventKind = EventKind::new("team.wedding_changed");

/// A wedding is gone. Subject `wedding`.
pub const WEDDING_REMOVED: EventKind = EventKind::new("team.wedding_removed");

/// The collection of the organization's own statements of rights, by their ids:
/// [`Statement::read`](crate::permission::rights::Statement::read).
pub const ACCESS_STATEMENTS: Collection<Value> = Collection::new("access_statements");

/// A statement is new or has changed. Subject `statement`; data `version` and `kinds`.
pub const STATEMENT_CHANGED: EventKind = EventKind::new("team.statement_changed");

/// A statement is gone. Subject `statement`.
pub const STATEMENT_REMOVED: EventKind = EventKind::new("team.statement_removed");

/// How far a member is let into one wedding.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Access {
    /// The wedding.
    pub wedding_id: String,
    /// How far.
    pub level: AccessLevel,
}

impl Access {
    /// Lets into a wedding as far as `level`.
    #[must_use]
    pub fn new(wedding: impl Into<String>, level: AccessLevel) -> Self {
        Self {
            wedding_id: wedding.into(),
            level,
        }
    }
}

/// What a write gave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Written {
    /// The number of its event in the organization's main journal. Give it as `at_least` to see the write.
    pub revision: u64,
    /// The version the record has now; of a record that was removed, the last it had.
    pub version: Version,
}

impl Written {
    pub(crate) const fn new(revision: u64, version: Version) -> Self {
        Self { revision, version }
    }
}

/// What an event of a change tells besides its subject.
#[derive(Debug, Serialize)]
pub(super) struct Changed<'a> {
    pub(super) version: Version,
    pub(super) kinds: &'a [&'static str],
}
