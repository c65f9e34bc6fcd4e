//! What is kept about sections, and what the journal says of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::engine::journal::EventKind;
use crate::error::{Error, ErrorKind, Result};
use crate::permission::Actor;
use crate::storage::{Collection, IndexName, RecordId, Version};

use super::configuration::Configuration;
use super::overlay::Overlay;
use super::patch::Patch;
use super::template::Template;

/// The collection of section configurations, by their ids: `sections.md`, §1.
pub const SECTION_CONFIGURATIONS: Collection<Configuration> =
    Collection::new("section_configurations");

/// The collection of people's own arrangements of sections, by user and section.
pub const SECTION_OVERLAYS: Collection<OverlayRecord> = Collection::new("section_overlays");

/// The collection of changes that were made to sections, by section and change.
pub const SECTION_HISTORY: Collection<HistoryEntry> = Collection::new("section_history");

/// The collection that holds which section is the one of its type, in a wedding or in the organization.
pub const SECTION_SLOTS: Collection<String> = Collection::new("section_slots");

/// The collection of templates, by their ids.
pub const SECTION_TEMPLATES: Collection<TemplateRecord> = Collection::new("section_templates");

/// A section is new or has changed. Subject `section`; data `version`, `kinds`, and `change`, its name in the history.
pub const SECTION_CHANGED: EventKind = EventKind::new("section.changed");

/// A section is gone. Subject `section`; data `version`, the last it had.
pub const SECTION_REMOVED: EventKind = EventKind::new("section.removed");

/// A person has arranged a section for themselves. Subject `section`; data `user` and `version`.
pub const SECTION_PERSONALIZED: EventKind = EventKind::new("section.personalized");

/// What people had arranged of a section for themselves went with it. Subject `section`; data `users`, whose.
pub const SECTION_ARRANGEMENTS_REMOVED: EventKind = EventKind::new("section.arrangements_removed");

/// What was changed of a section is no longer on record. Subject `section`; data `changes`, how many.
pub const SECTION_HISTORY_ERASED: EventKind = EventKind::new("section.history_erased");

/// A template is new or has changed. Subject `template`.
pub const SECTION_TEMPLATE_CHANGED: EventKind = EventKind::new("section.template_changed");

/// A template is gone. Subject `template`.
pub const SECTION_TEMPLATE_REMOVED: EventKind = EventKind::new("section.template_removed");

/// The configurations as they stand, also those that are none.
pub(super) const RAW_SECTIONS: Collection<Value> = Collection::new("section_configurations");

/// People's own arrangements as they stand, also those that are none.
pub(super) const RAW_OVERLAYS: Collection<Value> = Collection::new("section_overlays");

/// Finds overlays by their section.
pub(super) const BY_SECTION: IndexName = IndexName::new("section");

/// A person's own arrangement of one section.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OverlayRecord {
    /// Whose.
    pub user_id: String,
    /// Of which section.
    pub section_id: String,
    /// What is different for them.
    pub overlay: Overlay,
}

/// One change of a section.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HistoryEntry {
    /// Names the change within its section.
    pub change: String,
    /// The section.
    pub section_id: String,
    /// What it is, where that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_type: Option<String>,
    /// For which wedding it is; nothing for all of the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wedding_id: Option<String>,
    /// What was done.
    pub kind: HistoryKind,
    /// The version it made, or the last one of a section that was removed.
    pub version: Version,
    /// When.
    pub at: Timestamp,
    /// Who; several if their changes went in as one.
    pub by: Vec<Author>,
    /// What makes the section before of the section after.
    pub before: Patch,
    /// What makes the section after of the section before.
    pub after: Patch,
}

/// Who has made a change.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Author {
    /// `host`, `user` or `service`.
    pub kind: String,
    /// The host's id of the person or service; nothing of the host itself, and of a person who was erased.
    pub id: Option<String>,
}

impl From<&Actor> for Author {
    fn from(actor: &Actor) -> Self {
        let (kind, id) = match actor {
            Actor::Host => ("host", None),
            Actor::User(id) => ("user", Some(id.clone())),
            Actor::Service(id) => ("service", Some(id.clone())),
        };
        Self {
            kind: kind.to_owned(),
            id,
        }
    }
}

/// What was done to a section.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HistoryKind {
    /// It was made.
    Created,
    /// It was changed.
    Changed,
    /// A change was undone: the one of this name.
    Undone(String),
    /// It was removed.
    Removed,
}

/// A pattern of sections under a name.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TemplateRecord {
    /// For people.
    pub name: String,
    /// The sections.
    pub sections: Template,
}

/// What an event of a change tells besides its subject.
#[derive(Debug, Serialize)]
pub(super) struct Changed<'a> {
    pub(super) version: Version,
    pub(super) kinds: &'a [&'a str],
    /// Its name in the history.
    pub(super) change: &'a str,
}

/// Makes one key of several texts, so that no two lists are one key: a JSON list.
pub(super) fn key(parts: &[&str]) -> Result<RecordId> {
    let text = serde_json::to_string(parts).map_err(|cause| {
        let message = "a key cannot be written";
        Error::new(ErrorKind::InvalidInput, "section.key", message).with_source(cause)
    })?;
    RecordId::parse(text)
}

/// What every key begins with that has `first` and something behind it.
pub(super) fn key_prefix(first: &str) -> Result<String> {
    let mut text = key(&[first])?.as_str().to_owned();
    text.pop();
    text.push(',');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_are_one_key() {
        let lists: [&[&str]; 6] = [
            &["u", "1_o"],
            &["u_1", "o"],
            &["u"],
            &["u", "global"],
            &["u\",\"o"],
            &["u", "o"],
        ];
        let mut keys: Vec<_> = lists.iter().map(|list| key(list).unwrap()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), lists.len());
    }

    #[test]
    fn a_prefix_finds_what_is_behind_one_text_and_nothing_else() {
        let prefix = key_prefix("u").unwrap();
        assert!(key(&["u", "o"]).unwrap().as_str().starts_with(&prefix));
        assert!(!key(&["u1", "o"]).unwrap().as_str().starts_with(&prefix));
        assert!(!key(&["u\",\"o"]).unwrap().as_str().starts_with(&prefix));
    }
}
