//! What decides is read whole, followed exactly, and never made up.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use garland::permission::Resource;
use garland::permission::{Context, Snapshot};
use garland::section::{
    Configuration, PolicyOptions, SECTION_CHANGED, SECTION_CONFIGURATIONS, StoredPolicy,
};
use garland::storage::{Batch, JournalName, Precondition, Store};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Operation};
use garland::wedding::Role;
use garland::{Clock as _, ErrorKind, Timestamp, journal};
use serde_json::{Value, json};

use crate::wired::Wired;
use crate::world::{
    Backend, HandClock, Hooked, databases, member, memory, policy, policy_with, shared, store,
    studio, team, wedding,
};

fn section(id: &str, position: u64, roles: &[&str]) -> Value {
    json!({"id": id, "organizationId": "studio", "sectionType": format!("type-{id}"),
        "visibility": {"roles": roles}, "layout": {"position": position}})
}

fn configuration(section: &Value) -> Configuration {
    Configuration::try_from(section.clone()).unwrap()
}

async fn put_sections(store: &Store, sections: &[Value]) {
    let mut batch = Batch::new(Timestamp::from_millis(0));
    for section in sections {
        let id = section["id"].as_str().unwrap();
        batch
            .put(
                &SECTION_CONFIGURATIONS,
                id.parse().unwrap(),
                &configuration(section),
            )
            .unwrap();
        let event = journal::Event::new(SECTION_CHANGED).about(Resource::new("section", id));
        batch.append(JournalName::main(), &event).unwrap();
    }
    store.commit(batch).await.unwrap();
}

/// What everybody sees, in every context.
fn picture(state: &Snapshot, clock: &HandClock) -> String {
    let organization = Context::organization(clock.now());
    let weddings = state
        .weddings()
        .map(|wedding| Context::wedding(wedding.id(), clock.now()));
    let mut text = format!("{} ", state.revision());
    for context in std::iter::once(organization).chain(weddings) {
        for member in state.members() {
            let all = state.decide_all(member.id(), &context);
            text += &format!("{:?} {}: {all:?}\n", context.wedding, member.id());
        }
    }
    text
}

/// It says what somebody who reads all of it now is told.
async fn assert_fresh(state: &Snapshot, inner: &Backend, clock: &HandClock, what: &str) {
    let fresh = policy(inner, clock).state(&studio(), None).await.unwrap();
    assert_eq!(picture(state, clock), picture(&fresh, clock), "{what}");
}

async fn furnish(backend: &Backend, clock: &HandClock) {
    let team = team(backend, clock);
    for (id, role) in [("ann", "admin"), ("bo", "couple"), ("cy", "guest")] {
        team.put_member(&member(id, role), Precondition::Any)
            .await
            .unwrap();
    }
    for id in ["june", "july"] {
        team.put_wedding(&wedding(id, "2026-06-20"), Precondition::Any)
            .await
            .unwrap();
    }
    put_sections(
        &store(backend),
        &[section("a", 1, &["guest"]), section("b", 1, &["guest"])],
    )
    .await;
}

#[tokio::test]
async fn a_state_is_that_of_one_entry_whenever_somebody_writes_in_between() {
    for (name, inner, _folder) in databases().await {
        let clock = HandClock::new();
        furnish(&inner, &clock).await;
        for follows in [false, true] {
            let mut at = 0;
            loop {
                at += 1;
                let hooked = Arc::new(Hooked::new(&inner));
                let backend = shared(&hooked);
                let policy = policy_with(
                    &backend,
                    &clock,
                    PolicyOptions::default().with_freshness(Duration::ZERO),
                );
                if follows {
                    policy.state(&studio(), None).await.unwrap();
                    put_sections(
                        &store(&inner),
                        &[
                            section("a", 100 + at, &["guest"]),
                            section("b", 100 + at, &["guest"]),
                        ],
                    )
                    .await;
                }
                // Two sections get the same new position in one commit, before one of the calls.
                let writer = store(&inner);
                hooked.before(
                    at,
                    Box::new(move || {
                        let writer = writer.clone();
                        async move {
                            put_sections(
                                &writer,
                                &[
                                    section("a", 200 + at, &["guest"]),
                                    section("b", 200 + at, &["guest"]),
                                ],
                            )
                            .await;
                        }
                        .boxed()
                    }),
                );
                let state = policy.state(&studio(), None).await.unwrap();
                let position = |id| state.section(id).unwrap().position().unwrap();
                let what = format!("{name}, call {at}, follows {follows}");
                assert_eq!(position("a"), position("b"), "{what}");
                let fresh = self::policy(&inner, &clock)
                    .state(&studio(), None)
                    .await
                    .unwrap();
                if state.revision() == fresh.revision() {
                    assert_eq!(picture(&state, &clock), picture(&fresh, &clock), "{what}");
                }
                if hooked.count() < at {
                    assert!(at > 3, "{what}: nothing was written in between");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn whoever_has_written_reads_it() {
    for (name, inner, _folder) in databases().await {
        let clock = HandClock::new();
        furnish(&inner, &clock).await;
        let backend: Backend = Arc::new(Hooked::new(&inner).silent());
        let policy = policy(&backend, &clock);
        let before = policy.state(&studio(), None).await.unwrap();
        let team = team(&inner, &clock);
        let written = team
            .change_role("cy", Role::Admin, Precondition::Any)
            .await
            .unwrap();

        let old = policy.state(&studio(), None).await.unwrap();
        assert_eq!(
            old.revision(),
            before.revision(),
            "{name}: without wake-ups it is not seen at once"
        );
        let new = policy
            .state(&studio(), Some(written.revision))
            .await
            .unwrap();
        assert_eq!(new.revision(), written.revision, "{name}");
        assert_eq!(new.member("cy").unwrap().role(), Ok(Role::Admin), "{name}");
        assert_eq!(
            old.member("cy").unwrap().role(),
            Ok(Role::Guest),
            "{name}: a state does not change"
        );

        let error = policy
            .state(&studio(), Some(written.revision + 1))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{name}");
    }
}

#[tokio::test]
async fn an_answer_is_never_older_than_the_freshness_asked_for() {
    let (inner, clock) = (memory(), HandClock::new());
    furnish(&inner, &clock).await;
    let backend: Backend = Arc::new(Hooked::new(&inner).silent());
    let policy = policy(&backend, &clock);
    policy.state(&studio(), None).await.unwrap();
    team(&inner, &clock)
        .remove_member("cy", Precondition::Any)
        .await
        .unwrap();
    clock.pass(999);
    assert!(
        policy
            .state(&studio(), None)
            .await
            .unwrap()
            .member("cy")
            .is_some()
    );
    clock.pass(1);
    assert!(
        policy
            .state(&studio(), None)
            .await
            .unwrap()
            .member("cy")
            .is_none()
    );
}

#[tokio::test]
async fn a_wake_up_is_seen_at_once_and_nothing_is_read_without_one() {
    let (inner, clock) = (memory(), HandClock::new());
    furnish(&inner, &clock).await;
    let hooked = Arc::new(Hooked::new(&inner));
    let backend = shared(&hooked);
    let policy = policy(&backend, &clock);
    policy.state(&studio(), None).await.unwrap();
    let calls = hooked.count();
    policy.state(&studio(), None).await.unwrap();
    assert_eq!(hooked.count(), calls);
    team(&inner, &clock)
        .remove_member("cy", Precondition::Any)
        .await
        .unwrap();
    assert!(
        policy
            .state(&studio(), None)
            .await
            .unwrap()
            .member("cy")
            .is_none()
    );
    // The end of the journal, its entries, the record, and the end again.
    assert_eq!(hooked.count(), calls + 4);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_never_an_empty_state() {
    for follows in [false, true] {
        let operations = [
            Operation::JournalHead,
            Operation::Query,
            Operation::ReadJournal,
            Operation::Get,
        ];
        for operation in operations.into_iter().filter(|&operation| {
            follows != (operation == Operation::Query)
                && (follows || operation == Operation::JournalHead || operation == Operation::Query)
        }) {
            for nth in 1..=3 {
                let (inner, clock) = (memory(), HandClock::new());
                furnish(&inner, &clock).await;
                let faults = Faults::none();
                let backend: Backend =
                    Arc::new(FaultyStorage::new(Arc::clone(&inner), faults.clone()));
                let policy = policy(&backend, &clock);
                if follows {
                    policy.state(&studio(), None).await.unwrap();
                    let team = team(&inner, &clock);
                    for id in ["ann", "bo", "cy"] {
                        team.change_role(id, Role::Vendor, Precondition::Any)
                            .await
                            .unwrap();
                    }
                }
                let rule = FaultRule::new(operation, FaultKind::Error(ErrorKind::Timeout)).nth(nth);
                faults.add_rule(rule);
                let result = policy.state(&studio(), None).await;
                if faults.injected().is_empty() {
                    continue;
                }
                assert_eq!(
                    result.unwrap_err().kind(),
                    ErrorKind::Timeout,
                    "{operation:?} {nth}"
                );
                let state = policy.state(&studio(), None).await.unwrap();
                let what = format!("{operation:?} {nth}");
                assert_fresh(&state, &inner, &clock, &what).await;
            }
        }
    }
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_reading_also_when_its_first_is_dropped() {
    let (inner, clock) = (memory(), HandClock::new());
    furnish(&inner, &clock).await;
    let alone = Arc::new(Hooked::new(&inner));
    let backend = shared(&alone);
    policy(&backend, &clock)
        .state(&studio(), None)
        .await
        .unwrap();

    let hooked = Arc::new(Hooked::new(&inner));
    let backend = shared(&hooked);
    let policy = policy(&backend, &clock);
    let here = studio();
    let mut first = Box::pin(policy.state(&here, None));
    assert!(
        (&mut first).now_or_never().is_none(),
        "it waits for the database"
    );
    let mut others: Vec<_> = (0..50)
        .map(|_| Box::pin(policy.state(&here, None)))
        .collect();
    assert!((&mut others[0]).now_or_never().is_none());
    drop(first);
    for state in join_all(others).await {
        assert_eq!(state.unwrap().members().len(), 3);
    }
    assert_eq!(hooked.count(), alone.count());
}

#[tokio::test]
async fn no_more_organizations_are_kept_than_allowed() {
    let (inner, clock) = (memory(), HandClock::new());
    let hooked = Arc::new(Hooked::new(&inner));
    let backend = shared(&hooked);
    let policy = policy_with(
        &backend,
        &clock,
        PolicyOptions::default().with_organizations(2),
    );
    let read = async |name: &str| {
        let before = hooked.count();
        policy.state(&name.parse().unwrap(), None).await.unwrap();
        hooked.count() > before
    };
    assert!(read("a").await && read("b").await);
    assert!(!read("a").await);
    // `b` was asked for least recently.
    assert!(read("c").await);
    assert!(!read("a").await);
    assert!(read("b").await);
    assert!(read("c").await);
}

#[tokio::test]
async fn a_database_put_back_to_an_older_day_is_read_anew() {
    let (one, other, clock) = (memory(), memory(), HandClock::new());
    furnish(&one, &clock).await;
    let wired = Arc::new(Wired::new(&one));
    let backend = shared(&wired);
    let policy = policy_with(
        &backend,
        &clock,
        PolicyOptions::default().with_freshness(Duration::ZERO),
    );
    assert_eq!(
        policy.state(&studio(), None).await.unwrap().members().len(),
        3
    );
    // Shorter, then as long but with another past.
    team(&other, &clock)
        .put_member(&member("zoe", "admin"), Precondition::Any)
        .await
        .unwrap();
    wired.swap(&other);
    let state = policy.state(&studio(), None).await.unwrap();
    assert_eq!((state.members().len(), state.revision()), (1, 1));
    let third = memory();
    team(&third, &clock)
        .put_member(&member("yan", "admin"), Precondition::Any)
        .await
        .unwrap();
    team(&third, &clock)
        .put_member(&member("yan", "guest"), Precondition::Any)
        .await
        .unwrap();
    wired.swap(&third);
    let state = policy.state(&studio(), None).await.unwrap();
    assert!(state.member("zoe").is_none() && state.member("yan").is_some());
}

#[tokio::test]
async fn a_record_that_is_no_object_or_names_another_id_gives_nothing_away() {
    let (inner, clock) = (memory(), HandClock::new());
    furnish(&inner, &clock).await;
    let store = store(&inner);
    let mut batch = Batch::new(Timestamp::from_millis(0));
    let mut put = |id: &str, value: Value| {
        batch
            .put(&garland::team::TEAM_MEMBERS, id.parse().unwrap(), &value)
            .unwrap();
    };
    put("list", json!(["admin"]));
    put(
        "mask",
        json!({"id": "ann", "organizationId": "studio", "role": "guest"}),
    );
    store.commit(batch).await.unwrap();
    let state = policy(&inner, &clock).state(&studio(), None).await.unwrap();
    assert!(state.member("list").is_none());
    assert_eq!(state.member("ann").unwrap().role(), Ok(Role::Admin));
    assert_eq!(state.member("mask").unwrap().role(), Ok(Role::Guest));
}

#[tokio::test]
async fn following_ends_where_reading_anew_begins_whatever_was_written() {
    let (inner, clock) = (memory(), HandClock::new());
    furnish(&inner, &clock).await;
    let follower: StoredPolicy = policy(&inner, &clock);
    let (team, store) = (team(&inner, &clock), store(&inner));
    let seed = 0x5eed_u64;
    println!("seed {seed:#x}");
    let chance = garland::Chance::seeded(seed);
    let roles = ["admin", "couple", "guest", "vendor"];
    for step in 0..300 {
        let word = chance.word();
        let id = ["ann", "bo", "cy", "di"][(word >> 8) as usize % 4];
        let role = roles[(word >> 16) as usize % 4];
        let any = Precondition::Any;
        match word % 6 {
            0 => drop(team.put_member(&member(id, role), any).await.unwrap()),
            1 => drop(team.remove_member(id, any).await),
            2 => drop(
                team.put_wedding(&wedding(id, "2026-06-21"), any)
                    .await
                    .unwrap(),
            ),
            3 => drop(team.remove_wedding(id, any).await),
            4 => put_sections(&store, &[section(id, word >> 50, &[role])]).await,
            _ => {
                let followed = follower.state(&studio(), None).await.unwrap();
                assert_fresh(&followed, &inner, &clock, &format!("step {step}")).await;
            }
        }
    }
}

#[tokio::test]
async fn a_reading_left_alone_does_not_lose_the_wake_up_that_began_it() {
    let (inner, clock) = (memory(), HandClock::new());
    furnish(&inner, &clock).await;
    let backend = shared(&Arc::new(Hooked::new(&inner)));
    let (policy, here) = (policy(&backend, &clock), studio());
    policy.state(&here, None).await.unwrap();
    team(&inner, &clock)
        .remove_member("cy", Precondition::Any)
        .await
        .unwrap();
    let mut left = Box::pin(policy.state(&here, None));
    assert!((&mut left).now_or_never().is_none());
    drop(left);
    let state = policy.state(&here, None).await.unwrap();
    assert!(state.member("cy").is_none());

    // One that comes while a reading is under way is not answered by it.
    let mut under_way = Box::pin(policy.state(&here, Some(state.revision() + 1)));
    assert!((&mut under_way).now_or_never().is_none());
    team(&inner, &clock)
        .remove_member("bo", Precondition::Any)
        .await
        .unwrap();
    let state = policy.state(&here, None).await.unwrap();
    assert!(state.member("bo").is_none());
    under_way.await.unwrap();
}

#[tokio::test]
async fn the_failure_of_a_reading_that_began_earlier_is_not_that_of_who_comes_later() {
    let (inner, clock) = (memory(), HandClock::new());
    furnish(&inner, &clock).await;
    let faults = Faults::none();
    let shaky: Backend = Arc::new(FaultyStorage::new(Arc::clone(&inner), faults.clone()));
    let backend = shared(&Arc::new(Hooked::new(&shaky)));
    let (policy, here) = (policy(&backend, &clock), studio());
    let fault = FaultKind::Error(ErrorKind::Timeout);
    faults.add_rule(FaultRule::new(Operation::Query, fault).nth(1));
    let mut first = Box::pin(policy.state(&here, None));
    assert!((&mut first).now_or_never().is_none());
    let (first, later) = tokio::join!(first, policy.state(&here, None));
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(later.unwrap().members().len(), 3);
}

#[tokio::test]
async fn the_newest_organization_is_not_the_first_to_be_forgotten() {
    let (inner, clock) = (memory(), HandClock::new());
    let hooked = Arc::new(Hooked::new(&inner));
    let options = PolicyOptions::default().with_organizations(2);
    let policy = policy_with(&shared(&hooked), &clock, options);
    let read = async |name: &str| {
        let before = hooked.count();
        policy.state(&name.parse().unwrap(), None).await.unwrap();
        hooked.count() > before
    };
    assert!(read("a").await);
    assert!(!read("a").await);
    assert!(read("b").await && read("c").await);
    assert!(!read("b").await);
}

#[tokio::test]
async fn far_behind_everything_is_read_anew() {
    let (inner, clock) = (memory(), HandClock::new());
    furnish(&inner, &clock).await;
    let hooked = Arc::new(Hooked::new(&inner).silent());
    let policy = policy(&shared(&hooked), &clock);
    policy.state(&studio(), None).await.unwrap();
    let store = store(&inner);
    let event = journal::Event::new(SECTION_CHANGED).about(Resource::new("section", "a"));
    for _ in 0..=200 {
        let mut batch = Batch::new(clock.now());
        for _ in 0..100 {
            batch.append(JournalName::main(), &event).unwrap();
        }
        store.commit(batch).await.unwrap();
    }
    clock.pass(60_000);
    let before = hooked.count();
    let state = policy.state(&studio(), None).await.unwrap();
    assert!(state.revision() > 20_000);
    // The end twice, each collection, and the end again: not twenty pages of entries.
    assert_eq!(hooked.count() - before, 7);
}

#[tokio::test]
async fn a_reading_that_panics_is_an_error_and_whoever_asks_next_reads_anew() {
    let (inner, clock) = (memory(), HandClock::new());
    furnish(&inner, &clock).await;
    let here = studio();
    let hooked = Arc::new(Hooked::new(&inner));
    let panics = |call| hooked.before(call, Box::new(|| async { panic!("as told") }.boxed()));
    // The end of the journal, four collections, and the end again.
    for call in 1..=6 {
        let policy = policy(&shared(&hooked), &clock);
        panics(call);
        let (first, later) = tokio::join!(policy.state(&here, None), policy.state(&here, None));
        let error = first.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "call {call}: {error}");
        assert_eq!(later.unwrap().members().len(), 3);
    }
    // The same on the way from one state to the next.
    let policy = policy(&shared(&hooked), &clock);
    policy.state(&here, None).await.unwrap();
    team(&inner, &clock)
        .put_member(&member("new", "guest"), Precondition::Absent)
        .await
        .unwrap();
    for call in 1..=4 {
        panics(call);
        let error = policy.state(&here, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "call {call}: {error}");
    }
    let state = policy.state(&here, None).await.unwrap();
    assert!(state.member("new").is_some());
}
