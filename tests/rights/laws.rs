//! Laws that hold for every set of statements, holder, object and instant.

use garland::Timestamp;
use garland::permission::rights::{
    Arrival, Considered, Holder, Mark, Object, ObjectKind, Outcome, Part, Rights, Statement, Term,
    Verb, When,
};
use garland::wedding::{OrganizationRole, Phase, PhaseAt, VendorType, WeddingRole};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// Few of everything, so that statements and questions meet.
const KINDS: [ObjectKind; 4] = [
    ObjectKind::File,
    ObjectKind::Picture,
    ObjectKind::Consent,
    ObjectKind::Timeline,
];
const VERBS: [Verb; 5] = [
    Verb::List,
    Verb::Upload,
    Verb::Consent,
    Verb::MarkPrivate,
    Verb::Sign,
];
const MARKS: [Mark; 3] = [Mark::Private, Mark::Shared, Mark::General];
const TYPES: [VendorType; 2] = [VendorType::Dj, VendorType::Cake];
/// Milliseconds since the epoch at which anything begins or ends.
const TIMES: std::ops::Range<i64> = 0..12;

fn words<T: ToString + Clone + std::fmt::Debug + 'static>(
    all: &[T],
) -> impl Strategy<Value = Value> + use<T> {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    let some = subsequence(all.clone(), 1..=all.len()).prop_map(|some| json!(some));
    prop_oneof![4 => some, 2 => Just(json!(all)), 1 => Just(json!([]))]
}

/// What cannot be read.
fn junk() -> impl Strategy<Value = Value> {
    select(vec![
        json!("always"),
        json!(7),
        json!({}),
        json!(["?"]),
        json!([[]]),
    ])
}

fn maybe(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Option<Value>> {
    prop::option::weighted(0.25, prop_oneof![12 => value, 1 => junk()])
}

fn instant() -> impl Strategy<Value = Value> {
    TIMES.prop_map(|millis| json!(Timestamp::from_millis(millis).to_string()))
}

fn object(fields: Vec<(&'static str, Option<Value>)>) -> Value {
    let fields = fields.into_iter();
    let set: Map<_, _> = fields
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
    Value::Object(set)
}

fn subject() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"anyone": true})),
        select(vec!["m", "n"]).prop_map(|id| json!({"member": id})),
        select(OrganizationRole::ALL.to_vec()).prop_map(|role| json!({"organizationRole": role})),
        select(WeddingRole::ALL.to_vec()).prop_map(|role| json!({"weddingRole": role})),
        select(TYPES.to_vec()).prop_map(|kind| json!({"vendorType": kind})),
    ]
}

fn selector() -> impl Strategy<Value = Value> {
    let parts = (
        maybe(words(&KINDS)),
        maybe(words(&["o", "p"])),
        maybe(words(&["w", "x"])),
        maybe(words(&MARKS)),
        maybe(words(&MARKS)),
    );
    parts.prop_map(|(kinds, ids, weddings, with, without)| {
        object(vec![
            ("kinds", kinds),
            ("ids", ids),
            ("weddings", weddings),
            ("with", with),
            ("without", without),
        ])
    })
}

fn condition() -> impl Strategy<Value = Value> {
    let parts = (
        maybe(words(&Phase::ALL)),
        maybe(instant()),
        maybe(instant()),
        maybe(words(&Arrival::ALL)),
        maybe(any::<bool>().prop_map(Value::Bool)),
        maybe(words(&garland::permission::rights::Relation::ALL)),
        maybe(any::<bool>().prop_map(Value::Bool)),
    );
    parts.prop_map(
        |(phases, from, until, arrival, assigned, relations, outsider)| {
            object(vec![
                ("phases", phases),
                ("from", from),
                ("until", until),
                ("arrival", arrival),
                ("assigned", assigned),
                ("relations", relations),
                ("outsider", outsider),
            ])
        },
    )
}

fn statement_of(effect: impl Strategy<Value = &'static str>) -> impl Strategy<Value = Statement> {
    let parts = (
        select(vec!["a", "b", "c"]),
        effect,
        prop_oneof![15 => subject(), 1 => junk()],
        prop_oneof![15 => words(&VERBS), 1 => junk()],
        prop_oneof![15 => selector(), 1 => junk()],
        prop::option::of(prop_oneof![15 => condition(), 1 => junk()]),
    );
    parts.prop_map(|(id, effect, subject, verbs, selector, condition)| {
        Statement::read(&object(vec![
            ("id", Some(json!(id))),
            ("effect", Some(json!(effect))),
            ("subject", Some(subject)),
            ("verbs", Some(verbs)),
            ("object", Some(selector)),
            ("condition", condition),
        ]))
    })
}

fn statement() -> impl Strategy<Value = Statement> {
    statement_of(select(vec!["allow", "allow", "allow", "deny", "maybe"]))
}

fn term() -> impl Strategy<Value = Term> {
    let end = || prop::option::of(TIMES.prop_map(Timestamp::from_millis));
    (end(), end()).prop_map(|(from, until)| {
        let mut term = Term::always();
        (term.from, term.until) = (from, until);
        term
    })
}

fn part() -> impl Strategy<Value = Part> {
    let parts = (
        select(vec!["w", "x"]),
        select(WeddingRole::ALL.to_vec()),
        subsequence(TYPES.to_vec(), 0..=2),
        prop::option::of(select(vec!["v", "u"])),
        prop::option::of(select(Arrival::ALL.to_vec())),
        term(),
    );
    parts.prop_map(|(wedding, role, types, vendor, arrival, term)| {
        let mut part = Part::new(wedding, role).with_term(term);
        part.vendor_types = types.into_iter().collect();
        part.vendor = vendor.map(Into::into);
        part.arrival = arrival;
        part
    })
}

fn holder() -> impl Strategy<Value = Holder> {
    let parts = (
        prop::option::of(select(OrganizationRole::ALL.to_vec())),
        prop::collection::vec(part(), 0..3),
        prop::collection::vec((select(vec!["w", "x"]), term()), 0..3),
    );
    parts.prop_map(|(role, parts, assignments)| {
        let mut holder = Holder::new("m", "studio");
        if let Some(role) = role {
            holder = holder.with_organization_role(role);
        }
        let holder = parts.into_iter().fold(holder, Holder::with_part);
        assignments
            .into_iter()
            .fold(holder, |holder, (wedding, term)| {
                holder.assigned_to_wedding(wedding, term)
            })
    })
}

fn thing() -> impl Strategy<Value = Object> {
    let parts = (
        select(KINDS.to_vec()),
        select(vec!["o", "p"]),
        prop::option::weighted(0.8, select(vec!["w", "x"])),
        prop::option::of(select(vec!["m", "n"])),
        prop::option::of(select(vec!["v", "u"])),
        prop::option::of(select(vec!["m", "n"])),
        subsequence(TYPES.to_vec(), 0..=2),
        subsequence(MARKS.to_vec(), 0..=3),
    );
    parts.prop_map(
        |(kind, id, wedding, owner, vendor, addressee, types, marks)| {
            let mut object = Object::new(kind, id, "studio").concerning(&types);
            if let Some(wedding) = wedding {
                object = object.of_wedding(wedding);
            }
            if let Some(owner) = owner {
                object = object.of_owner(owner);
            }
            if let Some(vendor) = vendor {
                object = object.in_workspace_of(vendor);
            }
            if let Some(addressee) = addressee {
                object = object.addressed_to(addressee);
            }
            marks.into_iter().fold(object, Object::with_mark)
        },
    )
}

fn when() -> impl Strategy<Value = When> {
    let phase = prop::option::weighted(0.8, select(Phase::ALL.to_vec()));
    let parts = (TIMES, phase, prop::option::of(TIMES));
    parts.prop_map(|(now, phase, until)| {
        let mut known = PhaseAt::default();
        known.phase = phase;
        known.until = until.map(Timestamp::from_millis);
        When::at(Timestamp::from_millis(now)).with_phase(known)
    })
}

fn question() -> impl Strategy<Value = (Holder, Verb, Object, When)> {
    (holder(), select(VERBS.to_vec()), thing(), when())
}

fn statements() -> impl Strategy<Value = Vec<Statement>> {
    prop::collection::vec(statement(), 0..8)
}

/// Some with the default tables, some without.
fn rights(defaults: bool, statements: &[Statement]) -> Rights {
    if defaults {
        Rights::with_statements("studio", statements.to_vec())
    } else {
        Rights::only("studio", statements.to_vec())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_denial_that_is_added_never_widens(
        all in statements(),
        deny in statement_of(Just("deny")),
        (holder, verb, object, when) in question(),
        defaults in any::<bool>(),
    ) {
        let before = rights(defaults, &all).decide(&holder, verb, &object, &when);
        let with = [all, vec![deny]].concat();
        let after = rights(defaults, &with).decide(&holder, verb, &object, &when);
        prop_assert!(before.allow || !after.allow);
    }

    #[test]
    fn a_malformed_statement_that_is_added_never_widens(
        all in statements(),
        more in statement().prop_filter("well formed", |one| !one.faults().is_empty()),
        (holder, verb, object, when) in question(),
    ) {
        let before = rights(true, &all).decide(&holder, verb, &object, &when);
        let with = [all, vec![more]].concat();
        let after = rights(true, &with).decide(&holder, verb, &object, &when);
        prop_assert!(before.allow || !after.allow);
    }

    #[test]
    fn the_order_of_statements_makes_no_difference(
        (all, shuffled) in statements().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        (holder, verb, object, when) in question(),
    ) {
        let one = rights(true, &all).explain(&holder, verb, &object, &when);
        let other = rights(true, &shuffled).explain(&holder, verb, &object, &when);
        prop_assert_eq!(one, other);
    }

    #[test]
    fn what_is_decided_is_what_is_explained(
        all in statements(),
        (holder, verb, object, when) in question(),
        defaults in any::<bool>(),
    ) {
        let rights = rights(defaults, &all);
        let decision = rights.decide(&holder, verb, &object, &when);
        let explanation = rights.explain(&holder, verb, &object, &when);
        prop_assert_eq!(&decision, &explanation.decision);
        prop_assert_eq!(explanation.considered.len(), rights.statements().len());
        // Nothing else has decided: a denial that counts, else an allow that counts.
        let counts = |effect: &str| {
            explanation.considered.iter().any(|one: &Considered| {
                one.outcome == Outcome::Apply && one.effect.as_str() == effect
            })
        };
        prop_assert_eq!(decision.allow, counts("allow") && !counts("deny"));
        prop_assert!(!decision.reasons.is_empty());
    }

    /// Not only the answer but its reasons too.
    #[test]
    fn nothing_changes_before_valid_until(
        all in statements(),
        (holder, verb, object, when) in question(),
        defaults in any::<bool>(),
    ) {
        let rights = rights(defaults, &all);
        let now = rights.decide(&holder, verb, &object, &when);
        prop_assert!(now.valid_until.is_none_or(|until| until > when.now));
        let end = now.valid_until.map_or(TIMES.end + 2, Timestamp::as_millis);
        for millis in when.now.as_millis()..end {
            let mut later = when;
            later.now = Timestamp::from_millis(millis);
            let then = rights.decide(&holder, verb, &object, &later);
            prop_assert_eq!(&now, &then, "at {}", millis);
        }
    }

    /// D-ROL-5: neither the answer nor its words depend on what there is on either side.
    #[test]
    fn nothing_crosses_organizations(
        all in statements(),
        (holder, verb, object, when) in question(),
    ) {
        let ours = rights(true, &all);
        let theirs = Rights::with_statements("other", all);
        let expected = Rights::only("third", []).decide(&holder, verb, &object, &when);
        prop_assert_eq!(expected.reasons[0].code.as_ref(), "organization_mismatch");
        let foreign = theirs.explain(&holder, verb, &object, &when);
        prop_assert!(foreign.considered.is_empty());
        let stranger = Holder::new("m", "other").with_organization_role(OrganizationRole::Owner);
        let elsewhere = Object::new(object.kind(), "o", "other").of_wedding("w").of_owner("m");
        for decision in [
            foreign.decision,
            ours.decide(&stranger, verb, &object, &when),
            ours.decide(&holder, verb, &elsewhere, &when),
        ] {
            prop_assert_eq!(&decision, &expected);
            prop_assert!(!decision.allow && decision.valid_until.is_none());
        }
    }

    #[test]
    fn personal_rights_are_for_the_person(
        all in statements(),
        (holder, verb, object, when) in question(),
    ) {
        let decision = rights(true, &all).decide(&holder, verb, &object, &when);
        if decision.allow && verb == Verb::Consent {
            prop_assert_eq!(object.owner(), Some("m"));
            prop_assert_eq!(object.kind(), ObjectKind::Consent);
        }
        if decision.allow && verb == Verb::Sign {
            prop_assert!(object.is_addressed_to("m"));
        }
        if decision.allow && verb == Verb::MarkPrivate {
            let is_couple = |part: &Part| {
                part.role == WeddingRole::Couple
                    && Some(&*part.wedding) == object.wedding()
                    && part.term.holds(when.now)
            };
            prop_assert!(holder.parts().iter().any(is_couple));
        }
        if decision.allow && verb == Verb::Upload && object.kind() == ObjectKind::Consent {
            prop_assert_eq!(object.owner(), Some("m"));
        }
    }

    #[test]
    fn a_statement_survives_being_written(one in statement()) {
        let again = Statement::read(&one.to_value());
        if one.faults().is_empty() {
            prop_assert_eq!(&again, &one);
        }
        prop_assert_eq!(again.faults().is_empty(), one.faults().is_empty());
        prop_assert_eq!(again.effect(), one.effect());
    }

    /// Being written changes no decision, malformed or not.
    #[test]
    fn a_statement_that_was_written_decides_alike(
        all in statements(),
        (holder, verb, object, when) in question(),
    ) {
        let written: Vec<_> = all.iter().map(|one| Statement::read(&one.to_value())).collect();
        let before = rights(true, &all).decide(&holder, verb, &object, &when);
        let after = rights(true, &written).decide(&holder, verb, &object, &when);
        prop_assert_eq!(before.allow, after.allow);
    }
}

/// The laws would say little if everything were denied, or nothing.
#[test]
fn the_questions_of_the_laws_have_both_answers() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut yes, mut no, mut ends) = (0, 0, 0);
    for _ in 0..2_000 {
        let asked = (statements(), question())
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let (all, (holder, verb, object, when)) = asked;
        let decision = rights(true, &all).decide(&holder, verb, &object, &when);
        if decision.allow {
            yes += 1;
        } else {
            no += 1;
        }
        ends += usize::from(decision.valid_until.is_some());
    }
    println!("{yes} allowed, {no} denied, {ends} with an end");
    assert!(yes > 100 && no > 100 && ends > 200);
}
