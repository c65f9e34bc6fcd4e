//! `sync/*.jsonl`: worlds and the plans that follow from them (`README-sync.md`).

use std::collections::BTreeMap;
use std::time::Duration;

use garland::Timestamp;
use garland::connector::{FilePath, FileVersion, HashAlgorithm, Hashes, NameRules, UnicodeForm};
use garland::sync::{
    Action, ConflictStrategy, Inventory, Plan, PlanOptions, Planner, Refusal, Relation, Replica,
    ReplicaIndex, ReplicaSet, World,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Case {
    id: String,
    input: Input,
    expect: Value,
}

#[derive(Deserialize)]
struct Input {
    relation: Relation,
    strategy: ConflictStrategy,
    #[serde(default)]
    options: PlanOptions,
    replicas: Vec<ReplicaText>,
}

type Files = BTreeMap<FilePath, Vec<Value>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplicaText {
    name: String,
    list: Files,
    #[serde(default)]
    base: Files,
    #[serde(default)]
    source_base: Files,
    precision_ms: Option<u64>,
    case_sensitive: Option<bool>,
    unicode: Option<UnicodeForm>,
    forbidden: Option<String>,
    max_name: Option<usize>,
    #[serde(default)]
    incomplete: bool,
}

/// Checks one case: the plan, and that it survives being stored.
pub(crate) fn check(line: &str) -> Result<(), String> {
    let case: Case = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
    let plan = plan(case.input).map_err(|error| format!("{}: {error:?}\n{line}", case.id))?;
    let got = value(&plan);
    if got != case.expect {
        return Err(format!(
            "{}\n  expected {}\n  got      {got}\n  of {line}",
            case.id, case.expect
        ));
    }
    let stored = serde_json::to_string(&plan).map_err(|error| error.to_string())?;
    match serde_json::from_str::<Plan>(&stored) {
        Ok(read) if read == plan => Ok(()),
        other => Err(format!(
            "{}: stored as {stored}, read as {other:?}",
            case.id
        )),
    }
}

fn plan(input: Input) -> garland::Result<Plan> {
    let replicas: garland::Result<Vec<_>> = input.replicas.into_iter().map(replica).collect();
    let world = World::new(replicas?)?;
    Planner::new(input.relation, input.strategy)
        .with_options(input.options)
        .plan(&world)
}

fn replica(text: ReplicaText) -> garland::Result<Replica> {
    let mut names = NameRules::default();
    names.case_sensitive = text.case_sensitive.unwrap_or(names.case_sensitive);
    names.unicode = text.unicode.unwrap_or(names.unicode);
    names.forbidden = text.forbidden.unwrap_or_default().into();
    names.max_name = text.max_name.unwrap_or(names.max_name);
    Ok(Replica::new(text.name)
        .with_listing(inventory(&text.list)?)
        .with_base(inventory(&text.base)?)
        .with_source_base(inventory(&text.source_base)?)
        .with_names(names)
        .with_precision(Duration::from_millis(text.precision_ms.unwrap_or(1)))
        .with_incomplete(text.incomplete))
}

fn inventory(files: &Files) -> garland::Result<Inventory> {
    let mut builder = Inventory::builder();
    for (path, fields) in files {
        builder.push(path, version(fields).as_ref());
    }
    builder.finish()
}

/// Reads `[size, modified, hashes, revision, id]`, trailing ones left off.
fn version(fields: &[Value]) -> FileVersion {
    let field = |at: usize| fields.get(at).unwrap_or(&Value::Null);
    let mut version = FileVersion::new(field(0).as_u64().unwrap());
    version.modified = field(1).as_i64().map(Timestamp::from_millis);
    for (name, digest) in field(2).as_object().into_iter().flatten() {
        // Any other name is ignored.
        if let Ok(algorithm) = name.parse::<HashAlgorithm>() {
            let hashes = std::mem::replace(&mut version.hashes, Hashes::new());
            version.hashes = hashes.with(algorithm, digest.as_str().unwrap().as_bytes());
        }
    }
    version.revision = field(3).as_str().map(Into::into);
    version.id = field(4).as_str().map(Into::into);
    version
}

/// Writes a plan as the vectors do: only what is not empty.
fn value(plan: &Plan) -> Value {
    let mut value = Map::new();
    let mut put = |name: &str, items: Vec<Value>| {
        if !items.is_empty() {
            value.insert(name.into(), items.into());
        }
    };
    put(
        "actions",
        plan.actions.iter().map(|it| action(plan, it)).collect(),
    );
    put("conflicts", conflicts(plan));
    let kept = plan.kept.iter();
    put(
        "kept",
        kept.map(|it| json!([it.path, plan.name(it.replica), it.why]))
            .collect(),
    );
    put(
        "refused",
        plan.refused.iter().map(|it| refusal(plan, it)).collect(),
    );
    let counts = serde_json::to_value(plan.counts).unwrap();
    let counts = counts.as_object().cloned().unwrap();
    // Bytes are told with every copy, also of empty files.
    let told = |name: &str, count: &Value| *count != 0 || (name == "bytes" && plan.counts.copy > 0);
    let counts = counts.into_iter().filter(|(name, count)| told(name, count));
    let counts: Map<_, _> = counts.collect();
    if !counts.is_empty() {
        value.insert("counts".into(), counts.into());
    }
    value.into()
}

fn names(plan: &Plan, replicas: ReplicaSet) -> Vec<&str> {
    replicas.iter().map(|replica| plan.name(replica)).collect()
}

fn action(plan: &Plan, action: &Action) -> Value {
    let names = |replicas: &ReplicaSet| names(plan, *replicas);
    match action {
        Action::Verify { path, replicas } => json!(["verify", path, names(replicas)]),
        Action::Recover {
            path,
            replicas,
            why,
        } => json!(["recover", path, names(replicas), why]),
        Action::Rename {
            path,
            new_path,
            replicas,
        } => json!(["rename", path, new_path, names(replicas)]),
        Action::Copy { path, from, to } => json!(["copy", path, plan.name(*from), names(to)]),
        Action::Merge { path, from, to } => json!(["merge", path, names(from), names(to)]),
        Action::Delete { path, replicas } => json!(["delete", path, names(replicas)]),
        Action::Agree { path, replicas } => json!(["agree", path, names(replicas)]),
        other => panic!("the vectors know no {other:?}"),
    }
}

fn conflicts(plan: &Plan) -> Vec<Value> {
    let conflict = |conflict: &garland::sync::Conflict| {
        let mut value = Map::new();
        value.insert("path".into(), json!(conflict.path));
        value.insert("kind".into(), json!(conflict.kind));
        value.insert("resolution".into(), json!(conflict.resolution));
        if !conflict.versions.is_empty() {
            let versions = conflict.versions.iter().map(|set| names(plan, *set));
            value.insert("versions".into(), versions.collect());
        }
        if !conflict.deleted.is_empty() {
            value.insert("deleted".into(), names(plan, conflict.deleted).into());
        }
        if let Some(winner) = conflict.winner {
            value.insert("winner".into(), plan.name(winner).into());
        }
        if !conflict.replicas.is_empty() {
            value.insert("replicas".into(), names(plan, conflict.replicas).into());
        }
        Value::from(value)
    };
    plan.conflicts.iter().map(conflict).collect()
}

fn refusal(plan: &Plan, refusal: &Refusal) -> Value {
    let name = |replica: &ReplicaIndex| plan.name(*replica).to_owned();
    match refusal {
        Refusal::EmptyReplica { replica } => json!(["empty_replica", name(replica)]),
        Refusal::DeleteLimit { replica, files } => json!(["delete_limit", name(replica), files]),
        Refusal::ChangeLimit { replica, files } => json!(["change_limit", name(replica), files]),
        other => panic!("the vectors know no {other:?}"),
    }
}
