//! Random configurations and changes, from few values so that they often meet.

use garland::section::{Configuration, Patch, Target, validate};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// The four groups and their fields, each with values that it may have.
fn field(group: &str, name: &str) -> BoxedStrategy<Value> {
    match (group, name) {
        ("visibility", "weddingPhase") => list(&["planning", "wedding_day", "post_wedding"]),
        ("visibility", "conditions") => map(vec![
            ("minimumRole", vec![json!("admin"), json!("guest")]),
            ("hasWeddingAccess", vec![json!(true), json!(false)]),
        ]),
        ("layout", "position" | "columns") => {
            select(vec![json!(1), json!(2), json!(2.0), json!(12)]).boxed()
        }
        ("layout", "size") => select(vec![json!("small"), json!("full")]).boxed(),
        ("layout", "responsive") | ("customization", "theme") => map(vec![
            (
                "a",
                vec![
                    json!(1),
                    json!(1.0),
                    json!({ "b": 1, "c": [1, 2] }),
                    json!({}),
                ],
            ),
            ("b", vec![json!("x"), json!({ "c": null })]),
        ]),
        ("customization", "color") => select(vec![json!("#fff"), json!("primary")]).boxed(),
        ("customization", "icon") => select(vec![json!("ring"), json!("mdi:ring")]).boxed(),
        ("customization", _) => select(vec![json!(""), json!("x"), json!("y")]).boxed(),
        _ => roles(),
    }
}

const FIELDS: [(&str, &[&str]); 4] = [
    ("visibility", &["roles", "weddingPhase", "conditions"]),
    ("layout", &["position", "size", "columns", "responsive"]),
    (
        "customization",
        &["title", "subtitle", "color", "icon", "theme"],
    ),
    ("permissions", &["canView", "canEdit", "canHide"]),
];

const MAPS: [&str; 3] = ["conditions", "responsive", "theme"];

/// A list of roles, each as likely in it as not.
pub(crate) fn roles() -> BoxedStrategy<Value> {
    list(&[
        "admin",
        "coordinator",
        "photographer",
        "couple",
        "vendor",
        "guest",
    ])
}

/// A list in any order, with repeats.
fn list(names: &'static [&'static str]) -> BoxedStrategy<Value> {
    let some = subsequence(names, 0..=names.len()).prop_shuffle();
    (some, any::<bool>())
        .prop_map(|(mut names, again)| {
            names.extend(names.first().copied().filter(|_| again));
            json!(names)
        })
        .boxed()
}

fn map(keys: Vec<(&'static str, Vec<Value>)>) -> BoxedStrategy<Value> {
    let entries: Vec<_> = keys
        .into_iter()
        .map(|(key, values)| prop::option::of(select(values)).prop_map(move |value| (key, value)))
        .collect();
    entries
        .prop_map(|entries| {
            let some = entries
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?)));
            Value::Object(some.collect())
        })
        .boxed()
}

/// Groups of fields, each there or not, and `null` now and then; a map has keys that are `null` instead.
fn groups(nulls: bool) -> impl Strategy<Value = Map<String, Value>> {
    let groups: Vec<_> = FIELDS
        .iter()
        .map(|(group, names)| {
            let fields: Vec<_> = names
                .iter()
                .map(|name| {
                    let value = field(group, name);
                    let is_map = MAPS.contains(name);
                    let value = (value, prop::bool::weighted(0.3)).prop_map(
                        move |(value, null)| match value {
                            Value::Object(keys) if nulls && null => keys
                                .into_iter()
                                .map(|(key, _)| (key, Value::Null))
                                .collect(),
                            _ if nulls && null && !is_map => Value::Null,
                            value => value,
                        },
                    );
                    prop::option::weighted(0.4, value.prop_map(move |value| (*name, value)))
                })
                .collect();
            prop::option::weighted(0.6, fields.prop_map(move |fields| (*group, fields)))
        })
        .collect();
    groups.prop_map(|groups| {
        let group = |(group, fields): (&str, Vec<Option<(&str, Value)>>)| {
            let fields = fields.into_iter().flatten();
            let fields = fields.map(|(name, value)| (name.to_owned(), value));
            (group.to_owned(), Value::Object(fields.collect()))
        };
        groups.into_iter().flatten().map(group).collect()
    })
}

/// Configurations whose groups are as they must be.
pub(crate) fn configuration() -> impl Strategy<Value = Configuration> {
    (groups(false), any::<bool>()).prop_map(|(mut record, of_wedding)| {
        record.insert("id".into(), json!("c"));
        record.insert("organizationId".into(), json!("o"));
        record.insert("sectionType".into(), json!("timeline"));
        if of_wedding {
            record.insert("weddingId".into(), json!("w"));
        }
        Configuration::new(record)
    })
}

/// Configurations of which a group, or a map, may be anything.
pub(crate) fn odd_configuration() -> impl Strategy<Value = Configuration> {
    let places = select(vec![
        "/visibility",
        "/layout",
        "/permissions",
        "/visibility/conditions",
        "/customization/theme",
    ]);
    let values = select(vec![json!(null), json!("x"), json!([{ "a": 1 }]), json!(7)]);
    (configuration(), places, values).prop_map(|(stored, place, value)| {
        let mut record = stored.into_value();
        if let Some(found) = record.pointer_mut(place) {
            *found = value;
        }
        Configuration::try_from(record).unwrap()
    })
}

/// Changes as somebody may send them, valid but not sanitized.
pub(crate) fn changes() -> impl Strategy<Value = Value> {
    groups(true).prop_map(Value::Object)
}

/// Changes as they go on.
pub(crate) fn patch() -> impl Strategy<Value = Patch> {
    changes().prop_map(|changes| validate(&changes, Target::Shared).into_patch().unwrap())
}

/// Anything at all, with the names of fields in it.
pub(crate) fn anything() -> impl Strategy<Value = Value> {
    let names = FIELDS
        .iter()
        .flat_map(|(group, names)| [group].into_iter().chain(*names));
    let names: Vec<&str> = names
        .copied()
        .chain(["id", "minimumRole", "zodiac", "admin"])
        .collect();
    let texts = names.clone();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![-2..20i64, any::<i64>()].prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(texts).prop_map(Value::from),
        "\\PC{0,5}[\u{0}-\u{9f}]{0,3}".prop_map(Value::from),
        "x{90,220}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(select(names.clone()), inner, 0..5).prop_map(|map| {
                let entries = map.into_iter().map(|(key, value)| (key.to_owned(), value));
                Value::Object(entries.collect())
            }),
        ]
    })
}
