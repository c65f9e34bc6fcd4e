//! Stored results: replaced in one step, never by older ones, for everybody, also after a crash.

use std::sync::Arc;

use futures_util::{FutureExt as _, TryStreamExt as _};
use garland::Clock as _;
use garland::ErrorKind;
use garland::permission::Context;
use garland::section::{SECTION_PERMISSIONS, SectionService, SyncProgress};
use garland::storage::{Precondition, Query};
use garland::team::Access;
use garland::testing::{Faults, FaultyStorage, Moment};
use garland::wedding::{AccessLevel, Role};
use serde_json::json;

use crate::world::{
    Backend, HandClock, Hooked, databases, journal, member, memory, policy, section, sections,
    sections_asking, shared, store, studio, team, user, wedding,
};

const ANY: Precondition = Precondition::Any;

async fn furnish(backend: &Backend, clock: &HandClock, members: usize) -> SectionService {
    let team = team(backend, clock);
    team.put_wedding(&wedding("june", "2026-06-20"), ANY)
        .await
        .unwrap();
    for number in 0..members {
        let role = ["couple", "guest", "vendor", "admin"][number % 4];
        let mut member = member(&format!("m{number:03}"), role);
        member["weddingAccess"] = json!([{"weddingId": "june", "level": "limited"}]);
        team.put_member(&member, ANY).await.unwrap();
    }
    let sections = sections(backend, clock);
    for (id, kind, roles) in [
        ("b", "budget", ["couple", "vendor"]),
        ("p", "photos", ["guest", "couple"]),
    ] {
        sections.create(&section(id, kind, &roles)).await.unwrap();
    }
    let mut timed = section("t", "timeline", &["guest", "vendor", "couple"]);
    timed["visibility"]["weddingPhase"] = json!(["wedding_day"]);
    sections.create(&timed).await.unwrap();
    sections
}

async fn run(sections: &SectionService) -> Vec<SyncProgress> {
    sections.sync_organization().try_collect().await.unwrap()
}

/// Every stored result is what a fresh calculation gives; returns how many there are.
async fn check(backend: &Backend, clock: &HandClock) -> usize {
    let state = policy(backend, clock).state(&studio(), None).await.unwrap();
    let query = Query::all(SECTION_PERMISSIONS.name().clone());
    let all: Vec<_> = store(backend)
        .all(&SECTION_PERMISSIONS, query)
        .try_collect()
        .await
        .unwrap();
    for found in &all {
        let results = &found.value;
        let context = match &results.wedding_id {
            Some(wedding) => Context::wedding(wedding.as_str(), clock.now()),
            None => Context::organization(clock.now()),
        };
        let fresh = state.decide_all(&results.user_id, &context);
        let flags = |can_view, can_edit, can_hide| (can_view, can_edit, can_hide);
        let wanted: Vec<_> = fresh
            .iter()
            .filter(|one| one.can_view)
            .map(|one| {
                (
                    one.section_type.clone(),
                    flags(one.can_view, one.can_edit, one.can_hide),
                )
            })
            .collect();
        let stored: Vec<_> = results
            .sections
            .iter()
            .map(|one| {
                (
                    one.section_type.clone(),
                    flags(one.can_view, one.can_edit, one.can_hide),
                )
            })
            .collect();
        assert_eq!(stored, wanted, "{}", found.id);
        assert!(state.member(&results.user_id).is_some(), "{}", found.id);
    }
    all.len()
}

#[tokio::test]
async fn everybodys_results_are_stored_and_those_of_nobody_go() {
    for (name, backend, _folder) in databases().await {
        let clock = HandClock::new();
        let sections = furnish(&backend, &clock, 250).await;
        let progress = run(&sections).await;
        let last = progress.last().unwrap();
        assert!(
            last.is_complete && last.done == 500 && progress.len() > 5,
            "{name}: {last:?}"
        );
        assert!(
            progress.windows(2).all(|two| two[0].done <= two[1].done),
            "{name}"
        );
        assert_eq!(check(&backend, &clock).await, 500, "{name}");

        let team = team(&backend, &clock);
        team.remove_member("m000", ANY).await.unwrap();
        team.change_access("m001", &[Access::new("june", AccessLevel::None)], ANY)
            .await
            .unwrap();
        team.change_role("m002", Role::Admin, ANY).await.unwrap();
        run(&sections).await;
        // One who lost access is worked out anew, one who is gone is gone.
        assert_eq!(check(&backend, &clock).await, 498, "{name}");
        assert_eq!(
            sections.results("m000", None).await.unwrap(),
            None,
            "{name}"
        );
        team.remove_wedding("june", ANY).await.unwrap();
        run(&sections).await;
        assert_eq!(check(&backend, &clock).await, 249, "{name}");
        assert!(
            journal(&store(&backend))
                .await
                .iter()
                .all(|entry| !entry.event.as_str().contains("budget"))
        );
    }
}

#[tokio::test]
async fn results_are_for_the_person_and_not_past_their_time() {
    let (backend, clock) = (memory(), HandClock::new());
    let sections = furnish(&backend, &clock, 4).await;
    sections
        .recompute(&[("m000", Some("june")), ("m001", None)])
        .await
        .unwrap();
    let own = sections.acting_as(user("m000"));
    let results = own.results("m000", Some("june")).await.unwrap().unwrap();
    let types: Vec<_> = results
        .sections
        .iter()
        .map(|one| one.section_type.as_str())
        .collect();
    assert_eq!(types, ["budget", "photos", "timeline"]);
    assert_eq!(sections.results("m000", None).await.unwrap(), None);
    let reader = crate::world::Only::these(&["section.read"]);
    let other = sections_asking(&backend, &clock, Arc::new(reader)).acting_as(user("m001"));
    assert_eq!(
        other
            .results("m000", Some("june"))
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Denied
    );
    assert!(other.results("m001", None).await.unwrap().is_some());

    // The wedding day is over at midnight.
    clock.pass(14 * 3_600_000 - 1);
    assert!(own.results("m000", Some("june")).await.unwrap().is_some());
    clock.pass(1);
    // What is stored is of yesterday, and what holds now is told.
    let today = own.results("m000", Some("june")).await.unwrap().unwrap();
    let types = today.sections.iter().map(|one| one.section_type.as_str());
    assert_eq!(types.collect::<Vec<_>>(), ["budget", "photos"]);
    assert!(!sections.check_results().await.unwrap().issues().is_empty());
}

#[tokio::test]
async fn stored_results_never_go_back() {
    for at in 1..=12 {
        let (inner, clock) = (memory(), HandClock::new());
        let sections = furnish(&inner, &clock, 3).await;
        let hooked = Arc::new(Hooked::new(&inner).silent());
        let slow = shared(&hooked);
        let slow = crate::world::sections(&slow, &clock);
        let (writer, host) = (team(&inner, &clock), sections.clone());
        hooked.before(
            at,
            Box::new(move || {
                let (writer, host) = (writer.clone(), host.clone());
                async move {
                    // Somebody loses what they had, and their results are replaced at once.
                    writer.change_role("m000", Role::Guest, ANY).await.unwrap();
                    host.recompute(&[("m000", None)]).await.unwrap();
                }
                .boxed()
            }),
        );
        slow.recompute(&[("m000", None), ("m001", None)])
            .await
            .unwrap();
        if hooked.count() < at {
            assert!(at > 5, "nothing came in between");
            return;
        }
        assert_eq!(check(&inner, &clock).await, 2, "call {at}");
    }
    panic!("it never ended");
}

#[tokio::test]
async fn bulk_work_that_crashed_goes_on_where_it_was() {
    let count = {
        let (inner, clock) = (memory(), HandClock::new());
        furnish(&inner, &clock, 100).await;
        let faults = Faults::none();
        let backend: Backend = Arc::new(FaultyStorage::new(inner, faults.clone()));
        run(&sections(&backend, &clock)).await;
        faults.steps()
    };
    assert!(count > 15, "{count}");
    for moment in [Moment::Before, Moment::After] {
        for step in 1..=count {
            let (inner, clock) = (memory(), HandClock::new());
            let host = furnish(&inner, &clock, 100).await;
            let faults = Faults::crash_at(step, moment);
            let backend: Backend = Arc::new(FaultyStorage::new(Arc::clone(&inner), faults));
            let sections = sections(&backend, &clock);
            let result: Result<Vec<_>, _> = sections.sync_organization().try_collect().await;
            assert!(result.is_err(), "step {step}");
            let before = check(&inner, &clock).await;
            let progress = run(&host).await;
            assert_eq!(check(&inner, &clock).await, 200, "step {step}, {moment:?}");
            let last = progress.last().unwrap();
            // What was stored before is not stored again, unless all of it was done.
            assert!(
                last.done == 200,
                "step {step}, {moment:?}: {before} {last:?}"
            );
        }
    }
}

#[tokio::test]
async fn of_two_who_do_the_same_bulk_work_one_goes_on() {
    let (backend, clock) = (memory(), HandClock::new());
    let sections = furnish(&backend, &clock, 100).await;
    let mut first = sections.sync_organization();
    first.try_next().await.unwrap().unwrap();
    assert_eq!(run(&sections).await.last().unwrap().done, 200);
    let error = first.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(check(&backend, &clock).await, 200);
}

#[tokio::test]
async fn a_pair_that_is_named_twice_is_worked_out_once() {
    let (backend, clock) = (memory(), HandClock::new());
    let sections = furnish(&backend, &clock, 2).await;
    let june = Some("june");
    let pairs = [
        ("m001", june),
        ("m000", june),
        ("m001", june),
        ("m001", None),
    ];
    sections.recompute(&pairs).await.unwrap();
    assert_eq!(check(&backend, &clock).await, 3);
    let entries = journal(&store(&backend)).await;
    let told = entries.last().unwrap().event.as_str();
    let wanted = r#""results":[["m001","june"],["m000","june"],["m001",null]]"#;
    assert!(told.contains(wanted), "{told}");
}
