//! What a change says, field by field.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};

use super::configuration::Configuration;
use super::equality::{same, same_set};
use super::group::{Field, Group};

/// A change of a configuration, field by field: `{group: {field: value}}`, `sections.md` §2.
///
/// What it does not mention stays; `null` removes a field, and inside a map a key. Patches come from
/// [`validate`](super::validate), from [`Patch::diff`], or from where one was stored.
///
/// # Example
///
/// ```
/// use garland::section::{Configuration, Patch};
/// use serde_json::json;
///
/// let stored = Configuration::try_from(json!({
///     "id": "c1",
///     "visibility": { "roles": ["admin"], "conditions": { "minimumRole": "admin" } },
/// }))?;
/// let roles = Patch::try_from(json!({ "visibility": { "roles": ["guest", "vendor"] } }))?;
/// let title = Patch::try_from(json!({ "customization": { "title": "Our day" } }))?;
///
/// let changed = roles.then(&title).apply(&stored);
/// assert_eq!(changed, title.apply(&roles.apply(&stored)));
/// // The condition is not lost with the list of roles.
/// assert_eq!(changed.as_map()["visibility"]["conditions"]["minimumRole"], "admin");
/// assert_eq!(Patch::diff(&stored, &changed), roles.then(&title));
/// # Ok::<(), garland::Error>(())
/// ```
// INVARIANT: its keys are groups, the keys of a group are its fields, and the value of a map is an object.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Patch(Map<String, Value>);

impl Patch {
    /// The largest that is valid, in bytes of compact JSON.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Takes what is known to have the shape of a patch.
    pub(super) const fn shaped(groups: Map<String, Value>) -> Self {
        Self(groups)
    }

    /// Whether it mentions nothing. One that mentions something may still change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let groups = self.groups().flat_map(|(_, fields)| fields.values());
        groups
            .into_iter()
            .all(|value| value.as_object().is_some_and(Map::is_empty))
    }

    /// Returns what it says of a group, if it mentions it.
    #[must_use]
    pub fn group(&self, group: Group) -> Option<&Map<String, Value>> {
        self.0.get(group.as_str())?.as_object()
    }

    /// Returns the groups that it mentions, with what it says of them.
    pub(super) fn groups(&self) -> impl Iterator<Item = (Group, &Map<String, Value>)> {
        Group::ALL
            .into_iter()
            .filter_map(|group| Some((group, self.group(group)?)))
    }

    /// Returns it as an object of JSON.
    #[must_use]
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns it as a value of JSON.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// Returns the configuration with this change made: *apply*. A group or map that it leaves empty disappears.
    ///
    /// What stands in `visibility` or `permissions`, or in `conditions`, and cannot be read is no object to merge into:
    /// it stays, and goes on denying. Only writing the configuration as a whole mends it.
    #[must_use]
    pub fn apply(&self, configuration: &Configuration) -> Configuration {
        let mut record = configuration.as_map().clone();
        for (group, changes) in self.groups() {
            let stored = record.remove(group.as_str());
            if let Some(merged) = merge_group(group, stored, changes) {
                record.insert(group.as_str().into(), merged);
            }
        }
        Configuration::new(record)
    }

    /// Returns the one patch whose effect is this one, then `later`: *compose*.
    #[must_use]
    pub fn then(&self, later: &Self) -> Self {
        let mut composed = self.0.clone();
        for (group, changes) in later.groups() {
            let fields = composed
                .entry(group.as_str())
                .or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(fields) = fields else {
                continue;
            };
            for (name, value) in changes {
                match (fields.get_mut(name), value) {
                    // Only maps are objects on both sides.
                    (Some(Value::Object(keys)), Value::Object(later)) if is_map(group, name) => {
                        keys.extend(later.clone());
                    }
                    _ => _ = fields.insert(name.clone(), value.clone()),
                }
            }
        }
        Self(composed)
    }

    /// Returns the smallest patch that makes `after` of `before`, as far as the four groups go: *diff*.
    ///
    /// Absent, `null` and an empty map are the same; a set that differs is given as it stands in `after`. Where a group
    /// or a map should stand and something else does, it counts as empty.
    #[must_use]
    pub fn diff(before: &Configuration, after: &Configuration) -> Self {
        let empty = Map::new();
        let mut groups = Map::new();
        for group in Group::ALL {
            let before = before.group(group).unwrap_or(&empty);
            let after = after.group(group).unwrap_or(&empty);
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            let changed: Map<_, _> = names
                .into_iter()
                .filter_map(|name| {
                    let field = group.field(name)?;
                    let change = change(field, present(before, name), present(after, name))?;
                    Some((name.clone(), change))
                })
                .collect();
            if !changed.is_empty() {
                groups.insert(group.as_str().into(), Value::Object(changed));
            }
        }
        Self(groups)
    }
}

impl From<Patch> for Value {
    fn from(patch: Patch) -> Self {
        patch.into_value()
    }
}

impl TryFrom<Value> for Patch {
    type Error = Error;

    /// Takes what has the shape of a patch. Whether its values may be set is for [`validate`](super::validate) to say.
    fn try_from(value: Value) -> Result<Self> {
        let Value::Object(groups) = value else {
            return Err(shape("a patch is an object", ""));
        };
        for (name, fields) in &groups {
            let group =
                Group::named(name).ok_or_else(|| shape("a patch has no such group", name))?;
            let fields = fields
                .as_object()
                .ok_or_else(|| shape("a group of a patch is an object", name))?;
            for (name, value) in fields {
                let field = group
                    .field(name)
                    .ok_or_else(|| shape("the group has no such field", name))?;
                if field.is_map() && !value.is_object() {
                    return Err(shape("a map of a patch is an object", name));
                }
            }
        }
        Ok(Self(groups))
    }
}

fn shape(message: &'static str, found: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, "section.patch", message).with_context("found", found)
}

fn is_map(group: Group, name: &str) -> bool {
    group.field(name).is_some_and(Field::is_map)
}

fn present<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn merge_group(group: Group, stored: Option<Value>, changes: &Map<String, Value>) -> Option<Value> {
    let mut fields = match stored {
        Some(Value::Object(fields)) => fields,
        Some(unreadable) if group.guards() && !unreadable.is_null() => return Some(unreadable),
        _ => Map::new(),
    };
    for (name, value) in changes {
        let stored = fields.remove(name);
        let merged = match (group.field(name), value) {
            (_, Value::Null) => None,
            (Some(field), Value::Object(keys)) if field.is_map() => merge_map(field, stored, keys),
            _ => Some(value.clone()),
        };
        fields.extend(merged.map(|merged| (name.clone(), merged)));
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

fn merge_map(field: Field, stored: Option<Value>, changes: &Map<String, Value>) -> Option<Value> {
    let mut keys = match stored {
        Some(Value::Object(keys)) => keys,
        Some(unreadable) if field == Field::Conditions && !unreadable.is_null() => {
            return Some(unreadable);
        }
        _ => Map::new(),
    };
    for (key, value) in changes {
        if value.is_null() {
            keys.remove(key);
        } else {
            keys.insert(key.clone(), value.clone());
        }
    }
    (!keys.is_empty()).then_some(Value::Object(keys))
}

/// What a patch has to say of a field; nothing if it is the same before and after.
fn change(field: Field, before: Option<&Value>, after: Option<&Value>) -> Option<Value> {
    if field.is_map() {
        return change_of_map(before, after);
    }
    let unchanged = match (before, after) {
        (None, None) => true,
        (Some(before), Some(after)) if field.is_set() => same_set(before, after),
        (Some(before), Some(after)) => same(before, after),
        _ => false,
    };
    (!unchanged).then(|| after.cloned().unwrap_or_default())
}

fn change_of_map(before: Option<&Value>, after: Option<&Value>) -> Option<Value> {
    let empty = Map::new();
    let before = before.and_then(Value::as_object).unwrap_or(&empty);
    let after = after.and_then(Value::as_object).unwrap_or(&empty);
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed: Map<_, _> = keys
        .into_iter()
        .filter_map(|key| {
            let change = match (present(before, key), present(after, key)) {
                (None, None) => return None,
                (Some(before), Some(after)) if same(before, after) => return None,
                (_, after) => after.cloned().unwrap_or_default(),
            };
            Some((key.clone(), change))
        })
        .collect();
    (!changed.is_empty()).then_some(Value::Object(changed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn configuration(value: Value) -> Configuration {
        Configuration::try_from(value).unwrap()
    }

    fn patch(value: Value) -> Patch {
        Patch::try_from(value).unwrap()
    }

    #[test]
    fn what_cannot_be_read_is_not_thrown_away() {
        let odd = configuration(json!({
            "visibility": { "roles": ["guest"], "conditions": [{ "minimumRole": "admin" }] },
            "permissions": "admins only",
            "layout": 7,
        }));
        let changed = patch(json!({
            "visibility": { "conditions": { "minimumRole": null } },
            "permissions": { "canView": ["guest"] },
            "layout": { "columns": 2 },
        }))
        .apply(&odd);
        assert_eq!(changed.as_map()["visibility"], odd.as_map()["visibility"]);
        assert_eq!(changed.as_map()["permissions"], json!("admins only"));
        assert_eq!(changed.as_map()["layout"], json!({ "columns": 2 }));
    }

    #[test]
    fn only_what_a_patch_mentions_disappears_when_empty() {
        let stored = configuration(json!({ "layout": {}, "customization": { "theme": {} } }));
        assert_eq!(patch(json!({})).apply(&stored), stored);
        let changed = patch(json!({ "layout": {} })).apply(&stored);
        assert_eq!(
            changed.into_value(),
            json!({ "customization": { "theme": {} } })
        );
    }

    #[test]
    fn an_empty_condition_is_not_an_absent_one() {
        let with = configuration(json!({ "visibility": { "conditions": { "customField": {} } } }));
        let without = configuration(json!({}));
        assert_eq!(
            Patch::diff(&with, &without).into_value(),
            json!({ "visibility": { "conditions": { "customField": null } } })
        );
    }

    #[test]
    fn an_empty_list_is_not_an_absent_one() {
        let never = configuration(json!({ "visibility": { "weddingPhase": [] } }));
        let always = configuration(json!({ "visibility": { "weddingPhase": null } }));
        assert!(!Patch::diff(&always, &never).is_empty());
        assert!(!Patch::diff(&never, &always).is_empty());
    }

    #[test]
    fn shapes_that_are_no_patch_are_refused() {
        for odd in [
            json!(null),
            json!({ "id": "c2" }),
            json!({ "layout": null }),
            json!({ "layout": { "colour": 1 } }),
            json!({ "visibility": { "conditions": null } }),
        ] {
            assert!(Patch::try_from(odd.clone()).is_err(), "{odd}");
        }
    }
}
