//! `permissions/*.jsonl`: who sees what, when (`README-permissions.md`).
//!
//! Every case runs twice: by the database of zones and by the table `permissions/zones.json`.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use garland::Timestamp;
use garland::permission::{
    Context, Denial, EffectiveSection, Member, Section, SectionDecision, Snapshot, Wedding,
    decide_one,
};
use garland::wedding::{Grace, IanaZones, ZoneTable, Zones, parse_instant};
use serde::Deserialize;
use serde_json::{Value, json};

use super::runner::{Check, read};

/// Every list of `permissions/` and what checks it.
pub(crate) const LISTS: &[(&str, Check)] = &[
    ("permissions/decide.jsonl", |line| check(line, decide)),
    ("permissions/phase.jsonl", |line| check(line, phase)),
    ("permissions/effective.jsonl", |line| check(line, effective)),
    ("permissions/subjects.jsonl", |line| check(line, subjects)),
    ("permissions/audience.jsonl", |line| check(line, audience)),
];

#[derive(Deserialize)]
struct Case {
    id: String,
    input: Input,
    expect: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    #[serde(default)]
    user: Value,
    #[serde(default)]
    users: Vec<Value>,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    configs: Vec<Value>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
    wedding_id: Option<String>,
    #[serde(default)]
    wedding: Value,
    now: Value,
    #[serde(default)]
    policy: Policy,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Policy {
    wedding_day_grace_minutes: u16,
}

impl Input {
    fn now(&self) -> Option<Timestamp> {
        self.now.as_str().and_then(parse_instant)
    }

    fn context(&self) -> Option<Context> {
        let now = self.now()?;
        Some(match &self.wedding_id {
            Some(id) => Context::wedding(id.as_str(), now),
            None => Context::organization(now),
        })
    }

    fn wedding(&self) -> Option<Wedding> {
        (!self.wedding.is_null()).then(|| Wedding::read(&self.wedding))
    }

    fn grace(&self) -> Grace {
        Grace::minutes(self.policy.wedding_day_grace_minutes).unwrap()
    }

    fn snapshot(&self, zones: &Arc<dyn Zones>) -> Snapshot {
        let users = self
            .users
            .iter()
            .chain((!self.user.is_null()).then_some(&self.user));
        Snapshot::builder("o".parse().unwrap())
            .zones(Arc::clone(zones))
            .grace(self.grace())
            .members(users.map(Member::read))
            .weddings(self.wedding())
            .sections(self.configs.iter().map(Section::read))
            .build(1)
    }
}

fn check(line: &str, answer: fn(&Input, &Arc<dyn Zones>) -> Value) -> Result<(), String> {
    let case: Case = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
    let database: Arc<dyn Zones> = Arc::new(IanaZones::new());
    for (name, zones) in [
        ("the database of zones", &database),
        ("the table of zones", table()?),
    ] {
        let got = answer(&case.input, zones);
        if got != case.expect {
            let (id, expected) = (&case.id, &case.expect);
            return Err(format!(
                "{id}, by {name}\n  expected {expected}\n  got      {got}\n  of {line}"
            ));
        }
    }
    Ok(())
}

/// The zones of `zones.json`: `initial` and `transitions` in seconds.
fn table() -> Result<&'static Arc<dyn Zones>, String> {
    #[derive(Deserialize)]
    struct Zone {
        initial: i32,
        transitions: Vec<(i64, i32)>,
    }
    static TABLE: OnceLock<Result<Arc<dyn Zones>, String>> = OnceLock::new();
    let made = TABLE.get_or_init(|| {
        let text = read("permissions/zones.json").map_err(|error| error.to_string())?;
        let text = text.ok_or("permissions/zones.json is not there")?;
        let zones: BTreeMap<String, Zone> =
            serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let table = zones
            .into_iter()
            .fold(ZoneTable::new(), |table, (name, zone)| {
                let changes = zone.transitions.into_iter();
                let changes =
                    changes.map(|(at, offset)| (Timestamp::from_millis(at * 1000), offset));
                table.with(name, zone.initial, changes.collect())
            });
        Ok(Arc::new(table))
    });
    made.as_ref().map_err(Clone::clone)
}

fn decide(input: &Input, zones: &Arc<dyn Zones>) -> Value {
    let Some(context) = input.context() else {
        return compact(decision(&SectionDecision::denied(Denial::InvalidNow)));
    };
    let (member, section) = (Member::read(&input.user), Section::read(&input.config));
    let found = decide_one(
        &member,
        &section,
        input.wedding().as_ref(),
        &context,
        input.grace(),
        &**zones,
    );
    compact(decision(&found))
}

fn phase(input: &Input, zones: &Arc<dyn Zones>) -> Value {
    let wedding = Wedding::read(&input.wedding);
    let found = wedding.phase(input.grace(), input.now().unwrap(), &**zones);
    compact(json!({
        "phase": found.phase.map(|phase| phase.as_str()),
        "until": found.until.map(|until| until.to_string()),
    }))
}

fn effective(input: &Input, zones: &Arc<dyn Zones>) -> Value {
    let id = input.user["id"].as_str().unwrap_or_default();
    let snapshot = input.snapshot(zones);
    let view = snapshot.at(&input.context().unwrap());
    let visible: Vec<_> = view.visible(id).iter().map(ToString::to_string).collect();
    let sections: Vec<_> = view
        .sections(id)
        .iter()
        .map(|section| compact(section_value(section)))
        .collect();
    json!({ "sections": sections, "visible": visible })
}

fn subjects(input: &Input, zones: &Arc<dyn Zones>) -> Value {
    let snapshot = input.snapshot(zones);
    ids(&snapshot
        .at(&input.context().unwrap())
        .subjects(&Section::read(&input.config)))
}

fn audience(input: &Input, zones: &Arc<dyn Zones>) -> Value {
    let read = |config: &Value| (!config.is_null()).then(|| Section::read(config));
    let (before, after) = (read(&input.before), read(&input.after));
    let snapshot = input.snapshot(zones);
    ids(&snapshot.audience(before.as_ref(), after.as_ref(), &input.context().unwrap()))
}

fn ids(ids: &[Arc<str>]) -> Value {
    ids.iter().map(|id| &**id).collect()
}

fn decision(found: &SectionDecision) -> Value {
    json!({
        "canView": found.can_view,
        "canEdit": found.can_edit,
        "canHide": found.can_hide,
        "capabilities": found.capabilities.iter().map(|capability| capability.as_str()).collect::<Vec<_>>(),
        "phase": found.phase.map(|phase| phase.as_str()),
        "grant": found.grant.map(|grant| grant.as_str()),
        "reasons": found.denials.codes(),
        "validUntil": found.valid_until.map(|until| until.to_string()),
    })
}

fn section_value(section: &EffectiveSection) -> Value {
    let ids: Vec<&str> = section.config_ids.iter().map(|id| &**id).collect();
    json!({
        "sectionType": section.section_type.as_str(),
        "configIds": ids,
        "canView": section.can_view,
        "canEdit": section.can_edit,
        "canHide": section.can_hide,
        "capabilities": section.capabilities.iter().map(|capability| capability.as_str()).collect::<Vec<_>>(),
        "position": section.position,
        "validUntil": section.valid_until.map(|until| until.to_string()),
    })
}

/// Leaves out what is false, nothing, or an empty list.
fn compact(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(items) => !items.is_empty(),
            _ => true,
        });
    }
    value
}
