//! Who in an organization may use which service.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use garland::permission::rights::{Holder, KNOWN_ACTIONS, Rights, Term, When};
use garland::permission::{Action, Resource};
use garland::wedding::{OrganizationRole as R, WeddingRole};

use crate::{NOW, codes, member, now, person};

fn may(holder: &Holder, action: &'static str, kind: &'static str, id: &str) -> bool {
    let resource = Resource::new(kind, id);
    let rights = Rights::new("studio");
    rights
        .decide_action(holder, &Action::new(action), &resource, &now())
        .allow
}

/// Which roles may, without an assignment.
fn roles(action: &'static str) -> String {
    let roles = R::ALL.into_iter();
    let allowed = roles.filter(|role| may(&member(*role), action, "connector", "card"));
    let names: Vec<_> = allowed.map(R::as_str).collect();
    names.join(" ")
}

#[test]
fn each_role_may_what_the_table_says() {
    for (action, expected) in [
        ("audit.manage", "owner admin"),
        ("connectors.open", "owner admin"),
        ("keys.manage", "owner"),
        ("permissions.read", "owner admin coordinator"),
        ("privacy.manage", "owner admin"),
        ("section.edit", ""),
        ("section.manage", "owner admin coordinator"),
        ("section.manage_protected", "owner admin"),
        ("section.read", ""),
        ("section.watch", ""),
        ("sessions.manage", "owner admin"),
        ("store.open", ""),
        ("subjects.read", "owner admin"),
        ("sync.plan", "owner admin coordinator"),
        ("sync.resolve", "owner admin coordinator"),
        ("sync.run", "owner admin coordinator"),
        ("team.manage", "owner admin"),
        ("team.manage_owners", "owner"),
        ("team.read", "owner admin coordinator"),
        ("transfer.run", "owner admin coordinator"),
        ("uploads.manage", "owner admin coordinator"),
    ] {
        assert_eq!(roles(action), expected, "{action}");
    }
    let names: BTreeSet<_> = KNOWN_ACTIONS.iter().map(|rule| rule.action).collect();
    assert_eq!(names.len(), 21);
    assert!(KNOWN_ACTIONS.is_sorted_by_key(|rule| rule.action));
}

#[test]
fn others_may_where_they_are_assigned_and_as_long() {
    let end = garland::Timestamp::from_millis(NOW.as_millis() + 1);
    let term = Term::always().until(end);
    for (role, action, expected) in [
        (R::Photographer, "sync.run", true),
        (R::Photographer, "uploads.manage", true),
        (R::Editor, "transfer.run", true),
        (R::Editor, "sync.run", false),
        (R::Assistant, "sync.plan", true),
        (R::Assistant, "transfer.run", false),
        (R::Viewer, "sync.plan", false),
        (R::Photographer, "keys.manage", false),
    ] {
        let holder = member(role).assigned_to("connector", "card", term);
        assert_eq!(
            may(&holder, action, "connector", "card"),
            expected,
            "{role} {action}"
        );
        assert!(
            !may(&holder, action, "connector", "archive"),
            "{role} {action}"
        );
        // A wedding of that name is no account.
        assert!(!may(&holder, action, "wedding", "card"), "{role} {action}");
        let (action, card) = (Action::new(action), Resource::new("connector", "card"));
        let rights = Rights::new("studio");
        let decided = rights.decide_action(&holder, &action, &card, &now());
        assert_eq!(decided.valid_until, expected.then_some(end));
        let later = rights.decide_action(&holder, &action, &card, &When::at(end));
        assert!(!later.allow && later.valid_until.is_none());
    }
}

#[test]
fn the_team_of_a_wedding_is_for_whoever_runs_weddings() {
    let coordinator = member(R::Coordinator);
    assert!(may(&coordinator, "team.manage", "wedding", "w"));
    assert!(!may(&coordinator, "team.manage", "member", "anna"));
    let viewer = crate::assigned(R::Viewer);
    assert!(may(&viewer, "team.read", "wedding", "w"));
    assert!(!may(&viewer, "team.read", "wedding", "x"));
    assert!(!may(&viewer, "team.read", "member", "w"));
}

#[test]
fn outsiders_foreigners_and_unknown_actions_are_denied() {
    let rights = Rights::new("studio");
    let ask = |holder: &Holder, action, resource| {
        let action = Action::new(action);
        let decision = rights.decide_action(holder, &action, &resource, &now());
        assert!(!decision.allow);
        codes(&decision).join(" ")
    };
    let ours = || Resource::new("organization", "studio");
    let couple = person(WeddingRole::Couple);
    assert_eq!(ask(&couple, "sync.run", ours()), "no_role");
    let owner = member(R::Owner);
    assert_eq!(ask(&owner, "moon.fly", ours()), "unknown_action");
    let theirs = Resource::new("organization", "other");
    assert_eq!(ask(&owner, "keys.manage", theirs), "organization_mismatch");
    let foreign = Holder::new("m", "other").with_organization_role(R::Owner);
    assert_eq!(
        ask(&foreign, "keys.manage", ours()),
        "organization_mismatch"
    );
    let viewer = member(R::Viewer);
    assert_eq!(ask(&viewer, "keys.manage", ours()), "role_too_low");
    let photographer = member(R::Photographer);
    assert_eq!(ask(&photographer, "sync.run", ours()), "not_assigned");
}

/// Whatever a service asks about is in the table.
#[test]
fn every_action_of_the_crate_is_known() {
    let mut asked = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                let mut rest = line;
                while let Some((_, after)) = rest.split_once("Action::new(\"") {
                    let (name, after) = after.split_once('"').unwrap();
                    asked.insert(name.to_owned());
                    rest = after;
                }
            }
        }
    }
    assert!(
        asked.len() >= 9,
        "the sources were not understood: {asked:?}"
    );
    let known: BTreeSet<_> = KNOWN_ACTIONS
        .iter()
        .map(|rule| rule.action.to_owned())
        .collect();
    let unknown: Vec<_> = asked.difference(&known).collect();
    assert!(
        unknown.is_empty(),
        "nobody may {unknown:?}: add a line to `KNOWN_ACTIONS`"
    );
}
