//! Where in a record a value stands.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

use super::subject::Subject;

/// A place in a JSON record: names of fields with `.` between them, `*` for every element of an array
/// or object: `members.*.id`.
///
/// At most 16 names, none empty.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct FieldPath(Box<[Box<str>]>);

impl FieldPath {
    /// Most names of one path.
    pub const MAX: usize = 16;

    /// Calls `visit` with each value at this place.
    pub(super) fn visit(&self, value: &Value, visit: &mut dyn FnMut(&Value)) {
        walk(&self.0, value, visit);
    }

    /// Puts `null` in this place of `value`. Of the elements behind a `*` only those are entered that are
    /// the person's: in which one of their ids stood in `before`, which `value` was made from.
    pub(super) fn clear(&self, value: &mut Value, before: &Value, subject: &Subject) {
        clear(&self.0, value, before, subject);
    }
}

fn walk(names: &[Box<str>], value: &Value, visit: &mut dyn FnMut(&Value)) {
    let Some((name, rest)) = names.split_first() else {
        return visit(value);
    };
    match (value, &**name) {
        (Value::Array(items), "*") => items.iter().for_each(|item| walk(rest, item, visit)),
        (Value::Object(fields), "*") => fields.values().for_each(|item| walk(rest, item, visit)),
        (Value::Object(fields), name) => {
            if let Some(item) = fields.get(name) {
                walk(rest, item, visit);
            }
        }
        _ => {}
    }
}

fn clear(names: &[Box<str>], value: &mut Value, before: &Value, subject: &Subject) {
    let Some((name, rest)) = names.split_first() else {
        *value = Value::Null;
        return;
    };
    match (value, before, &**name) {
        (Value::Array(items), Value::Array(before), "*") => {
            for (item, before) in items.iter_mut().zip(before) {
                if subject.stands_in(before) {
                    clear(rest, item, before, subject);
                }
            }
        }
        (Value::Object(fields), Value::Object(before), "*") => {
            for ((name, item), before) in fields.iter_mut().zip(before.values()) {
                if subject.is(name) || subject.stands_in(before) {
                    clear(rest, item, before, subject);
                }
            }
        }
        (Value::Object(fields), Value::Object(before), name) => {
            if let (Some(item), Some(before)) = (fields.get_mut(name), before.get(name)) {
                clear(rest, item, before, subject);
            }
        }
        _ => {}
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl FromStr for FieldPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names: Vec<Box<str>> = text.split('.').map(Into::into).collect();
        if names.len() > Self::MAX || names.iter().any(|name| name.is_empty()) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "field_path.parse",
                "a path has 1 to 16 names with dots between them",
            )
            .with_context("path", text));
        }
        Ok(Self(names.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_leads_to_every_place_it_names() {
        let before = json!({
            "members": [{"id": "a", "age": 3}, {"id": "b", "age": 4}, 7],
            "names": {"a": {"age": 3}, "b": {"age": 4}},
            "id": "c",
        });
        let path = |text: &str| text.parse::<FieldPath>().unwrap();
        let mut found = Vec::new();
        path("members.*.id").visit(&before, &mut |item| found.push(item.clone()));
        assert_eq!(found, ["a", "b"]);
        let mut value = before.clone();
        let subject = Subject::new("b".parse().unwrap());
        for field in [
            "members.*.id",
            "members.*.age",
            "names.*.age",
            "none.*",
            "id",
        ] {
            path(field).clear(&mut value, &before, &subject);
        }
        let left = json!({
            "members": [{"id": "a", "age": 3}, {"id": null, "age": null}, 7],
            "names": {"a": {"age": 3}, "b": {"age": null}},
            "id": null,
        });
        assert_eq!(value, left);
        for path in ["", ".", "a.", "a..b", &"a.".repeat(17)] {
            assert!(path.parse::<FieldPath>().is_err(), "{path}");
        }
    }
}
