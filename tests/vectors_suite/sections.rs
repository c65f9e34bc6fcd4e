//! `sections/*.jsonl`: changes of sections, what comes of them, what is wrong with them (`README-permissions.md`).

use std::collections::BTreeMap;
use std::time::Duration;

use garland::section::{
    BatchItem, BatchQueue, Configuration, ConfigurationChange, PartnerGrant, PartnerSettings,
    Patch, PermissionMark, Scope, Target, check_configurations, check_records, validate,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::runner::Check;

/// Every list of `sections/` and what checks it.
pub(crate) const LISTS: &[(&str, Check)] = &[
    ("sections/validate.jsonl", |line| check(line, validation)),
    ("sections/patch.jsonl", |line| check(line, patch)),
    ("sections/scope.jsonl", |line| check(line, scope)),
    ("sections/batch.jsonl", |line| check(line, batch)),
    ("sections/integrity.jsonl", |line| check(line, integrity)),
    ("sections/external.jsonl", |line| check(line, external)),
];

#[derive(Deserialize)]
struct Case {
    id: String,
    input: Map<String, Value>,
    expect: Value,
}

impl Case {
    /// The part of the id before the last `-`.
    fn kind(&self) -> &str {
        self.id.rsplit_once('-').map_or("", |(kind, _)| kind)
    }

    fn value(&self, key: &str) -> Value {
        self.input.get(key).cloned().unwrap_or_default()
    }

    /// Reads what stands under a key, or tells what is in the way.
    fn read<T: DeserializeOwned>(&self, key: &str) -> Result<T, String> {
        read(self.value(key))
    }

    fn text(&self, key: &str) -> Result<String, String> {
        self.read(key)
    }

    fn list(&self, key: &str) -> Result<Option<Vec<Value>>, String> {
        self.read(key)
    }

    fn target(&self) -> Result<Target, String> {
        match self.value("target").as_str() {
            None | Some("shared") => Ok(Target::Shared),
            Some("personal") => Ok(Target::Personal),
            Some(other) => Err(format!("there is no target {other}")),
        }
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn check(line: &str, run: fn(&Case) -> Result<Value, String>) -> Result<(), String> {
    let case: Case = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
    let got = run(&case).map(by_value);
    let expect = Ok(by_value(case.expect.clone()));
    if got == expect {
        return Ok(());
    }
    Err(format!(
        "{}\n  expected {expect:?}\n  got      {got:?}\n  of {line}",
        case.id
    ))
}

/// With whole numbers written as such, as `8.0` is `8`.
fn by_value(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}").parse::<i64>().unwrap().into()
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(by_value).collect(),
        Value::Object(map) => {
            let entries = map.into_iter().map(|(key, value)| (key, by_value(value)));
            Value::Object(entries.collect())
        }
        other => other,
    }
}

fn validation(case: &Case) -> Result<Value, String> {
    let found = validate(&case.value("changes"), case.target()?);
    Ok(json!({
        "valid": found.is_valid(),
        "sanitized": found.sanitized(),
        "errors": found.errors(),
    }))
}

fn patch(case: &Case) -> Result<Value, String> {
    if case.kind() == "diff" {
        let difference = Patch::diff(&case.read("before")?, &case.read("after")?);
        return Ok(difference.into_value());
    }
    let stored: Configuration = case.read("config")?;
    let [first, second]: [Patch; 2] = case.read("patches")?;
    let composed = first.then(&second);
    let result = composed.apply(&stored);
    if result != second.apply(&first.apply(&stored)) {
        return Err("one after the other gives something else than composed".into());
    }
    Ok(json!({ "composed": composed, "result": result }))
}

fn scope(case: &Case) -> Result<Value, String> {
    let target = case.target()?;
    let changes = validate(&case.value("changes"), target)
        .into_patch()
        .map_err(|error| error.to_string())?;
    Ok(json!(Scope::of(&case.read("config")?, &changes, target)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigurationEvent {
    config_id: String,
    patch: Patch,
    by: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PermissionEvent {
    user_id: String,
    organization_id: String,
    wedding_id: Option<String>,
}

fn batch(case: &Case) -> Result<Value, String> {
    let events: Vec<Value> = case.read("events")?;
    if case.kind() == "config" {
        let item = |event| {
            let event: ConfigurationEvent = read(event)?;
            Ok(ConfigurationChange::new(
                event.config_id,
                event.patch,
                event.by,
            ))
        };
        return run(&events, item, |entry| {
            let by: Vec<&str> = entry.by.iter().map(AsRef::as_ref).collect();
            json!({
                "configId": &*entry.config_id,
                "patch": entry.patch,
                "by": by,
                "merged": entry.merged,
            })
        });
    }
    let item = |event| {
        let event: PermissionEvent = read(event)?;
        let wedding = event.wedding_id.map(Into::into);
        Ok(PermissionMark::new(
            event.user_id,
            event.organization_id,
            wedding,
        ))
    };
    run(&events, item, |entry| {
        json!({
            "userId": &*entry.mark.user_id,
            "organizationId": &*entry.mark.organization_id,
            "weddingId": entry.mark.wedding_id.as_deref(),
            "merged": entry.merged,
        })
    })
}

/// Drives a queue by the events, with a store that accepts everything at once.
fn run<I: BatchItem>(
    events: &[Value],
    item: impl Fn(Value) -> Result<I, String>,
    entry: impl Fn(&I::Entry) -> Value,
) -> Result<Value, String> {
    let mut queue = BatchQueue::new();
    let mut flushed = Vec::new();
    let mut drain = |queue: &mut BatchQueue<I>, now| {
        while let Some(flush) = queue.begin(now) {
            let items: Vec<Value> = flush.items.iter().map(&entry).collect();
            flushed.push(json!({
                "at": u64::try_from(flush.at.as_millis()).unwrap(),
                "trigger": flush.trigger,
                "received": flush.received,
                "items": items,
            }));
            assert!(queue.accepted(flush.id));
        }
    };
    for event in events {
        let at = event["at"].as_u64().ok_or("an event has no instant")?;
        let now = Duration::from_millis(at);
        if event["shutdown"] == true {
            queue.shutdown(now);
        } else {
            queue.push(now, item(event.clone())?);
        }
        drain(&mut queue, now);
    }
    while let Some(due) = queue.due() {
        drain(&mut queue, due);
    }
    Ok(Value::Array(flushed))
}

fn integrity(case: &Case) -> Result<Value, String> {
    let organization = case.text("organizationId")?;
    let report = if case.kind() == "configuration" {
        let (configurations, weddings) = (case.list("configs")?, case.list("weddings")?);
        check_configurations(
            &organization,
            configurations.as_deref(),
            weddings.as_deref(),
        )
    } else {
        let (users, records) = (case.list("users")?, case.list("records")?);
        check_records(&organization, users.as_deref(), records.as_deref())
    };
    Ok(json!({ "valid": report.is_valid(), "issues": report }))
}

fn external(case: &Case) -> Result<Value, String> {
    let settings = PartnerSettings::read(&case.value("settings"));
    if case.kind() == "config" {
        return Ok(json!(settings.configuration(&case.read("patch")?)));
    }
    let stored: Option<BTreeMap<String, Value>> = case.read("permissions")?;
    let granted = stored.unwrap_or_default().into_iter();
    let granted = granted.map(|(name, stored)| (name, PartnerGrant::read(&stored)));
    Ok(Value::Object(settings.permissions(&granted.collect())))
}
