//! Whether a change may be made, and what of it goes on.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::permission::{Condition, ConditionFault};
use crate::wedding::{Phase, Role};

use super::group::{Field, Group};
use super::patch::Patch;
use super::scope::Target;
use crate::permission::codes::codes;
use crate::permission::numbers::whole;

/// What is never changed by a patch.
const IDENTITY: [&str; 5] = [
    "id",
    "organizationId",
    "weddingId",
    "sectionType",
    "metadata",
];

const SIZES: [&str; 4] = ["small", "medium", "large", "full"];

codes! {
    /// Why a change is not valid: the table of `sections.md` §3.
    ValidationCode:
    /// The changes, a group or a map are not an object.
    NotAnObject = "not_an_object",
    /// It belongs to the identity of the configuration.
    ImmutableField = "immutable_field",
    /// There is no such field.
    UnknownField = "unknown_field",
    /// A person does not change this for themselves.
    NotPersonal = "not_personal",
    /// A set is neither a list nor `null`.
    NotAnArray = "not_an_array",
    /// An element is no role.
    UnknownRole = "unknown_role",
    /// An element is no phase.
    UnknownPhase = "unknown_phase",
    /// There is no such condition.
    UnknownCondition = "unknown_condition",
    /// The condition cannot have this value.
    MalformedCondition = "malformed_condition",
    /// It is no whole number, or not one in the range.
    OutOfRange = "out_of_range",
    /// There is no such size.
    UnknownSize = "unknown_size",
    /// It is not text.
    NotAString = "not_a_string",
    /// It is no color.
    InvalidColor = "invalid_color",
    /// It is no name of an icon.
    InvalidIcon = "invalid_icon",
    /// The changes as a whole are larger than [`Patch::MAX_BYTES`]; nothing else of them was looked at.
    TooLarge = "too_large",
}

/// One thing that is wrong with a change.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ValidationError {
    /// Where: `/group`, `/group/field` or `/visibility/conditions/key`; empty for the changes as a whole. Keys stand in
    /// it as the sender wrote them.
    pub path: String,
    /// What.
    pub code: ValidationCode,
}

/// What came of a validation: the patch that goes on, or everything that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Validation {
    sanitized: Option<Patch>,
    errors: Vec<ValidationError>,
}

impl Validation {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.sanitized.is_some()
    }

    /// Returns the only thing that goes on: to the store, the cache, the broadcast. Nothing if the changes are not valid.
    #[must_use]
    pub const fn sanitized(&self) -> Option<&Patch> {
        self.sanitized.as_ref()
    }

    /// Returns everything that is wrong, by path, then code.
    #[must_use]
    pub fn errors(&self) -> &[ValidationError] {
        &self.errors
    }

    /// Returns the sanitized patch, or the first thing that is wrong as an error.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the changes are not valid.
    pub fn into_patch(self) -> Result<Patch> {
        self.sanitized.ok_or_else(|| {
            let message = "the changes to the section are not valid";
            let error = Error::new(ErrorKind::InvalidInput, "section.validate", message);
            match self.errors.first() {
                Some(first) => error
                    .with_context("path", &first.path)
                    .with_context("code", first.code),
                None => error,
            }
        })
    }
}

/// Checks changes that somebody sent, and cleans them: `sections.md` §3. All that is wrong is reported.
///
/// Sets lose repeats, `title` and `subtitle` lose control characters and are cut to their length, and a whole number
/// written with a fraction of zero becomes one.
///
/// # Example
///
/// ```
/// use garland::section::{Target, ValidationCode, validate};
/// use serde_json::json;
///
/// let found = validate(&json!({ "customization": { "title": "Our\u{7} day" } }), Target::Personal);
/// assert_eq!(found.sanitized().unwrap().as_map()["customization"]["title"], "Our day");
///
/// let found = validate(&json!({ "permissions": { "canView": true } }), Target::Shared);
/// assert_eq!(found.errors()[0].path, "/permissions/canView");
/// assert_eq!(found.errors()[0].code, ValidationCode::NotAnArray);
/// ```
#[must_use]
pub fn validate(changes: &Value, target: Target) -> Validation {
    let mut errors = Errors::default();
    let groups = match changes {
        Value::Object(_) if size(changes) > Patch::MAX_BYTES => {
            errors.add(String::new(), ValidationCode::TooLarge);
            Map::new()
        }
        Value::Object(changes) => clean_all(changes, target, &mut errors),
        _ => {
            errors.add(String::new(), ValidationCode::NotAnObject);
            Map::new()
        }
    };
    let errors = errors.sorted();
    Validation {
        sanitized: errors.is_empty().then(|| Patch::shaped(groups)),
        errors,
    }
}

#[derive(Default)]
struct Errors(Vec<ValidationError>);

impl Errors {
    fn add(&mut self, path: String, code: ValidationCode) {
        self.0.push(ValidationError { path, code });
    }

    fn sorted(mut self) -> Vec<ValidationError> {
        self.0
            .sort_by(|a, b| (&a.path, a.code.as_str()).cmp(&(&b.path, b.code.as_str())));
        self.0
    }
}

fn size(changes: &Value) -> usize {
    serde_json::to_string(changes).map_or(usize::MAX, |text| text.len())
}

fn clean_all(
    changes: &Map<String, Value>,
    target: Target,
    errors: &mut Errors,
) -> Map<String, Value> {
    let mut groups = Map::new();
    for (name, value) in changes {
        let path = format!("/{name}");
        let Some(group) = Group::named(name) else {
            let code = if IDENTITY.contains(&name.as_str()) {
                ValidationCode::ImmutableField
            } else {
                ValidationCode::UnknownField
            };
            errors.add(path, code);
            continue;
        };
        if target == Target::Personal && !group.is_personal() {
            errors.add(path, ValidationCode::NotPersonal);
            continue;
        }
        match value {
            Value::Object(fields) => {
                let cleaned = clean_group(group, fields, &path, errors);
                groups.insert(name.clone(), Value::Object(cleaned));
            }
            _ => errors.add(path, ValidationCode::NotAnObject),
        }
    }
    groups
}

fn clean_group(
    group: Group,
    fields: &Map<String, Value>,
    path: &str,
    errors: &mut Errors,
) -> Map<String, Value> {
    let mut cleaned = Map::new();
    for (name, value) in fields {
        let path = format!("{path}/{name}");
        let Some(field) = group.field(name) else {
            errors.add(path, ValidationCode::UnknownField);
            continue;
        };
        if field == Field::Conditions {
            check_conditions(value, &path, errors);
        }
        match clean(field, value) {
            Ok(value) => _ = cleaned.insert(name.clone(), value),
            Err(code) => errors.add(path, code),
        }
    }
    cleaned
}

fn check_conditions(conditions: &Value, path: &str, errors: &mut Errors) {
    for (key, value) in conditions.as_object().into_iter().flatten() {
        // A key may always be removed.
        if value.is_null() {
            continue;
        }
        let code = match Condition::read(key, value) {
            Ok(_) => continue,
            Err(ConditionFault::Unknown) => ValidationCode::UnknownCondition,
            Err(ConditionFault::Malformed) => ValidationCode::MalformedCondition,
        };
        errors.add(format!("{path}/{key}"), code);
    }
}

fn clean(field: Field, value: &Value) -> Result<Value, ValidationCode> {
    if field.is_map() {
        return match value {
            Value::Object(_) => Ok(value.clone()),
            _ => Err(ValidationCode::NotAnObject),
        };
    }
    if value.is_null() {
        return Ok(Value::Null);
    }
    match field {
        Field::Roles => set(value, is::<Role>, ValidationCode::UnknownRole),
        Field::Phases => set(value, is::<Phase>, ValidationCode::UnknownPhase),
        Field::Whole { from, to } => whole_between(value, from, to),
        Field::Size => match value.as_str() {
            Some(size) if SIZES.contains(&size) => Ok(value.clone()),
            _ => Err(ValidationCode::UnknownSize),
        },
        Field::Text { most } => Ok(shown(text(value)?, most).into()),
        Field::Color => kept_if(value, is_color, ValidationCode::InvalidColor),
        Field::Icon => kept_if(value, is_icon, ValidationCode::InvalidIcon),
        Field::Conditions | Field::Map => Ok(value.clone()),
    }
}

fn is<T: std::str::FromStr>(name: &str) -> bool {
    name.parse::<T>().is_ok()
}

fn set(
    value: &Value,
    known: fn(&str) -> bool,
    unknown: ValidationCode,
) -> Result<Value, ValidationCode> {
    let items = value.as_array().ok_or(ValidationCode::NotAnArray)?;
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for item in items {
        let name = item.as_str().filter(|name| known(name)).ok_or(unknown)?;
        if seen.insert(name) {
            kept.push(Value::from(name));
        }
    }
    Ok(Value::Array(kept))
}

fn whole_between(value: &Value, from: i64, to: i64) -> Result<Value, ValidationCode> {
    let number = match value {
        Value::Number(number) => whole(number),
        _ => None,
    };
    number
        .and_then(|number| i64::try_from(number).ok())
        .filter(|number| (from..=to).contains(number))
        .map(Value::from)
        .ok_or(ValidationCode::OutOfRange)
}

fn text(value: &Value) -> Result<&str, ValidationCode> {
    value.as_str().ok_or(ValidationCode::NotAString)
}

/// Without control characters (U+0000–001F, U+007F–009F), and cut between two scalar values.
fn shown(text: &str, most: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect()
}

fn kept_if(
    value: &Value,
    good: fn(&str) -> bool,
    code: ValidationCode,
) -> Result<Value, ValidationCode> {
    if good(text(value)?) {
        Ok(value.clone())
    } else {
        Err(code)
    }
}

/// `#` and 3, 4, 6 or 8 hex digits, or a lower-case token.
fn is_color(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix('#') {
        return matches!(digits.len(), 3 | 4 | 6 | 8)
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let in_token = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
    };
    text.len() <= 32
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(in_token)
}

fn is_icon(text: &str) -> bool {
    let in_name =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(in_name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(changes: &Value) -> Vec<(String, &'static str)> {
        let validation = validate(changes, Target::Shared);
        let errors = validation.errors().iter();
        errors
            .map(|error| (error.path.clone(), error.code.as_str()))
            .collect()
    }

    #[test]
    fn a_whole_number_with_a_fraction_of_zero_is_one() {
        let validation = validate(
            &json!({ "layout": { "position": 8.0, "columns": 12.0 } }),
            Target::Shared,
        );
        let layout = &validation.into_patch().unwrap().into_value()["layout"];
        // As text, for as numbers 8 and 8.0 are not told apart everywhere.
        assert_eq!(layout["position"].to_string(), "8");
        assert_eq!(layout["columns"].to_string(), "12");
    }

    #[test]
    fn colors_and_icons_end_where_they_seem_to() {
        for odd in [
            "red\n",
            "#fff\n",
            "a.b",
            "ünder",
            "#ggg",
            "-x",
            &"a".repeat(33),
        ] {
            let changes = json!({ "customization": { "color": odd } });
            assert_eq!(
                found(&changes),
                [("/customization/color".into(), "invalid_color")],
                "{odd:?}"
            );
        }
        for odd in ["ring\n", "a b", "ring\u{301}", &"i".repeat(65)] {
            let changes = json!({ "customization": { "icon": odd } });
            assert_eq!(
                found(&changes),
                [("/customization/icon".into(), "invalid_icon")],
                "{odd:?}"
            );
        }
    }

    #[test]
    fn changes_that_are_too_large_are_not_looked_at() {
        let long = "x".repeat(Patch::MAX_BYTES);
        let changes = json!({ "id": "x", "customization": { "theme": { "css": long } } });
        assert_eq!(found(&changes), [(String::new(), "too_large")]);
    }

    #[test]
    fn a_refusal_names_the_first_fault_and_not_the_value() {
        let changes =
            json!({ "customization": { "color": "secret;" }, "layout": { "size": "huge" } });
        let error = validate(&changes, Target::Shared).into_patch().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(
            text.contains("/customization/color") && text.contains("invalid_color"),
            "{text}"
        );
        assert!(!text.contains("secret"), "{text}");
    }
}
