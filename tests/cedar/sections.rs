//! The shared vectors `permissions/decide.jsonl` through Cedar: may see, edit and hide as garland's own calculation says.

use std::collections::BTreeMap;
use std::sync::Arc;

use garland::permission::cedar::cedar_policy::{
    Entities, EntityUid, PolicySet, RestrictedExpression,
};
use garland::permission::cedar::{CedarPolicies, CedarResolver};
use garland::permission::{Action, Actor, PermissionResolver, Resource, Wedding};
use garland::wedding::{Grace, IanaZones, parse_instant};
use serde_json::{Value, json};

use crate::records::{self, Inexpressible, Loaded};
use crate::runner;
use crate::{SECTIONS, Still};

const ACTIONS: [(&str, Action); 3] = [
    ("canView", Action::new("section.view")),
    ("canEdit", Action::new("section.edit")),
    ("canHide", Action::new("section.hide")),
];

/// What a line says to do, and whether all of its records could be read.
struct Asked {
    answers: [bool; 3],
    all_read: bool,
}

async fn ask(
    policies: &PolicySet,
    tables: &Entities,
    input: &Value,
) -> Result<Asked, Inexpressible> {
    let now = input.get("now").and_then(Value::as_str);
    let now = now.and_then(parse_instant);
    let now = now.ok_or("an instant that is none: the clock of a resolver always has one")?;
    let wedding_record = input.get("wedding").filter(|wedding| !wedding.is_null());
    let user = records::user(&input["user"])?;
    let section = records::section(&input["config"])?;
    let wedding = wedding_record.map(records::wedding);
    let all_read = user.entity.is_some() && section.entity.is_some();

    let mut policies = policies.clone();
    let own: PolicySet = section.policies.parse().unwrap();
    policies.merge(&own, true).unwrap();
    let loaded = [Some(user), Some(section), wedding].into_iter().flatten();
    let entities = loaded.filter_map(|Loaded { entity, .. }| entity);
    let entities: Vec<Value> = entities.collect();
    let tables = tables.clone();
    let entities = tables
        .add_entities_from_json_value(json!(entities), None)
        .unwrap();
    let mut policies = CedarPolicies::new(1, policies, entities).unwrap();
    if let Some(id) = input.get("weddingId").and_then(Value::as_str) {
        let name: EntityUid = EntityUid::from_json(json!({ "type": "Wedding", "id": id })).unwrap();
        policies = policies.with_context("wedding", RestrictedExpression::new_entity_uid(name));
        let grace = input.pointer("/policy/weddingDayGraceMinutes");
        let grace = grace.and_then(Value::as_u64).unwrap_or_default();
        let grace = Grace::minutes(grace.try_into().unwrap()).unwrap();
        let phase = wedding_record
            .map(Wedding::read)
            .and_then(|wedding| wedding.phase(grace, now, &IanaZones::new()).phase);
        if let Some(phase) = phase {
            let phase = RestrictedExpression::new_string(phase.as_str().to_owned());
            policies = policies.with_context("phase", phase);
        }
    }
    let resolver = CedarResolver::new(Arc::new(Still(now)));
    let studio = "o".parse().unwrap();
    resolver.put(&studio, policies).unwrap();
    let text = |record: &str| input[record]["id"].as_str().unwrap_or_default().to_owned();
    let (actor, section) = (
        Actor::User(text("user")),
        [Resource::new("section", text("config"))],
    );
    let mut answers = [false; 3];
    for (answer, (_, action)) in answers.iter_mut().zip(&ACTIONS) {
        let found = resolver.decide(&studio, None, &actor, action, &section);
        *answer = found.await.unwrap()[0].allow;
    }
    Ok(Asked { answers, all_read })
}

#[tokio::test]
async fn the_shared_vectors_say_the_same_by_cedar() {
    let Some(text) = runner::read("permissions/decide.jsonl").unwrap() else {
        println!("NOT RUN: permissions/decide.jsonl is not in this clone");
        return;
    };
    let policies: PolicySet = SECTIONS.parse().unwrap();
    let tables = Entities::from_json_value(json!(records::tables()), None).unwrap();
    let (mut equal, mut unread, mut seen, mut lines) = (0, 0, 0, 0);
    let mut inexpressible: BTreeMap<(String, Inexpressible), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        lines += 1;
        let case: Value = serde_json::from_str(line).unwrap();
        let id = case["id"].as_str().unwrap();
        let asked = match ask(&policies, &tables, &case["input"]).await {
            Ok(asked) => asked,
            Err(why) => {
                let kind = id.rsplit_once('-').map_or(id, |(kind, _)| kind);
                *inexpressible.entry((kind.to_owned(), why)).or_default() += 1;
                continue;
            }
        };
        let wanted = ACTIONS.map(|(flag, _)| case["expect"][flag].as_bool().unwrap_or_default());
        if asked.answers == wanted {
            equal += 1;
            unread += usize::from(!asked.all_read);
            seen += usize::from(wanted[0]);
        } else {
            wrong.push(format!(
                "wanted {wanted:?}, got {:?} of {line}",
                asked.answers
            ));
        }
    }
    println!(
        "{lines} lines: {equal} equal ({seen} seen, {unread} with a record that is no entity)"
    );
    for ((kind, why), count) in &inexpressible {
        println!("{count} of kind {kind} cannot be asked in Cedar: {why}");
    }
    let shown: Vec<_> = wrong.iter().take(5).collect();
    assert!(wrong.is_empty(), "{} differ: {shown:#?}", wrong.len());
    let left_out: usize = inexpressible.values().sum();
    assert_eq!(equal + left_out, lines);
    assert!(
        left_out * 50 < lines && seen * 10 > lines,
        "{left_out} left out, {seen} seen"
    );
}
