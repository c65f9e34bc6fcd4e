//! How the parts of a record are read: strictly where it matters, never losing a restriction.

use serde_json::{Map, Value};

/// What stands under `key`; a key that is missing and one that is `null` are the same.
pub(super) fn present<'a>(record: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    record.get(key).filter(|value| !value.is_null())
}

pub(super) fn text<'a>(record: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    present(record, key)?.as_str()
}

/// A list of text, or what is wrong with it.
pub(super) fn list<'a>(
    record: &'a Map<String, Value>,
    key: &str,
) -> Result<Option<Vec<&'a str>>, Malformed> {
    let Some(value) = present(record, key) else {
        return Ok(None);
    };
    let items = value.as_array().ok_or(Malformed)?;
    items
        .iter()
        .map(|item| item.as_str().ok_or(Malformed))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// An object; an empty one if it is absent.
pub(super) fn object<'a>(
    record: &'a Map<String, Value>,
    key: &str,
) -> Result<Option<&'a Map<String, Value>>, Malformed> {
    present(record, key)
        .map(|value| value.as_object().ok_or(Malformed))
        .transpose()
}

/// The value has another type than it must have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Malformed;
