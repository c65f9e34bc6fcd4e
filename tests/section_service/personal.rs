//! What people arrange for themselves, while others change or remove the section.

use std::sync::Arc;

use futures_util::{FutureExt as _, TryStreamExt as _};
use garland::ErrorKind;
use garland::section::{SECTION_OVERLAYS, SectionService};
use garland::storage::{Precondition, Query, Version};
use serde_json::{Value, json};

use crate::world::{
    Backend, HandClock, Hooked, member, memory, section, sections, shared, store, team, user,
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
