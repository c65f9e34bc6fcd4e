//! What people arrange for themselves, while others change or remove the section.

use std::sync::Arc;

use futures_util::{FutureExt as _, TryStreamExt as _};
use garland::ErrorKind;
use garland::section::{SECTION_ARRANGEMENTS_REMOVED, SECTION_OVERLAYS, SectionService};
use garland::storage::{Precondition, Query, Version};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Operation};
use serde_json::{Value, json};

use crate::world::{
    Backend, HandClock, Hooked, journal, member, memory, section, sections, shared, store, team,
    user,
};

const ANY: Precondition = Precondition::Any;
const ONE: Version = Version::new(1);

fn third() -> Value {
    json!({"layout": {"position": 3}})
}

/// A section that Ann sees; the host's service, and hers through a database with a hook.
async fn furnish() -> (Backend, Arc<Hooked>, SectionService, SectionService) {
    let (inner, clock) = (memory(), HandClock::new());
    let team = team(&inner, &clock);
    let ann = member("ann", "couple");
    team.put_member(&ann, ANY).await.unwrap();
    let host = sections(&inner, &clock);
    let budget = section("b", "budget", &["couple"]);
    host.create(&budget).await.unwrap();
    let hooked = Arc::new(Hooked::new(&inner));
    let slow = sections(&shared(&hooked), &clock);
    (inner, hooked, host, slow)
}

async fn arrangements(backend: &Backend) -> usize {
    let query = Query::all(SECTION_OVERLAYS.name().clone());
    let found = store(backend).all(&SECTION_OVERLAYS, query);
    found.try_collect::<Vec<_>>().await.unwrap().len()
}

#[tokio::test]
async fn a_section_that_is_removed_meanwhile_leaves_no_arrangement() {
    for call in 1.. {
        let (inner, hooked, host, slow) = furnish().await;
        let removed = Box::new(move || {
            let host = host.clone();
            async move { host.remove("b", ONE).await.map(drop).unwrap() }.boxed()
        });
        hooked.before(call, removed);
        let ann = slow.acting_as(user("ann"));
        let outcome = ann.personalize("b", None, &third(), ANY).await;
        if hooked.count() < call {
            assert!(call > 3, "nothing came in between");
            assert_eq!(arrangements(&inner).await, 1);
            return;
        }
        let kind = outcome.map_err(|error| error.kind());
        assert_eq!(kind.unwrap_err(), ErrorKind::NotFound, "call {call}");
        assert_eq!(arrangements(&inner).await, 0, "call {call}");
    }
}

#[tokio::test]
async fn whoever_arranges_a_section_while_it_is_removed_leaves_nothing() {
    let mut arranged = 0;
    for call in 1.. {
        let (inner, hooked, host, slow) = furnish().await;
        let (told, heard) = std::sync::mpsc::channel();
        let arranges = Box::new(move || {
            let (ann, told) = (host.acting_as(user("ann")), told.clone());
            async move {
                let outcome = ann.personalize("b", None, &third(), ANY).await;
                told.send(outcome.is_ok()).unwrap();
            }
            .boxed()
        });
        hooked.before(call, arranges);
        slow.remove("b", ONE).await.unwrap();
        assert_eq!(arrangements(&inner).await, 0, "call {call}");
        arranged += u64::from(heard.try_recv() == Ok(true));
        if hooked.count() < call {
            assert!(arranged > 2, "nothing came in between");
            return;
        }
    }
}

#[tokio::test]
async fn a_section_that_is_changed_meanwhile_is_arranged_all_the_same() {
    for call in 1.. {
        let (inner, hooked, host, slow) = furnish().await;
        let changed = Box::new(move || {
            let host = host.clone();
            async move {
                let title = json!({"customization": {"title": "x"}});
                host.patch("b", None, &title, ONE).await.map(drop).unwrap();
            }
            .boxed()
        });
        hooked.before(call, changed);
        let ann = slow.acting_as(user("ann"));
        let outcome = ann
            .personalize("b", None, &third(), Precondition::Absent)
            .await;
        assert_eq!(outcome.unwrap().version, ONE, "call {call}");
        assert_eq!(arrangements(&inner).await, 1, "call {call}");
        if hooked.count() < call {
            return;
        }
    }
}

/// Of a removal that fails as somebody else was quicker, nobody notices anything.
#[tokio::test]
async fn a_removal_that_comes_too_late_takes_nothing_from_anybody() {
    let mut refused = 0;
    for call in 1.. {
        let (inner, hooked, host, slow) = furnish().await;
        let ann = host.acting_as(user("ann"));
        ann.personalize("b", None, &third(), ANY).await.unwrap();
        let changes = Box::new(move || {
            let host = host.clone();
            async move {
                let title = json!({"customization": {"title": "x"}});
                // It may be gone already.
                host.patch("b", None, &title, ONE).await.map(drop).ok();
            }
            .boxed()
        });
        hooked.before(call, changes);
        let removed = slow.remove("b", ONE).await;
        let is_there = ann.read("b", None).await.is_ok();
        assert_eq!(is_there, removed.is_err(), "call {call}");
        if let Err(error) = removed {
            assert_eq!(error.kind(), ErrorKind::Conflict, "call {call}: {error}");
            refused += 1;
        }
        let left = arrangements(&inner).await;
        assert_eq!(left, usize::from(is_there), "call {call}");
        if hooked.count() < call {
            assert!(refused > 2, "nothing came in between");
            return;
        }
    }
}

/// What somebody arranges of a section that was just made is theirs, whoever still sweeps behind an earlier one.
#[tokio::test]
async fn nobody_sweeps_what_is_arranged_of_a_section_that_was_made_meanwhile() {
    for makes in [true, false] {
        let mut arranged = 0;
        for call in 1.. {
            let (inner, hooked, host, slow) = furnish().await;
            let ann = host.acting_as(user("ann"));
            if makes {
                host.remove("b", ONE).await.unwrap();
            } else {
                ann.personalize("b", None, &third(), ANY).await.unwrap();
            }
            let (told, heard) = std::sync::mpsc::channel();
            let comes = Box::new(move || {
                let (host, ann, told) = (host.clone(), ann.clone(), told.clone());
                async move {
                    let budget = section("b", "budget", &["couple"]);
                    if host.create(&budget).await.is_ok() {
                        let place = third();
                        let mine = ann.personalize("b", None, &place, Precondition::Absent);
                        told.send(mine.await.unwrap().version).unwrap();
                    }
                }
                .boxed()
            });
            hooked.before(call, comes);
            if makes {
                let made = slow.create(&section("b", "budget", &["couple"])).await;
                let kind = made.err().map(|error| error.kind());
                assert!(
                    matches!(kind, None | Some(ErrorKind::AlreadyExists)),
                    "call {call}: {kind:?}"
                );
            } else {
                slow.remove("b", ONE).await.unwrap();
                // And once more, of what is gone or has just been made.
                slow.remove("b", Version::new(7)).await.unwrap_err();
            }
            let is_arranged = heard.try_recv().is_ok();
            arranged += u64::from(is_arranged);
            let left = arrangements(&inner).await;
            assert_eq!(left, usize::from(is_arranged), "call {call}, {makes}");
            if hooked.count() < call {
                assert!(arranged > 2, "nothing came in between");
                break;
            }
        }
    }
}

/// More arrangements than go in one step: they go behind the section, and each is told to whom it was.
#[tokio::test]
async fn of_many_arrangements_none_is_left_and_everybody_is_told() {
    for fails in [false, true] {
        let (inner, clock) = (memory(), HandClock::new());
        let (team, host) = (team(&inner, &clock), sections(&inner, &clock));
        host.create(&section("b", "budget", &["couple"]))
            .await
            .unwrap();
        let users: Vec<_> = (0..200).map(|number| format!("m{number:03}")).collect();
        for id in &users {
            team.put_member(&member(id, "couple"), ANY).await.unwrap();
            let theirs = host.acting_as(user(id));
            theirs.personalize("b", None, &third(), ANY).await.unwrap();
        }
        let before = journal(&store(&inner)).await.len();
        if fails {
            let rule = FaultRule::new(Operation::Commit, FaultKind::Error(ErrorKind::Unavailable));
            let faults = Faults::none().with_rule(rule.nth(2).always());
            let shaky: Backend = Arc::new(FaultyStorage::new(Arc::clone(&inner), faults));
            let error = sections(&shaky, &clock).remove("b", ONE).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert_eq!(arrangements(&inner).await, 110);
            host.create(&section("b", "budget", &["couple"]))
                .await
                .unwrap();
        } else {
            host.remove("b", ONE).await.unwrap();
        }
        assert_eq!(arrangements(&inner).await, 0);
        let mut told = Vec::new();
        for entry in journal(&store(&inner)).await.split_off(before) {
            let event: Value = entry.event.read().unwrap();
            if event["kind"] == SECTION_ARRANGEMENTS_REMOVED.as_str() {
                let users = event["data"]["users"].as_array().unwrap();
                told.extend(users.iter().map(|user| user.as_str().unwrap().to_owned()));
            }
        }
        told.sort();
        assert_eq!(told, users);
    }
}
