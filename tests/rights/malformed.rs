//! What cannot be read is kept, and fails closed.

use garland::permission::rights::{Effect, ObjectKind, Rights, Statement, Subject, Verb};
use garland::wedding::{OrganizationRole, WeddingRole};
use serde_json::{Value, json};

use crate::{codes, member, now, person, thing};

fn whole(effect: &str) -> Value {
    json!({
        "id": "s",
        "effect": effect,
        "subject": {"weddingRole": "guest"},
        "verbs": ["list"],
        "object": {"kinds": ["file"], "ids": ["o"], "weddings": ["w"], "with": [], "without": ["private"]},
        "condition": {
            "phases": null, "from": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00+01:00",
            "assigned": false, "outsider": true,
        },
    })
}

/// Each fault, by where it is, what stands there, and its name.
fn faults() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/id", json!(""), "id"),
        ("/id", Value::Null, "id"),
        ("/effect", json!("permit"), "effect"),
        ("/effect", json!("Allow"), "effect"),
        ("/subject", json!("guest"), "subject"),
        ("/subject", json!({}), "subject"),
        ("/subject", json!({"weddingRole": "Guest"}), "subject"),
        (
            "/subject",
            json!({"weddingRole": "guest", "member": "m"}),
            "subject",
        ),
        ("/subject", json!({"team": "a"}), "subject"),
        ("/subject", json!({"anyone": false}), "subject"),
        ("/subject", json!({"member": ""}), "subject"),
        ("/verbs", json!("list"), "verbs"),
        ("/verbs", json!(["list", "fly"]), "verbs"),
        ("/verbs", json!(["list", 7]), "verbs"),
        ("/verbs", Value::Null, "verbs"),
        ("/object", Value::Null, "object"),
        ("/object", json!([]), "object"),
        ("/object/kinds", json!(["file", "files"]), "object.kinds"),
        ("/object/ids", json!("o"), "object.ids"),
        ("/object/weddings", json!([7]), "object.weddings"),
        ("/object/with", json!(["Shared"]), "object.with"),
        ("/object/without", json!("private"), "object.without"),
        ("/object/colour", json!("red"), "object"),
        ("/condition", json!("always"), "condition"),
        ("/condition/phases", json!(["sometime"]), "condition.phases"),
        (
            "/condition/from",
            json!("2026-01-01T00:00:00"),
            "condition.from",
        ),
        ("/condition/until", json!(1_800_000_000), "condition.until"),
        (
            "/condition/until",
            json!("2025-01-01T00:00:00Z"),
            "condition.until",
        ),
        ("/condition/arrival", json!(["there"]), "condition.arrival"),
        ("/condition/assigned", json!("false"), "condition.assigned"),
        (
            "/condition/relations",
            json!(["friend"]),
            "condition.relations",
        ),
        ("/condition/outsider", json!(1), "condition.outsider"),
        ("/condition/weather", json!("dry"), "condition"),
        ("/note", json!("hello"), "statement"),
    ]
}

fn with(effect: &str, place: &str, value: Value) -> Value {
    let mut statement = whole(effect);
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = statement.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().insert(key.into(), value);
    statement
}

#[test]
fn a_whole_statement_is_read_and_counts() {
    let guest = person(WeddingRole::Guest);
    let rights = Rights::only("studio", [Statement::read(&whole("allow"))]);
    let file = thing(ObjectKind::File);
    assert!(rights.decide(&guest, Verb::List, &file, &now()).allow);
    assert!(rights.statements()[0].faults().is_empty());
}

#[test]
fn a_malformed_allow_gives_nothing_and_a_malformed_deny_denies() {
    let guest = person(WeddingRole::Guest);
    let yes = Statement::new("yes", Effect::Allow, Subject::Anyone, &[Verb::List]);
    for (place, value, fault) in faults() {
        let file = thing(ObjectKind::File);
        let allow = Statement::read(&with("allow", place, value.clone()));
        assert_eq!(allow.faults(), [fault], "{place} {value}");
        let rights = Rights::only("studio", [allow]);
        let decision = rights.decide(&guest, Verb::List, &file, &now());
        assert!(!decision.allow, "{place} {value}");

        let deny = Statement::read(&with("deny", place, value.clone()));
        assert_eq!(deny.faults(), [fault], "{place} {value}");
        assert_eq!(Statement::read(&deny.to_value()).effect(), Effect::Deny);
        for deny in [deny.clone(), Statement::read(&deny.to_value())] {
            let rights = Rights::only("studio", [yes.clone(), deny]);
            let decision = rights.decide(&guest, Verb::List, &file, &now());
            assert_eq!(codes(&decision), ["denied_malformed"], "{place} {value}");
        }
    }
}

/// What can be read still limits a denial.
#[test]
fn a_malformed_deny_goes_no_further_than_its_readable_parts() {
    let yes = Statement::new("yes", Effect::Allow, Subject::Anyone, &Verb::ALL);
    let deny = Statement::read(&with("deny", "/verbs", json!(["fly"])));
    let rights = Rights::only("studio", [yes, deny]);
    let ask = |holder, verb, kind| rights.decide(holder, verb, &thing(kind), &now()).allow;
    let (guest, family) = (person(WeddingRole::Guest), person(WeddingRole::Family));
    // Any verb, for the guest and a file.
    assert!(!ask(&guest, Verb::Delete, ObjectKind::File));
    assert!(ask(&guest, Verb::Delete, ObjectKind::Gallery));
    assert!(ask(&family, Verb::Delete, ObjectKind::File));
}

#[test]
fn what_is_no_statement_at_all_denies_everything() {
    for junk in [Value::Null, json!(7), json!("deny"), json!([]), json!({})] {
        let read = Statement::read(&junk);
        assert_eq!((read.id(), read.effect()), ("", Effect::Deny), "{junk}");
        let rights = Rights::with_statements("studio", [read]);
        let owner = member(OrganizationRole::Owner);
        let decision = rights.decide(&owner, Verb::List, &thing(ObjectKind::File), &now());
        assert_eq!(codes(&decision), ["denied_malformed"], "{junk}");
    }
}

#[test]
fn an_empty_list_matches_nothing() {
    let guest = person(WeddingRole::Guest);
    for place in [
        "/verbs",
        "/object/kinds",
        "/object/ids",
        "/object/weddings",
        "/condition/phases",
        "/condition/arrival",
        "/condition/relations",
    ] {
        let allow = Statement::read(&with("allow", place, json!([])));
        assert!(allow.faults().is_empty(), "{place}");
        let rights = Rights::only("studio", [allow]);
        let decision = rights.decide(&guest, Verb::List, &thing(ObjectKind::File), &now());
        assert!(!decision.allow, "{place}");
    }
}
