//! What of a change, and of a permission, a partner is sent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::permission::EffectiveSection;

use super::super::group::Group;
use super::super::patch::Patch;

/// What one partner is sent, as its record says.
///
/// Only what is exactly `true` is on. Permissions are those of the section types that are listed by name; which groups of
/// configurations are sent is the same for sections of every type.
///
/// # Example
///
/// ```
/// use garland::section::{PartnerSettings, Patch};
/// use serde_json::json;
///
/// let settings = PartnerSettings::read(&json!({ "syncLayout": true, "syncCustomization": "yes" }));
/// let patch = Patch::try_from(json!({
///     "layout": { "position": 3, "size": null },
///     "customization": { "title": "x" },
///     "permissions": { "canView": ["guest"] },
/// }))?;
/// let sent = settings.configuration(&patch).unwrap();
/// assert_eq!(sent.into_value(), json!({ "layout": { "position": 3, "size": null } }));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PartnerSettings {
    /// Whether `visibility` is sent.
    pub visibility: bool,
    /// Whether `layout` is sent.
    pub layout: bool,
    /// Whether `customization` is sent.
    pub customization: bool,
    /// Of which section types permissions are sent.
    pub sections: BTreeSet<String>,
    /// Whether capabilities are sent with them.
    pub conditions: bool,
}

impl PartnerSettings {
    /// Reads settings: `syncVisibility`, `syncLayout`, `syncCustomization`, `syncSections`, `includeConditions`. What is
    /// missing or is not of its type is off.
    #[must_use]
    pub fn read(record: &Value) -> Self {
        let is_on = |key| record.get(key) == Some(&Value::Bool(true));
        let sections = record.get("syncSections").and_then(Value::as_array);
        let names = sections.into_iter().flatten().filter_map(Value::as_str);
        Self {
            visibility: is_on("syncVisibility"),
            layout: is_on("syncLayout"),
            customization: is_on("syncCustomization"),
            sections: names.map(Into::into).collect(),
            conditions: is_on("includeConditions"),
        }
    }

    /// Returns what of a change of a configuration is sent: every field of the groups that are on, removals included.
    /// Nothing if nothing is left. `permissions` are never sent.
    #[must_use]
    pub fn configuration(&self, patch: &Patch) -> Option<Patch> {
        let sent = patch
            .groups()
            .filter(|(group, fields)| self.sends(*group) && !fields.is_empty());
        let sent: Map<_, _> = sent
            .map(|(group, fields)| (group.as_str().into(), Value::Object(fields.clone())))
            .collect();
        (!sent.is_empty()).then(|| Patch::shaped(sent))
    }

    /// Returns what is sent of somebody's permissions: a complete statement for every section type that is listed. What
    /// has no result is sent as denied, so that no partner keeps a stale grant.
    #[must_use]
    pub fn permissions(&self, granted: &BTreeMap<String, PartnerGrant>) -> Map<String, Value> {
        let denied = PartnerGrant::default();
        let statement = |section: &String| {
            let grant = granted.get(section).unwrap_or(&denied);
            (section.clone(), grant.statement(self.conditions))
        };
        self.sections.iter().map(statement).collect()
    }

    const fn sends(&self, group: Group) -> bool {
        match group {
            Group::Visibility => self.visibility,
            Group::Layout => self.layout,
            Group::Customization => self.customization,
            Group::Permissions => false,
        }
    }
}

/// What somebody may do with one section, as far as a partner is ever told.
///
/// There is no place in it for `canHide`, which never leaves.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PartnerGrant {
    /// Whether it may be seen.
    pub can_view: bool,
    /// Whether it may be edited; means nothing without `can_view`.
    pub can_edit: bool,
    /// Names of what else may be done; mean nothing without `can_view`.
    pub capabilities: BTreeSet<String>,
}

impl PartnerGrant {
    /// Reads a stored result: `canView`, `canEdit`, `capabilities`. What is missing or is not of its type grants nothing.
    #[must_use]
    pub fn read(record: &Value) -> Self {
        let is_on = |key| record.get(key) == Some(&Value::Bool(true));
        let names = record.get("capabilities").and_then(Value::as_array);
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        Self {
            can_view: is_on("canView"),
            can_edit: is_on("canEdit"),
            capabilities: names.map(Into::into).collect(),
        }
    }

    fn statement(&self, conditions: bool) -> Value {
        let mut statement = Map::new();
        statement.insert("canView".into(), self.can_view.into());
        statement.insert("canEdit".into(), (self.can_view && self.can_edit).into());
        if conditions {
            let names = self.capabilities.iter().filter(|_| self.can_view);
            let names = names.cloned().map(Value::String).collect();
            statement.insert("conditions".into(), Value::Array(names));
        }
        Value::Object(statement)
    }
}

impl From<&EffectiveSection> for PartnerGrant {
    fn from(section: &EffectiveSection) -> Self {
        let names = section.capabilities.iter();
        Self {
            can_view: section.can_view,
            can_edit: section.can_edit,
            capabilities: names.map(|name| name.as_str().to_owned()).collect(),
        }
    }
}
