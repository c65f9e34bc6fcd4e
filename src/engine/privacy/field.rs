//! Where in a record a value stands.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

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

    /// Puts `null` in this place wherever it exists, and returns how often something else stood there.
    pub(super) fn clear(&self, value: &mut Value) -> usize {
        clear(&self.0, value)
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

fn clear(names: &[Box<str>], value: &mut Value) -> usize {
    let Some((name, rest)) = names.split_first() else {
        return usize::from(!std::mem::take(value).is_null());
    };
    match (value, &**name) {
        (Value::Array(items), "*") => items.iter_mut().map(|item| clear(rest, item)).sum(),
        (Value::Object(fields), "*") => fields.values_mut().map(|item| clear(rest, item)).sum(),
        (Value::Object(fields), name) => fields.get_mut(name).map_or(0, |item| clear(rest, item)),
        _ => 0,
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
        let mut value = json!({"members": [{"id": "a"}, {"id": "b", "age": 3}, 7], "id": "c"});
        let path: FieldPath = "members.*.id".parse().unwrap();
        let mut found = Vec::new();
        path.visit(&value, &mut |item| found.push(item.clone()));
        assert_eq!(found, ["a", "b"]);
        assert_eq!(path.clear(&mut value), 2);
        assert_eq!(path.clear(&mut value), 0, "nothing is left to clear");
        let left = json!({"members": [{"id": null}, {"id": null, "age": 3}, 7], "id": "c"});
        assert_eq!(value, left);
        let fields: FieldPath = "members.*.*".parse().unwrap();
        assert_eq!(fields.clear(&mut value), 1);
        for path in ["", ".", "a.", "a..b", &"a.".repeat(17)] {
            assert!(path.parse::<FieldPath>().is_err(), "{path}");
        }
    }
}
