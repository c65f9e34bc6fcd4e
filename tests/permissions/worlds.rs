//! Random records, well formed and not, from few values so that they often meet.

use std::sync::Arc;

use garland::Timestamp;
use garland::permission::{Context, Member, Section, Snapshot, Wedding};
use garland::wedding::{Grace, IanaZones, Zones, parse_instant};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Value, json};

pub(crate) const ROLES: [&str; 6] = [
    "admin",
    "coordinator",
    "photographer",
    "couple",
    "vendor",
    "guest",
];
/// What stands in a list of roles: each of them, one that is none, and one in the wrong case.
const LISTED: [&str; 8] = [
    "admin",
    "coordinator",
    "photographer",
    "couple",
    "vendor",
    "guest",
    "owner",
    "Admin",
];
pub(crate) const PHASES: [&str; 4] = ["planning", "pre_wedding", "wedding_day", "post_wedding"];
const TYPES: [&str; 6] = [
    "timeline",
    "billing",
    "admin",
    "budget",
    "guest_list",
    "seating",
];
/// Zones where days begin at one, are skipped, are twice as long, or are like any other.
pub(crate) const ZONES: [&str; 6] = [
    "UTC",
    "Africa/Cairo",
    "America/New_York",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Auckland",
];

pub(crate) fn zones() -> Arc<dyn Zones> {
    Arc::new(IanaZones::new())
}

pub(crate) fn instant(text: &str) -> Timestamp {
    parse_instant(text).unwrap()
}

pub(crate) fn value(values: &[Value]) -> BoxedStrategy<Value> {
    select(values.to_vec()).boxed()
}

/// Almost always what is usual, else what is not: a record has many places to go wrong in.
pub(crate) fn mostly(
    usual: BoxedStrategy<Value>,
    odd: BoxedStrategy<Value>,
) -> BoxedStrategy<Value> {
    prop_oneof![30 => usual, 1 => odd].boxed()
}

fn one_of(names: &[&str]) -> BoxedStrategy<Value> {
    value(&names.iter().map(|name| json!(name)).collect::<Vec<_>>())
}

/// Some of them in any order.
fn some_of(names: &'static [&'static str]) -> BoxedStrategy<Value> {
    subsequence(names, 0..=names.len())
        .prop_shuffle()
        .prop_map(|names| json!(names))
        .boxed()
}

fn organization() -> BoxedStrategy<Value> {
    mostly(
        value(&[json!("o")]),
        value(&[json!("p"), json!(null), json!(7)]),
    )
}

/// A list of roles, and now and then something that is none.
pub(crate) fn roles() -> BoxedStrategy<Value> {
    let odd = [
        json!("administrator"),
        json!(["admin", 7]),
        json!(null),
        json!({}),
    ];
    mostly(some_of(&LISTED), value(&odd))
}

pub(crate) fn phases() -> BoxedStrategy<Value> {
    let odd = [
        json!("planning"),
        json!(["planning", null]),
        json!(["never"]),
    ];
    mostly(some_of(&PHASES), value(&odd))
}

/// A condition: one of the four, or one that is not known, with a value that it may have, or not.
pub(crate) fn condition() -> BoxedStrategy<(String, Value)> {
    let field = json!({ "field": "tier", "operator": "equals", "value": "gold" });
    let part = json!({ "field": "tags", "operator": "contains", "value": "vip" });
    let number = json!({ "field": "tier", "operator": "equals", "value": 8.0 });
    let no_operator = json!({ "field": "tier", "value": "gold" });
    let keyed = |key: &'static str, values: BoxedStrategy<Value>| {
        values
            .prop_map(move |value| (key.to_owned(), value))
            .boxed()
    };
    prop_oneof![
        keyed(
            "hasWeddingAccess",
            value(&[
                json!(true),
                json!(true),
                json!(false),
                json!("yes"),
                json!(null)
            ])
        ),
        keyed(
            "minimumRole",
            mostly(one_of(&ROLES), value(&[json!("owner"), json!(3)]))
        ),
        keyed("customField", value(&[field, part, number, no_operator])),
        keyed("timeRestriction", window()),
        keyed("zodiac", value(&[json!("leo"), json!(null)])),
    ]
    .boxed()
}

fn window() -> BoxedStrategy<Value> {
    let ends = select(vec![
        "2026-06-01T00:00:00Z",
        "2026-06-20T00:00:00+02:00",
        "2026-06-20T12:00:00.001Z",
        "2026-07-01T00:00:00Z",
        "2026-06-20T12:00:00",
    ]);
    (ends.clone(), ends)
        .prop_map(|(start, end)| json!({ "start": start, "end": end }))
        .boxed()
}

fn conditions() -> BoxedStrategy<Value> {
    let usual = prop::collection::vec(condition(), 0..3)
        .prop_map(|conditions| Value::Object(conditions.into_iter().collect()));
    mostly(usual.boxed(), value(&[json!([]), json!("none")]))
}

/// An object of those keys whose values are there.
fn object(keys: Vec<(&'static str, BoxedStrategy<Option<Value>>)>) -> impl Strategy<Value = Value> {
    let entries: Vec<_> = keys
        .into_iter()
        .map(|(key, value)| value.prop_map(move |value| Some((key.to_owned(), value?))))
        .collect();
    entries.prop_map(|entries| Value::Object(entries.into_iter().flatten().collect()))
}

fn always(value: BoxedStrategy<Value>) -> BoxedStrategy<Option<Value>> {
    value.prop_map(Some).boxed()
}

fn maybe(value: BoxedStrategy<Value>) -> BoxedStrategy<Option<Value>> {
    prop::option::weighted(0.35, value).boxed()
}

pub(crate) fn section() -> BoxedStrategy<Value> {
    let visibility = object(vec![
        ("roles", always(roles())),
        ("weddingPhase", maybe(phases())),
        ("conditions", maybe(conditions())),
    ]);
    let permissions = object(vec![
        ("canView", maybe(roles())),
        ("canEdit", maybe(roles())),
        ("canHide", maybe(roles())),
    ]);
    let odd_group = [json!("all"), json!([])];
    let weddings = [json!(null), json!("w"), json!("w"), json!("x")];
    let positions = [
        json!({ "position": 1 }),
        json!({ "position": 2 }),
        json!({}),
        json!("top"),
    ];
    object(vec![
        ("organizationId", always(organization())),
        (
            "weddingId",
            maybe(mostly(value(&weddings), value(&[json!(7)]))),
        ),
        (
            "sectionType",
            always(mostly(
                one_of(&TYPES),
                value(&[json!(""), json!(7), json!(null)]),
            )),
        ),
        (
            "visibility",
            always(mostly(visibility.boxed(), value(&odd_group))),
        ),
        (
            "permissions",
            maybe(mostly(permissions.boxed(), value(&odd_group))),
        ),
        ("layout", maybe(value(&positions))),
    ])
    .boxed()
}

/// What stands in a member's list of weddings.
pub(crate) fn access() -> BoxedStrategy<Value> {
    let levels = select(vec!["full", "full", "limited", "none", "Full"]);
    let entry = (select(vec!["w", "x"]), levels)
        .prop_map(|(wedding, level)| json!({ "weddingId": wedding, "level": level }))
        .boxed();
    mostly(entry, value(&[json!({ "level": "full" }), json!("w")]))
}

pub(crate) fn member() -> BoxedStrategy<Value> {
    let access = prop::collection::vec(access(), 0..3).prop_map(Value::from);
    let fields = [
        json!({ "tier": "gold", "tags": ["vip", 8] }),
        json!({ "tier": 8, "tags": "vips" }),
        json!({ "tier": null }),
        json!({}),
    ];
    object(vec![
        ("organizationId", always(organization())),
        (
            "role",
            always(mostly(
                one_of(&ROLES),
                value(&[json!("owner"), json!(""), json!(1)]),
            )),
        ),
        (
            "weddingAccess",
            always(mostly(access.boxed(), value(&[json!("w"), json!({})]))),
        ),
        (
            "customFields",
            always(mostly(value(&fields), value(&[json!([]), json!("gold")]))),
        ),
    ])
    .boxed()
}

pub(crate) fn wedding() -> BoxedStrategy<Value> {
    let dates = [
        json!("2026-06-20"),
        json!("2026-06-20"),
        json!("2026-06-20T23:30:00+01:00"),
        json!("2026-04-24"),
        json!("2011-12-30"),
        json!(null),
    ];
    let odd = [
        json!("2026-02-30"),
        json!("2026-06-20T10:00:00"),
        json!(20260620),
    ];
    object(vec![
        ("organizationId", always(organization())),
        ("date", always(mostly(value(&dates), value(&odd)))),
        (
            "timeZone",
            maybe(mostly(one_of(&ZONES), value(&[json!("Utc"), json!(0)]))),
        ),
    ])
    .boxed()
}

/// An instant near to where something changes: a day of a wedding, the end of a window, a change of clocks.
pub(crate) fn now() -> BoxedStrategy<Timestamp> {
    let edges = select(vec![
        "2011-12-30T10:00:00Z",
        "2026-03-25T22:00:00Z",
        "2026-04-23T22:00:00Z",
        "2026-05-21T00:00:00Z",
        "2026-06-01T00:00:00Z",
        "2026-06-19T12:00:00Z",
        "2026-06-20T00:00:00Z",
        "2026-06-20T12:00:00Z",
        "2026-06-21T00:00:00Z",
        "2026-07-01T00:00:00Z",
    ]);
    let near = prop_oneof![-2_i64..=2, -90_000_000_i64..90_000_000];
    (edges, near)
        .prop_map(|(edge, near)| Timestamp::from_millis(instant(edge).as_millis() + near))
        .boxed()
}

pub(crate) fn context() -> BoxedStrategy<Context> {
    let wedding = prop_oneof![2 => Just(None), 6 => Just(Some("w")), 2 => Just(Some("x")), 1 => Just(Some("gone"))];
    (wedding, now())
        .prop_map(|(wedding, now)| match wedding {
            None => Context::organization(now),
            Some(id) => Context::wedding(id, now),
        })
        .boxed()
}

/// Everything of one organization, as records.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) members: Vec<Value>,
    pub(crate) weddings: Vec<Value>,
    pub(crate) sections: Vec<Value>,
    pub(crate) grace: u16,
}

pub(crate) fn world() -> BoxedStrategy<World> {
    let members = prop::collection::vec(member(), 1..5);
    let weddings = prop::collection::vec(wedding(), 2);
    let sections = prop::collection::vec(section(), 1..9);
    let grace = select(vec![0_u16, 0, 90, 720]);
    (members, weddings, sections, grace)
        .prop_map(|(members, weddings, sections, grace)| World {
            members: with_ids(members, |n| format!("m{n}")),
            weddings: with_ids(weddings, |n| ["w", "x"][n].to_owned()),
            sections: with_ids(sections, |n| format!("s{n}")),
            grace,
        })
        .boxed()
}

fn with_ids(records: Vec<Value>, id: impl Fn(usize) -> String) -> Vec<Value> {
    let records = records.into_iter().enumerate();
    records.map(|(n, record)| named(record, id(n))).collect()
}

pub(crate) fn named(mut record: Value, id: String) -> Value {
    record["id"] = json!(id);
    record
}

impl World {
    pub(crate) fn snapshot(&self, revision: u64) -> Snapshot {
        Snapshot::builder("o".parse().unwrap())
            .zones(zones())
            .grace(Grace::minutes(self.grace).unwrap())
            .members(self.members.iter().map(Member::read))
            .weddings(self.weddings.iter().map(Wedding::read))
            .sections(self.sections.iter().map(Section::read))
            .build(revision)
    }

    /// Any of the sections.
    pub(crate) fn section(&self, index: Index) -> &Value {
        index.get(&self.sections)
    }

    pub(crate) fn member(&self, index: Index) -> &Value {
        index.get(&self.members)
    }
}
