//! The four conditions a section may be bound to.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::wedding::{Role, parse_instant};

use super::denial::Denial;
use super::numbers::same_number;
use super::record::text;

/// A well-formed condition: `permissions.md` §3 C.
///
/// # Example
///
/// ```
/// use garland::permission::{Condition, ConditionFault};
/// use garland::wedding::Role;
/// use serde_json::json;
///
/// let floor = Condition::read("minimumRole", &json!("couple"));
/// assert_eq!(floor, Ok(Condition::MinimumRole(Role::Couple)));
/// assert_eq!(Condition::read("minRole", &json!("couple")), Err(ConditionFault::Unknown));
/// assert_eq!(Condition::read("hasWeddingAccess", &json!("yes")), Err(ConditionFault::Malformed));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Condition {
    /// Whether limited or full access to the wedding is needed.
    HasWeddingAccess(bool),
    /// The rank of the role must be at least that of this one.
    MinimumRole(Role),
    /// A field of the member's own.
    CustomField(FieldTest),
    /// From the first instant to the second, both included.
    TimeRestriction(Timestamp, Timestamp),
}

/// What is asked of a member's own field.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FieldTest {
    /// The field's name.
    pub field: Box<str>,
    /// Whether it must contain the value, or be equal to it.
    pub contains: bool,
    /// The value: text, a number, or true or false.
    pub value: Value,
}

/// Why a condition cannot be evaluated; it then denies.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a condition is known or not, and well formed or not"
)]
pub enum ConditionFault {
    /// There is no condition of this name.
    Unknown,
    /// Its value is none that it can have.
    Malformed,
}

/// Names of the conditions, in the order in which they are evaluated, and what is told of one that cannot be understood.
pub(super) const CONDITIONS: [(&str, Denial); 4] = [
    ("hasWeddingAccess", Denial::HasWeddingAccessMalformed),
    ("minimumRole", Denial::MinimumRoleMalformed),
    ("customField", Denial::CustomFieldMalformed),
    ("timeRestriction", Denial::TimeRestrictionMalformed),
];

impl Condition {
    /// Reads the condition `key` with `value`.
    ///
    /// # Errors
    /// Whether the name or the value is none. `null` is malformed, not absent.
    pub fn read(key: &str, value: &Value) -> Result<Self, ConditionFault> {
        match key {
            "hasWeddingAccess" => value.as_bool().map(Self::HasWeddingAccess),
            "minimumRole" => value
                .as_str()
                .and_then(|role| role.parse().ok())
                .map(Self::MinimumRole),
            "customField" => value
                .as_object()
                .and_then(FieldTest::read)
                .map(Self::CustomField),
            "timeRestriction" => value.as_object().and_then(window),
            _ => return Err(ConditionFault::Unknown),
        }
        .ok_or(ConditionFault::Malformed)
    }
}

fn window(value: &Map<String, Value>) -> Option<Condition> {
    let start = parse_instant(text(value, "start")?)?;
    let end = parse_instant(text(value, "end")?)?;
    (start <= end).then_some(Condition::TimeRestriction(start, end))
}

impl FieldTest {
    fn read(value: &Map<String, Value>) -> Option<Self> {
        let field = text(value, "field").filter(|field| !field.is_empty())?;
        let contains = match text(value, "operator")? {
            "equals" => false,
            "contains" => true,
            _ => return None,
        };
        let value = value.get("value")?;
        let comparable = match value {
            Value::String(text) => !(contains && text.is_empty()),
            Value::Number(_) | Value::Bool(_) => true,
            _ => false,
        };
        comparable.then(|| Self {
            field: field.into(),
            contains,
            value: value.clone(),
        })
    }

    /// Whether it holds for a member's own fields. A field that is missing never matches.
    pub(super) fn holds(&self, fields: &Map<String, Value>) -> bool {
        let Some(found) = fields.get(&*self.field) else {
            return false;
        };
        if !self.contains {
            return equal(found, &self.value);
        }
        match (found, &self.value) {
            (Value::String(found), Value::String(part)) => found.contains(part.as_str()),
            (Value::Array(items), value) => items.iter().any(|item| equal(item, value)),
            _ => false,
        }
    }
}

/// Of the same type, and equal; numbers by value.
fn equal(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Number(found), Value::Number(wanted)) => same_number(found, wanted),
        (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) => found == wanted,
        _ => false,
    }
}
