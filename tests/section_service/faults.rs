//! A crash at any call of the database leaves every change whole or not made, and everybody comes to see the same.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;
use garland::section::SectionService;
use garland::storage::{Precondition, Version};
use garland::testing::{Faults, FaultyStorage, Moment};
use garland::{Clock as _, Result, permission::Context};
use serde_json::json;

use crate::world::{
    Backend, HandClock, KEPT, dump, member, memory, policy, section, sections, store, studio, team,
    user, wedding,
};

const ANY: Precondition = Precondition::Any;

type Act = fn(SectionService) -> BoxFuture<'static, Result<()>>;

const ACTS: [(&str, Act); 7] = [
    ("create", |service| {
        Box::pin(async move {
            service
                .create(&section("n", "documents", &["couple"]))
                .await
                .map(drop)
        })
    }),
    ("patch", |service| {
        Box::pin(async move {
            let changes = json!({"visibility": {"roles": ["guest"]}});
            service
                .patch("b", None, &changes, Version::new(1))
                .await
                .map(drop)
        })
    }),
    ("remove", |service| {
        Box::pin(async move { service.remove("b", Version::new(1)).await.map(drop) })
    }),
    ("undo", |service| {
        Box::pin(async move {
            let history: Vec<_> = service.history("p").try_collect().await?;
            let Some(change) = history.get(1) else {
                return Ok(());
            };
            service
                .undo("p", None, &change.change, Version::new(2))
                .await
                .map(drop)
        })
    }),
    ("personalize", |service| {
        Box::pin(async move {
            let changes = json!({"layout": {"position": 3}});
            service
                .acting_as(user("ann"))
                .personalize("b", None, &changes, ANY)
                .await
                .map(drop)
        })
    }),
    ("copy", |service| {
        Box::pin(async move { service.copy(None, "june").await.map(drop) })
    }),
    ("recompute", |service| {
        Box::pin(async move { service.recompute(&[("ann", None), ("gus", None)]).await })
    }),
];

async fn furnish() -> (Backend, HandClock) {
    let (backend, clock) = (memory(), HandClock::new());
    let team = team(&backend, &clock);
    for (id, role) in [("ann", "couple"), ("gus", "guest")] {
        team.put_member(&member(id, role), ANY).await.unwrap();
    }
    team.put_wedding(&wedding("june", "2026-06-20"), ANY)
        .await
        .unwrap();
    let sections = sections(&backend, &clock);
    sections
        .create(&section("b", "budget", &["couple"]))
        .await
        .unwrap();
    sections
        .create(&section("p", "photos", &["couple"]))
        .await
        .unwrap();
    let title = json!({"customization": {"title": "x"}});
    sections
        .patch("p", None, &title, Version::new(1))
        .await
        .unwrap();
    (backend, clock)
}

#[tokio::test]
async fn a_crash_at_any_call_leaves_each_change_whole_or_not_made() {
    for (name, act) in ACTS {
        let (inner, clock) = furnish().await;
        let before = dump(&store(&inner), &KEPT).await;
        let faults = Faults::none();
        let backend: Backend = Arc::new(FaultyStorage::new(Arc::clone(&inner), faults.clone()));
        act(sections(&backend, &clock)).await.unwrap();
        let (after, count) = (dump(&store(&inner), &KEPT).await, faults.steps());
        assert_ne!(before, after, "{name}");
        for moment in [Moment::Before, Moment::After] {
            for step in 1..=count {
                let (inner, clock) = furnish().await;
                let follower = policy(&inner, &clock);
                follower.state(&studio(), None).await.unwrap();
                let faults = Faults::crash_at(step, moment);
                let backend: Backend =
                    Arc::new(FaultyStorage::new(Arc::clone(&inner), faults.clone()));
                let result = act(sections(&backend, &clock)).await;
                assert!(result.is_err(), "{name}, step {step}, {moment:?}");
                let found = dump(&store(&inner), &KEPT).await;
                assert!(
                    found == before || found == after,
                    "{name}, step {step}, {moment:?}:\n{found}"
                );
                // Whoever follows, sees the same as who reads anew.
                let followed = follower.state(&studio(), None).await.unwrap();
                let fresh = policy(&inner, &clock).state(&studio(), None).await.unwrap();
                assert_eq!(followed.revision(), fresh.revision());
                for id in ["ann", "gus"] {
                    let context = Context::organization(clock.now());
                    assert_eq!(
                        followed.decide_all(id, &context),
                        fresh.decide_all(id, &context)
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn who_cannot_read_what_decides_gets_nothing_and_an_error() {
    let (inner, clock) = furnish().await;
    let faults = Faults::none();
    let backend: Backend = Arc::new(FaultyStorage::new(Arc::clone(&inner), faults.clone()));
    let ann = sections(&backend, &clock).acting_as(user("ann"));
    ann.read("b", None).await.unwrap();
    let steps = {
        let from = faults.steps();
        clock.pass(1_000);
        ann.list(None).await.unwrap();
        faults.steps() - from
    };
    for step in 1..=steps {
        clock.pass(1_000);
        let faults = Faults::crash_at(step, Moment::Before);
        let backend: Backend = Arc::new(FaultyStorage::new(Arc::clone(&inner), faults.clone()));
        let ann = sections(&backend, &clock).acting_as(user("ann"));
        assert!(ann.list(None).await.is_err(), "step {step}");
        faults.heal();
        assert_eq!(ann.list(None).await.unwrap().len(), 2);
    }
}
