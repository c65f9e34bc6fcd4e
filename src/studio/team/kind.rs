//! What is kept of an organization, and under which names.

use serde_json::Value;

use crate::engine::journal::EventKind;
use crate::error::Result;
use crate::storage::{Collection, RecordId};

use super::check::check_id;
use super::records::{
    ACCESS_STATEMENTS, MEMBER_CHANGED, MEMBER_REMOVED, STATEMENT_CHANGED, STATEMENT_REMOVED,
    TEAM_MEMBERS, WEDDING_CHANGED, WEDDING_REMOVED, WEDDINGS,
};

/// What members, weddings and statements differ in.
pub(super) struct Kind {
    pub(super) collection: &'static Collection<Value>,
    pub(super) resource: &'static str,
    pub(super) changed: EventKind,
    pub(super) removed: EventKind,
    /// Fields whose change has a name, and that name.
    fields: &'static [(&'static str, &'static str)],
}

pub(super) static MEMBER: Kind = Kind {
    collection: &TEAM_MEMBERS,
    resource: "member",
    changed: MEMBER_CHANGED,
    removed: MEMBER_REMOVED,
    fields: &[
        ("role", "role"),
        ("weddingAccess", "access"),
        ("customFields", "fields"),
        ("organizationRole", "role"),
        ("weddingRoles", "role"),
        ("assignments", "assignments"),
    ],
};

pub(super) static WEDDING: Kind = Kind {
    collection: &WEDDINGS,
    resource: "wedding",
    changed: WEDDING_CHANGED,
    removed: WEDDING_REMOVED,
    fields: &[
        ("date", "date"),
        ("endDate", "date"),
        ("timeZone", "time_zone"),
    ],
};

pub(super) static STATEMENT: Kind = Kind {
    collection: &ACCESS_STATEMENTS,
    resource: "statement",
    changed: STATEMENT_CHANGED,
    removed: STATEMENT_REMOVED,
    fields: &[],
};

impl Kind {
    pub(super) fn key(&self, id: &str) -> Result<RecordId> {
        check_id(id, "team.key").map_err(|error| error.with_context("kind", self.resource))?;
        RecordId::parse(id)
    }

    /// Names what changed, without saying to what.
    pub(super) fn changes(&self, old: Option<&Value>, new: &Value) -> Vec<&'static str> {
        let Some(old) = old else {
            return vec!["created"];
        };
        let field = |value: &Value, name: &str| value.get(name).filter(|v| !v.is_null()).cloned();
        let named = self.fields.iter();
        let mut kinds: Vec<_> = named
            .filter(|(name, _)| field(old, name) != field(new, name))
            .map(|(_, kind)| *kind)
            .collect();
        let other = |value: &Value| {
            let mut value = value.clone();
            if let Some(fields) = value.as_object_mut() {
                fields
                    .retain(|name, v| !v.is_null() && !self.fields.iter().any(|(n, _)| n == name));
            }
            value
        };
        kinds.dedup();
        if other(old) != other(new) {
            kinds.push("other");
        }
        kinds
    }
}
