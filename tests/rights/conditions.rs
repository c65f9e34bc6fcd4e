//! Phases, windows, arrivals and assignments (D-ROL-4), and until when an answer holds.

use std::time::Duration;

use garland::Timestamp;
use garland::permission::rights::{
    Arrival, ArrivalSet, Effect, Holder, ObjectKind, Outcome, Part, Relation, RelationSet, Rights,
    Statement, Subject, Term, Verb, When,
};
use garland::wedding::{
    Grace, OrganizationRole, Phase, PhaseSet, UtcOnly, VendorType, WeddingDate, WeddingRole,
    phase_at,
};

use crate::{NOW, assigned, codes, now, person, thing};

fn allow(id: &str) -> Statement {
    Statement::new(id, Effect::Allow, Subject::Anyone, &[Verb::List])
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

fn ask(rights: &Rights, holder: &Holder, when: &When) -> (bool, Option<Timestamp>) {
    let decision = rights.decide(holder, Verb::List, &thing(ObjectKind::File), when);
    (decision.allow, decision.valid_until)
}

#[test]
fn a_window_has_its_first_instant_and_not_its_last() {
    let rights = Rights::only("studio", [allow("window").from(at(0)).until(at(10))]);
    let guest = person(WeddingRole::Guest);
    for (millis, expected) in [
        (-1, (false, Some(at(0)))),
        (0, (true, Some(at(10)))),
        (9, (true, Some(at(10)))),
        (10, (false, None)),
    ] {
        let found = ask(&rights, &guest, &When::at(at(millis)));
        assert_eq!(found, expected, "{millis}");
    }
}

#[test]
fn a_phase_holds_until_it_ends_and_an_unknown_one_never() {
    let day = PhaseSet::of(&[Phase::WeddingDay]);
    let rights = Rights::only("studio", [allow("day").in_phases(day)]);
    let guest = person(WeddingRole::Guest);
    let phase = |now| {
        let date = WeddingDate::parse("2026-06-20");
        When::at(now).with_phase(phase_at(
            date,
            "UTC",
            Grace::default(),
            now,
            &UtcOnly::new(),
        ))
    };
    let start: Timestamp = garland::wedding::parse_instant("2026-06-20T00:00:00Z").unwrap();
    let end = start.saturating_add(Duration::from_secs(86_400));
    let before = Timestamp::from_millis(start.as_millis() - 1);
    assert_eq!(ask(&rights, &guest, &phase(before)), (false, Some(start)));
    assert_eq!(ask(&rights, &guest, &phase(start)), (true, Some(end)));
    assert_eq!(ask(&rights, &guest, &phase(end)), (false, None));
    assert_eq!(ask(&rights, &guest, &When::at(start)), (false, None));
    // A phase that is over when it is asked about is not known either.
    let stale = When::at(end).with_phase(phase(start).phase);
    assert_eq!(ask(&rights, &guest, &stale), (false, None));
}

/// What nobody can know lets a denial count and an allow not.
#[test]
fn a_denial_counts_while_its_condition_is_not_known() {
    let day = PhaseSet::of(&[Phase::WeddingDay]);
    let deny = Statement::new("no", Effect::Deny, Subject::Anyone, &[Verb::List]).in_phases(day);
    let rights = Rights::only("studio", [allow("yes"), deny]);
    let guest = person(WeddingRole::Guest);
    let (phase, mut when) = (|phase| (phase, None), now());
    (when.phase.phase, when.phase.until) = phase(Some(Phase::Planning));
    assert!(ask(&rights, &guest, &when).0);
    (when.phase.phase, when.phase.until) = phase(None);
    assert!(!ask(&rights, &guest, &when).0);
}

#[test]
fn an_arrival_opens_what_waits_for_it() {
    let there = ArrivalSet::of(&[Arrival::Arrived, Arrival::Late]);
    let rights = Rights::only("studio", [allow("arrived").on_arrival(there)]);
    let band = |arrival: Option<Arrival>| {
        let part = Part::vendor("w", "band", &[VendorType::Band]);
        let part = match arrival {
            Some(arrival) => part.with_arrival(arrival),
            None => part,
        };
        Holder::new("m", "studio").with_part(part)
    };
    for (arrival, expected) in [
        (None, false),
        (Some(Arrival::Expected), false),
        (Some(Arrival::Arrived), true),
        (Some(Arrival::Departed), false),
    ] {
        assert_eq!(
            ask(&rights, &band(arrival), &now()).0,
            expected,
            "{arrival:?}"
        );
    }
    let gone = ArrivalSet::of(&[Arrival::NoShow]);
    let deny = Statement::new(
        "gone",
        Effect::Deny,
        Subject::WeddingRole(WeddingRole::Vendor),
        &[Verb::List],
    );
    let rights = Rights::only("studio", [allow("yes"), deny.on_arrival(gone)]);
    assert!(ask(&rights, &band(Some(Arrival::Expected)), &now()).0);
    assert!(!ask(&rights, &band(Some(Arrival::NoShow)), &now()).0);
    assert!(!ask(&rights, &band(None), &now()).0);
    assert!(ask(&rights, &person(WeddingRole::Guest), &now()).0);
}

#[test]
fn an_assignment_ends_with_its_term() {
    let rights = Rights::new("studio");
    let term = Term::always().from(at(0)).until(at(5));
    let editor = Holder::new("m", "studio")
        .with_organization_role(OrganizationRole::Editor)
        .assigned_to_wedding("w", term);
    assert_eq!(
        ask(&rights, &editor, &When::at(at(-1))),
        (false, Some(at(0)))
    );
    assert_eq!(ask(&rights, &editor, &When::at(at(0))), (true, Some(at(5))));
    assert_eq!(ask(&rights, &editor, &When::at(at(5))), (false, None));
    assert_eq!(
        ask(&rights, &assigned(OrganizationRole::Editor), &now()),
        (true, None)
    );
}

/// A stand-in works for the vendor for so long.
#[test]
fn a_substitution_ends_by_itself() {
    let rights = Rights::new("studio");
    let part =
        Part::vendor("w", "band", &[VendorType::Band]).with_term(Term::always().until(at(5)));
    let stand_in = Holder::new("m", "studio").with_part(part);
    let folder = thing(ObjectKind::Workspace).in_workspace_of("band");
    let ask = |millis| rights.decide(&stand_in, Verb::Upload, &folder, &When::at(at(millis)));
    assert!(ask(4).allow);
    assert_eq!(ask(4).valid_until, Some(at(5)));
    assert!(!ask(5).allow);
}

#[test]
fn reasons_name_the_statement_and_its_conditions() {
    let own = RelationSet::of(&[Relation::Own]);
    let rights = Rights::only(
        "studio",
        [
            allow("own").if_related(own).if_assigned(true),
            allow("other-verbs-only").in_weddings(["elsewhere"]),
        ],
    );
    let holder = assigned(OrganizationRole::Viewer);
    let mine = thing(ObjectKind::File).of_owner("m");
    let yes = rights.decide(&holder, Verb::List, &mine, &now());
    assert_eq!(
        yes.reasons[0].text,
        "statement `own` allows `list` by its `assigned`, `relations`"
    );
    let no = rights.explain(&holder, Verb::List, &thing(ObjectKind::File), &now());
    assert_eq!(codes(&no.decision), ["condition_failed"]);
    let outcomes: Vec<_> = no
        .considered
        .iter()
        .map(|one| (&*one.statement, one.outcome.code()))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("other-verbs-only", "other_object"),
            ("own", "condition_failed")
        ]
    );
    let failed = [garland::permission::rights::ConditionKind::Relations];
    assert_eq!(no.considered[1].outcome, Outcome::Fail(failed.into()));
}
