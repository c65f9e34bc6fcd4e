//! How a host would bring its records to Cedar: as entities, and a policy where only a policy can say it.

use std::collections::BTreeSet;

use garland::permission::{Condition, Denial, FieldTest, Member, Section, Wedding};
use garland::wedding::{AccessLevel, Role, SectionKind};
use serde_json::{Map, Number, Value, json};

/// Why Cedar cannot hold something at all.
pub(crate) type Inexpressible = &'static str;

/// What one record becomes; no entity if the record cannot be read.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) entity: Option<Value>,
    /// Policies of its own.
    pub(crate) policies: String,
}

fn uid(kind: &str, id: &str) -> Value {
    json!({ "type": kind, "id": id })
}

fn reference(kind: &str, id: &str) -> Value {
    json!({ "__entity": uid(kind, id) })
}

/// The roles with what they act as, their ranks and what is restricted for them, and the section types that are protected.
pub(crate) fn tables() -> Vec<Value> {
    let roles = Role::ALL.into_iter().map(|role| {
        let acts_as = role.acts_also_as();
        let acts_as = acts_as.iter().map(|other| uid("Role", other.as_str()));
        let restricted = SectionKind::ALL
            .into_iter()
            .filter(|kind| kind.is_restricted_for(role))
            .map(|kind| reference("SectionType", kind.as_str()));
        json!({
            "uid": uid("Role", role.as_str()),
            "attrs": { "rank": role.rank(), "restricted": restricted.collect::<Vec<_>>() },
            "parents": acts_as.chain([uid("Roles", "all")]).collect::<Vec<_>>(),
        })
    });
    let protected = SectionKind::ALL
        .into_iter()
        .filter(|kind| kind.is_protected());
    let protected = protected.map(|kind| {
        json!({
            "uid": uid("SectionType", kind.as_str()), "attrs": {},
            "parents": [uid("SectionTypes", "protected")],
        })
    });
    let actions = ["section.view", "section.edit", "section.hide"].map(|name| {
        json!({ "uid": uid("Action", name), "attrs": {}, "parents": [uid("Action", "section")] })
    });
    roles.chain(protected).chain(actions).collect()
}

pub(crate) fn user(record: &Value) -> Result<Loaded, Inexpressible> {
    let member = Member::read(record);
    let role = match (member.role(), record.get("role").and_then(Value::as_str)) {
        (Ok(role), _) => role.as_str(),
        (Err(Denial::UnknownRole), Some(name)) => name,
        _ => return Ok(Loaded::default()),
    };
    let weddings: BTreeSet<&str> = member.weddings().map(|(id, _)| id).collect();
    let of_level = |level| -> Vec<Value> {
        let weddings = weddings.iter();
        let weddings = weddings.filter(|id| member.access(id) == level);
        weddings.map(|id| reference("Wedding", id)).collect()
    };
    let mut attributes = json!({
        "role": reference("Role", role),
        "full": of_level(AccessLevel::Full),
        "limited": of_level(AccessLevel::Limited),
    });
    if let Some(organization) = member.organization() {
        attributes["organization"] = json!(organization);
    }
    let fields = record.get("customFields").and_then(Value::as_object);
    Ok(Loaded::of(json!({
        "uid": uid("User", member.id()), "attrs": attributes, "parents": [],
        "tags": tags(fields.unwrap_or(&Map::new()))?,
    })))
}

fn tags(fields: &Map<String, Value>) -> Result<Map<String, Value>, Inexpressible> {
    let mut tags = Map::new();
    for (name, value) in fields {
        match value {
            // A condition never fits an object or nothing.
            Value::Null | Value::Object(_) => {}
            Value::Array(items) => {
                let items = items
                    .iter()
                    .filter(|item| !(item.is_null() || item.is_array() || item.is_object()));
                let items: Result<Vec<_>, _> = items.map(plain).collect();
                tags.insert(format!("list:{name}"), Value::from(items?));
            }
            value => {
                if value.is_string() {
                    tags.insert(format!("text:{name}"), value.clone());
                }
                tags.insert(format!("value:{name}"), plain(value)?);
            }
        }
    }
    Ok(tags)
}

/// Text, truth or a number: whole, or a decimal of four places.
fn plain(value: &Value) -> Result<Value, Inexpressible> {
    let Value::Number(number) = value else {
        return Ok(value.clone());
    };
    if let Some(whole) = whole(number) {
        return Ok(json!(whole));
    }
    let text = number.to_string();
    let places = text.split_once('.').map_or(0, |(_, places)| places.len());
    if text.contains(['e', 'E']) || !(1..=4).contains(&places) {
        return Err("a number beyond 64 bits or four decimal places");
    }
    Ok(json!({ "__extn": { "fn": "decimal", "arg": text } }))
}

fn whole(number: &Number) -> Option<i64> {
    let exact = |fraction: f64| {
        let fits = fraction.fract() == 0.0 && fraction.abs() < 9e15;
        fits.then(|| format!("{fraction:.0}").parse().ok())
            .flatten()
    };
    number.as_i64().or_else(|| number.as_f64().and_then(exact))
}

pub(crate) fn wedding(record: &Value) -> Loaded {
    let wedding = Wedding::read(record);
    let attributes = match wedding.organization() {
        Some(organization) => json!({ "organization": organization }),
        None => json!({}),
    };
    Loaded::of(json!({ "uid": uid("Wedding", wedding.id()), "attrs": attributes, "parents": [] }))
}

pub(crate) fn section(record: &Value) -> Result<Loaded, Inexpressible> {
    let section = Section::read(record);
    let (false, Some(section_type)) = (section.is_malformed(), section.section_type()) else {
        return Ok(Loaded::default());
    };
    if section.wedding().is_none() && !section.is_organization_wide() {
        return Ok(Loaded::default());
    }
    let list = |group: &str, key: &str| record.get(group)?.get(key)?.as_array();
    let roles = |list: Option<&Vec<Value>>| -> Option<Value> {
        let names = list?.iter().filter_map(Value::as_str);
        Some(names.map(|name| reference("Role", name)).collect())
    };
    let or_none = |list: Option<Value>| list.unwrap_or_else(|| json!([]));
    let mut attributes = json!({
        "sectionType": reference("SectionType", section_type.as_str()),
        "roles": or_none(roles(list("visibility", "roles"))),
        "canEdit": or_none(roles(list("permissions", "canEdit"))),
        "canHide": or_none(roles(list("permissions", "canHide"))),
    });
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            attributes[key] = value;
        }
    };
    put("organization", section.organization().map(Value::from));
    put(
        "wedding",
        section.wedding().map(|id| reference("Wedding", id)),
    );
    put("canView", roles(list("permissions", "canView")));
    let phases = list("visibility", "weddingPhase");
    put("phases", phases.map(|phases| json!(phases)));

    let (mut faults, mut policies) = (Vec::new(), String::new());
    let conditions = record
        .get("visibility")
        .and_then(|group| group.get("conditions"));
    for (key, value) in conditions.and_then(Value::as_object).into_iter().flatten() {
        match Condition::read(key, value) {
            Ok(Condition::HasWeddingAccess(needed)) => put("needsAccess", Some(json!(needed))),
            Ok(Condition::MinimumRole(floor)) => {
                put("minimumRole", Some(reference("Role", floor.as_str())));
            }
            Ok(Condition::TimeRestriction(start, end)) => {
                let at = |at: garland::Timestamp| json!({ "__extn": { "fn": "datetime", "arg": at.to_string() } });
                put(
                    "window",
                    Some(json!({ "start": at(start), "end": at(end) })),
                );
            }
            Ok(Condition::CustomField(test)) => match &test.value {
                Value::String(part) if test.contains => {
                    policies.push_str(&part_of_text(section.id(), &test.field, part));
                }
                _ => {
                    let (key, value) = field(&test)?;
                    put(key, Some(value));
                }
            },
            Ok(_) => return Err("a condition that is not known here"),
            Err(_) => faults.push(key.as_str()),
        }
    }
    put("faults", (!faults.is_empty()).then(|| json!(faults)));
    let entity = json!({ "uid": uid("section", section.id()), "attrs": attributes, "parents": [] });
    Ok(Loaded {
        policies,
        ..Loaded::of(entity)
    })
}

fn field(test: &FieldTest) -> Result<(&'static str, Value), Inexpressible> {
    let (key, of) = if test.contains {
        ("fieldContains", "list")
    } else {
        ("fieldEquals", "value")
    };
    let tag = format!("{of}:{}", test.field);
    Ok((key, json!({ "tag": tag, "value": plain(&test.value)? })))
}

/// A condition on a part of a text, or on one of a list: patterns of Cedar stand in policies, not in data.
fn part_of_text(section: &str, field: &str, part: &str) -> String {
    let (section, part_in_list) = (literal(section), literal(part));
    let pattern = literal(part).replace('*', "\\*");
    let (text, list) = (
        literal(&format!("text:{field}")),
        literal(&format!("list:{field}")),
    );
    format!(
        r#"@id("custom-field-of-{section}")
        forbid (principal, action in Action::"section", resource == section::"{section}")
        unless {{
            (principal.hasTag("{text}") && principal.getTag("{text}") like "*{pattern}*") ||
            (principal.hasTag("{list}") && principal.getTag("{list}").contains("{part_in_list}"))
        }};"#
    )
}

/// The text between the quotes of a literal of Cedar.
fn literal(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if c.is_control() => format!("\\u{{{:x}}}", u32::from(c)),
            c => c.to_string(),
        })
        .collect()
}

impl Loaded {
    fn of(entity: Value) -> Self {
        Self {
            entity: Some(entity),
            policies: String::new(),
        }
    }
}
