//! Changes that wait for others: composed, stored once, and answered when they are stored.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, TryStreamExt as _};
use garland::permission::TrustedHost;
use garland::section::{
    PolicyOptions, QueueOptions, SECTION_PERMISSIONS, SectionService, StoredPolicy, Ticket,
};
use garland::storage::{Precondition, Version};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Operation, PausedClock};
use garland::wedding::UtcOnly;
use garland::{Chance, Clock as _, ErrorKind, Timestamp};
use serde_json::{Value, json};

use crate::wired::Wired;
use crate::world::{
    Backend, HandClock, Hooked, NOON, Only, journal, member, memory, section, shared, store, team,
    user,
};

const ONE: Version = Version::new(1);

fn title(text: &str) -> Value {
    json!({"customization": {"title": text}})
}

async fn world(backend: &Backend) -> (SectionService, PausedClock) {
    world_with(backend, PolicyOptions::default())
}

fn world_with(backend: &Backend, options: PolicyOptions) -> (SectionService, PausedClock) {
    let clock = PausedClock::starting(Timestamp::from_millis(NOON));
    let policy = StoredPolicy::new(
        Arc::clone(backend),
        Arc::new(UtcOnly::new()),
        Arc::new(clock),
        options,
    );
    let resolver = Arc::new(TrustedHost::new());
    let service = SectionService::new(
        store(backend),
        policy,
        resolver,
        Arc::new(clock),
        Chance::seeded(3),
    );
    (service, clock)
}

async fn furnish(backend: &Backend) {
    let clock = HandClock::new();
    let team = team(backend, &clock);
    for (id, role) in [("ann", "admin"), ("bo", "coordinator"), ("gus", "guest")] {
        team.put_member(&member(id, role), Precondition::Any)
            .await
            .unwrap();
    }
    let sections = crate::world::sections(backend, &clock);
    for (id, kind) in [("b", "budget"), ("p", "photos"), ("t", "timeline")] {
        sections
            .create(&section(id, kind, &["admin", "coordinator"]))
            .await
            .unwrap();
    }
}

async fn version(service: &SectionService, id: &str) -> u64 {
    service.read(id, None).await.unwrap().version.get()
}

#[tokio::test(start_paused = true)]
async fn changes_of_one_section_within_two_seconds_are_stored_as_one() {
    let backend = memory();
    furnish(&backend).await;
    let (service, clock) = world(&backend).await;
    let queue = service.queue(QueueOptions::default());
    let begun = clock.elapsed();
    let first = queue
        .patch(user("ann"), "b", None, &title("one"), ONE)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1_900)).await;
    let color = json!({"customization": {"color": "red"}});
    let second = queue
        .patch(user("bo"), "b", None, &color, ONE)
        .await
        .unwrap();
    let other = queue
        .patch(user("bo"), "p", None, &title("p"), ONE)
        .await
        .unwrap();
    assert_eq!((queue.len(), version(&service, "b").await), (3, 1));
    let (first, second) = (
        first.accepted().await.unwrap(),
        second.accepted().await.unwrap(),
    );
    assert_eq!(
        clock.elapsed() - begun,
        Duration::from_secs(2),
        "the window is not extended"
    );
    assert_eq!(first, second);
    assert_eq!(other.accepted().await.unwrap().version.get(), 2);
    let found = service.read("b", None).await.unwrap();
    assert_eq!(found.version.get(), 2);
    assert_eq!(
        found.configuration.as_map()["customization"],
        json!({"title": "one", "color": "red"})
    );
    let history: Vec<_> = service.history("b").try_collect().await.unwrap();
    let by: Vec<_> = history[1].by.iter().map(|one| one.id.as_deref()).collect();
    assert_eq!(by, [Some("ann"), Some("bo")]);
    queue.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ten_changes_are_stored_at_once_and_a_shutdown_stores_the_rest() {
    let backend = memory();
    furnish(&backend).await;
    let (service, clock) = world(&backend).await;
    let queue = service.queue(QueueOptions::default());
    let mut tickets: Vec<Ticket> = Vec::new();
    for number in 0..10 {
        let changes = title(&format!("{number}"));
        tickets.push(
            queue
                .patch(user("ann"), "b", None, &changes, ONE)
                .await
                .unwrap(),
        );
    }
    let begun = clock.elapsed();
    for ticket in tickets {
        assert_eq!(ticket.accepted().await.unwrap().version.get(), 2);
    }
    assert_eq!(clock.elapsed(), begun, "no waiting for the window");
    let last = queue
        .patch(user("ann"), "b", None, &title("last"), Version::new(2))
        .await
        .unwrap();
    queue.shutdown().await.unwrap();
    assert_eq!(clock.elapsed(), begun);
    assert_eq!(
        last.accepted()
            .now_or_never()
            .unwrap()
            .unwrap()
            .version
            .get(),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_fails_is_tried_again_until_it_is_accepted_and_stored_once() {
    for kind in [
        FaultKind::Error(ErrorKind::Unavailable),
        FaultKind::LostAnswer(ErrorKind::Timeout),
    ] {
        for operation in [Operation::Commit, Operation::Get, Operation::JournalHead] {
            for nth in 1..=3 {
                let inner = memory();
                furnish(&inner).await;
                let faults = Faults::none();
                let backend: Backend =
                    Arc::new(FaultyStorage::new(Arc::clone(&inner), faults.clone()));
                let (service, _) = world(&backend).await;
                let queue = service.queue(QueueOptions::default());
                let roles =
                    json!({"visibility": {"roles": ["guest"]}, "customization": {"title": "x"}});
                let ticket = queue
                    .patch(user("ann"), "b", None, &roles, ONE)
                    .await
                    .unwrap();
                let other = queue
                    .patch(user("ann"), "p", None, &title("y"), ONE)
                    .await
                    .unwrap();
                faults.add_rule(FaultRule::new(operation, kind).nth(nth).times(4));
                let what = format!("{kind:?} {operation:?} {nth}");
                assert_eq!(ticket.accepted().await.unwrap().version.get(), 2, "{what}");
                assert_eq!(other.accepted().await.unwrap().version.get(), 2, "{what}");
                queue.shutdown().await.unwrap();
                faults.heal();
                let changed = journal(&store(&inner)).await;
                let changed = changed.iter().filter(|entry| {
                    entry
                        .event
                        .as_str()
                        .contains(r#""kinds":["visibility","customization"]"#)
                });
                assert_eq!(changed.count(), 1, "{what}");
                // Who saw it before and who sees it now are worked out anew.
                for id in ["ann", "bo", "gus"] {
                    let results = service.results(id, None).await.unwrap().unwrap();
                    let sees = results
                        .sections
                        .iter()
                        .any(|one| one.section_type.as_str() == "budget");
                    assert_eq!(sees, id != "bo", "{what}: {id}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_against_another_version_is_a_conflict_and_the_rest_goes_through() {
    let backend = memory();
    furnish(&backend).await;
    let (service, _) = world(&backend).await;
    let queue = service.queue(QueueOptions::default());
    let ours = queue
        .patch(user("ann"), "b", None, &title("ours"), ONE)
        .await
        .unwrap();
    let error = queue
        .patch(user("bo"), "b", None, &title("x"), Version::new(7))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error.to_string().contains("wanted `7`") && error.to_string().contains("found `1`"),
        "{error}"
    );
    let other = queue
        .patch(user("bo"), "p", None, &title("p"), ONE)
        .await
        .unwrap();
    // Meanwhile somebody changes it past the queue.
    service.patch("b", None, &title("past"), ONE).await.unwrap();
    let error = ours.accepted().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(other.accepted().await.unwrap().version.get(), 2);
    let found = service.read("b", None).await.unwrap().configuration;
    assert_eq!(found.as_map()["customization"]["title"], "past");
    queue.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_may_no_longer_edit_when_it_is_stored_is_refused_alone() {
    let backend = memory();
    furnish(&backend).await;
    let (service, _) = world(&backend).await;
    let queue = service.queue(QueueOptions::default());
    let anns = queue
        .patch(user("ann"), "b", None, &title("ann"), ONE)
        .await
        .unwrap();
    let color = json!({"customization": {"color": "red"}});
    let bos = queue
        .patch(user("bo"), "b", None, &color, ONE)
        .await
        .unwrap();
    team(&backend, &HandClock::new())
        .remove_member("bo", Precondition::Any)
        .await
        .unwrap();
    assert_eq!(anns.accepted().await.unwrap().version.get(), 2);
    assert_eq!(
        bos.accepted().await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let found = service.read("b", None).await.unwrap().configuration;
    assert_eq!(found.as_map()["customization"], json!({"title": "ann"}));
    queue.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn marks_are_worked_out_within_a_second_each_pair_once() {
    let backend = memory();
    furnish(&backend).await;
    let (service, clock) = world(&backend).await;
    let queue = service.queue(QueueOptions::default());
    let entries = journal(&store(&backend)).await.len();
    for _ in 0..2 {
        queue.mark("ann", None).await.unwrap();
        queue.mark("ann", Some("global")).await.unwrap();
    }
    assert_eq!(service.results("ann", None).await.unwrap(), None);
    let begun = clock.elapsed();
    tokio::time::sleep(Duration::from_millis(1_001)).await;
    let results = service.results("ann", None).await.unwrap().unwrap();
    assert_eq!(results.sections.len(), 3);
    assert_eq!(queue.len(), 0);
    assert!(clock.elapsed() - begun < Duration::from_millis(1_010));
    // There is no wedding of that name, so there is nothing to store of it.
    assert_eq!(service.results("ann", Some("global")).await.unwrap(), None);
    assert_eq!(journal(&store(&backend)).await.len(), entries + 1);
    queue.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_bounded_and_one_that_is_dropped_says_so() {
    let backend = memory();
    furnish(&backend).await;
    let (service, _) = world(&backend).await;
    let queue = service.queue(QueueOptions::default().with_capacity(2));
    let kept = queue
        .patch(user("ann"), "b", None, &title("x"), ONE)
        .await
        .unwrap();
    let forgotten = queue
        .patch(user("ann"), "p", None, &title("x"), ONE)
        .await
        .unwrap();
    let error = queue
        .patch(user("ann"), "t", None, &title("x"), ONE)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(error.retry_after().is_some());
    drop(queue);
    for ticket in [kept, forgotten] {
        assert_eq!(
            ticket.accepted().await.unwrap_err().kind(),
            ErrorKind::Cancelled
        );
    }
    assert_eq!(version(&service, "b").await, 1);
    // The queue asks for the actor, not for itself.
    let only = Only::these(&["section.read"]);
    let asking = crate::world::sections_asking(&backend, &HandClock::new(), Arc::new(only.clone()));
    let queue = asking.queue(QueueOptions::default());
    let error = queue
        .patch(user("ann"), "b", None, &title("x"), ONE)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(only.take(), ["user ann section.edit section b"]);
}

/// A day, after which whatever still waits waits for ever.
const DAY: Duration = Duration::from_secs(86_400);

/// A database with more behind it than its own older backup, which it can be swapped for.
async fn restorable() -> (Arc<Wired>, Backend, Backend) {
    let (inner, backup) = (memory(), memory());
    furnish(&inner).await;
    furnish(&backup).await;
    let team = team(&inner, &HandClock::new());
    for _ in 0..20 {
        let ann = member("ann", "admin");
        team.put_member(&ann, Precondition::Any).await.unwrap();
    }
    let swap = Arc::new(Wired::new(&inner));
    (Arc::clone(&swap), shared(&swap), backup)
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_is_restored_does_not_hold_the_queue() {
    let (swap, backend, backup) = restorable().await;
    let (service, _) = world(&backend).await;
    let queue = service.queue(QueueOptions::default());
    queue.mark("ann", None).await.unwrap();
    swap.swap(&backup);
    tokio::time::sleep(DAY).await;
    assert_eq!(queue.len(), 0);
    // What was marked is worked out of what there is.
    let results = service.results("ann", None).await.unwrap().unwrap();
    assert_eq!(results.sections.len(), 3);
    let head = journal(&store(&backup)).await.len() as u64;
    assert!(results.revision <= head);
    // Others pass.
    queue.mark("bo", None).await.unwrap();
    let ticket = queue
        .patch(user("ann"), "p", None, &title("p"), ONE)
        .await
        .unwrap();
    assert_eq!(ticket.accepted().await.unwrap().version.get(), 2);
    let ended = tokio::time::timeout(DAY, queue.shutdown()).await.unwrap();
    assert!(service.results("bo", None).await.unwrap().is_some());
    // It says what has happened.
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired, "{error}");
    assert!(error.to_string().contains("backup"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_is_restored_at_any_call_lets_the_queue_come_to_rest() {
    let mut reported = 0;
    for call in 1.. {
        let (swap, backend, backup) = restorable().await;
        let hooked = Arc::new(Hooked::new(&backend));
        let (service, _) = world(&shared(&hooked)).await;
        let queue = service.queue(QueueOptions::default());
        let roles = json!({"visibility": {"roles": ["guest"]}});
        let ticket = queue
            .patch(user("ann"), "b", None, &roles, ONE)
            .await
            .unwrap();
        let restored = Arc::clone(&backup);
        hooked.before(
            call,
            Box::new(move || {
                swap.swap(&restored);
                futures_util::future::ready(()).boxed()
            }),
        );
        let outcome = tokio::time::timeout(DAY, ticket.accepted()).await;
        let outcome = outcome.unwrap_or_else(|_| panic!("call {call}: no answer"));
        let ended = tokio::time::timeout(DAY, queue.shutdown()).await;
        let ended = ended.unwrap_or_else(|_| panic!("call {call}: no rest"));
        let is_over = hooked.count() < call;
        if is_over {
            assert!(call > 10 && reported > 3, "nothing came in between");
            outcome.unwrap();
            ended.unwrap();
            return;
        }
        // What was accepted and is gone with the rest is reported, if anything was still to be done with it.
        let kind = ended.err().map(|error| error.kind());
        reported += u64::from(outcome.is_ok() && kind == Some(ErrorKind::Expired));
        assert!(
            matches!(kind, None | Some(ErrorKind::Expired)),
            "call {call}: {kind:?}"
        );
    }
}

/// Results of what is marked while a flush finds that a backup was restored are not of before the mark.
#[tokio::test(start_paused = true)]
async fn a_mark_that_comes_while_a_backup_is_noticed_is_held_to_its_own_revision() {
    for call in 1.. {
        let (swap, backend, backup) = restorable().await;
        let hooked = Arc::new(Hooked::new(&backend).silent());
        // Nothing but a revision has what is known looked at again.
        let options = PolicyOptions::default().with_freshness(DAY * 2);
        let (service, _) = world_with(&shared(&hooked), options);
        let queue = Arc::new(service.queue(QueueOptions::default()));
        queue.mark("ann", None).await.unwrap();
        swap.swap(&backup);
        let (marked, changed) = (Arc::clone(&queue), Arc::clone(&backup));
        hooked.before(
            call,
            Box::new(move || {
                let (queue, team) = (Arc::clone(&marked), team(&changed, &HandClock::new()));
                async move {
                    let ann = member("ann", "guest");
                    team.put_member(&ann, Precondition::Any).await.unwrap();
                    queue.mark("ann", None).await.unwrap();
                }
                .boxed()
            }),
        );
        tokio::time::sleep(DAY).await;
        assert_eq!(queue.len(), 0, "call {call}");
        let id = json!(["ann"]).to_string().parse().unwrap();
        let stored = store(&backup).get(&SECTION_PERMISSIONS, &id).await.unwrap();
        let stored = stored.unwrap().value;
        if hooked.count() < call {
            assert!(call > 10, "nothing came in between");
            assert_eq!(stored.sections.len(), 3);
            return;
        }
        assert_eq!(stored.sections, [], "call {call}");
    }
}
