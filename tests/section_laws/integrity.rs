//! What the checks report is what the calculation of permissions then does.

use garland::Timestamp;
use garland::permission::{Context, Member, Section, decide_one};
use garland::section::{IssueCode, IssueReport, Severity, check_configurations, check_records};
use garland::wedding::{Grace, Role, UtcOnly};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::worlds::{anything, configuration, odd_configuration, patch, roles};

const TYPES: [&str; 5] = ["timeline", "admin", "billing", "budget", "guest_list"];

fn check(stored: &Value) -> IssueReport {
    let weddings = [json!({ "id": "w", "organizationId": "o" })];
    check_configurations("o", Some(std::slice::from_ref(stored)), Some(&weddings))
}

/// The roles that a report names under a code.
fn named(report: &IssueReport, code: IssueCode) -> Vec<String> {
    let found = report.issues().iter().filter(|issue| issue.code == code);
    found.flat_map(|issue| issue.detail.clone()).collect()
}

fn sees(role: Role, stored: &Value) -> bool {
    let member = json!({ "id": "m", "organizationId": "o", "role": role });
    let context = Context::organization(Timestamp::default());
    let found = decide_one(
        &Member::read(&member),
        &Section::read(stored),
        None,
        &context,
        Grace::default(),
        &UtcOnly::new(),
    );
    found.can_view
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn who_may_edit_and_never_sees_is_who_is_denied(
        section_type in select(&TYPES[..]),
        shown in roles(),
        view in prop::option::of(roles()),
        edit in roles(),
        hide in roles(),
    ) {
        // Roles and `canView` alone count: no phase, no condition, no wedding.
        let stored = json!({
            "id": "c", "organizationId": "o", "sectionType": section_type, "visibility": { "roles": shown },
            "permissions": { "canView": view, "canEdit": edit, "canHide": hide },
        });
        let report = check(&stored);
        for (list, code) in [(edit, IssueCode::EditWithoutView), (hide, IssueCode::HideWithoutView)] {
            let listed = list.as_array().unwrap();
            let wanted: Vec<String> = Role::ALL
                .into_iter()
                .filter(|role| listed.contains(&json!(role)) && !sees(*role, &stored))
                .map(|role| role.to_string())
                .collect();
            prop_assert_eq!(named(&report, code), wanted, "{} of {}", list, stored);
        }
    }

    #[test]
    fn a_valid_change_makes_nothing_malformed(stored in configuration(), p in patch()) {
        prop_assert!(!Section::read(&stored.clone().into_value()).is_malformed());
        let changed = p.apply(&stored).into_value();
        prop_assert!(!Section::read(&changed).is_malformed(), "{}", changed);
        prop_assert!(check(&changed).is_valid(), "{:?} of {}", check(&changed), changed);
    }

    #[test]
    fn what_is_malformed_is_told_and_stays_so_under_changes(stored in odd_configuration(), p in patch()) {
        let record = stored.clone().into_value();
        let malformed = Section::read(&record).is_malformed();
        let told = check(&record).issues().iter().any(|issue| issue.code == IssueCode::MalformedConfig);
        prop_assert_eq!(told, malformed);
        prop_assert_eq!(Section::read(&p.apply(&stored).into_value()).is_malformed(), malformed);
    }

    #[test]
    fn whatever_is_stored_gets_an_orderly_report(
        first in prop::collection::vec(record(), 0..5),
        second in prop::collection::vec(record(), 0..5),
    ) {
        for report in [
            check_configurations("o", Some(&first), Some(&second)),
            check_records("o", Some(&first), Some(&second)),
        ] {
            let keys: Vec<_> = report.issues().iter()
                .map(|issue| (issue.subject.clone(), issue.code.as_str(), issue.detail.clone()))
                .collect();
            prop_assert!(keys.is_sorted_by(|one, other| one < other), "{keys:?}");
            let errors = report.issues().iter().filter(|issue| issue.severity == Severity::Error);
            prop_assert_eq!(report.is_valid(), errors.count() == 0);
        }
        // In any order the same.
        let mut turned = first.clone();
        turned.reverse();
        prop_assert_eq!(
            check_configurations("o", Some(&first), Some(&second)),
            check_configurations("o", Some(&turned), Some(&second))
        );
    }
}

/// Rows that often belong together, with anything in them.
fn record() -> impl Strategy<Value = Value> {
    let id = || select(&["a", "b"][..]).prop_map(Value::from);
    let odd = || anything().boxed();
    let fields = (
        id(),
        prop_oneof![4 => Just(json!("o")), 1 => odd()],
        prop_oneof![2 => Just(json!("timeline")), 1 => odd()],
        prop_oneof![id(), Just(Value::Null), odd()],
        prop_oneof![Just(json!("guest")), odd()],
        prop_oneof![Just(json!(true)), odd()],
        odd(),
        odd(),
    );
    fields.prop_map(|(id, organization, section, wedding, role, flag, visibility, layout)| {
        json!({
            "id": id, "userId": id, "organizationId": organization, "sectionType": section, "weddingId": wedding,
            "role": role, "canView": flag, "canEdit": role, "visibility": visibility, "layout": layout,
        })
    })
}
