//! Plans made earlier, and plans that a guard refuses.

use garland::ErrorKind;
use garland::platforms::MemoryPlatform;
use garland::sync::{Limit, Plan, PlanOptions, Relation};

use crate::tools::{Desk, files, listed, plain};

fn desk(card: &MemoryPlatform, drive: &MemoryPlatform) -> Desk {
    Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone())
}

fn planned(desk: Desk, change: impl FnOnce(PlanOptions) -> PlanOptions) -> Desk {
    desk.options(|options| {
        let plan = change(options.plan.clone());
        options.with_plan(plan)
    })
}

/// Everything there is, recovery folders and all.
fn world(accounts: [&MemoryPlatform; 2]) -> [std::collections::BTreeMap<String, String>; 2] {
    accounts.map(|account| {
        let all = account.contents().into_iter();
        all.map(|(path, content)| (path.into(), crate::tools::text(&content)))
            .collect()
    })
}

#[tokio::test(start_paused = true)]
async fn a_plan_older_than_the_world_is_refused_and_a_fresh_one_is_carried_out() {
    let (card, drive) = (plain(), plain());
    card.put("a", "a").unwrap();
    drive.put("b", "b").unwrap();
    let desk = desk(&card, &drive);
    let request = desk.request().await;
    type Change = fn(&MemoryPlatform);
    let changes: [Change; 4] = [
        |card| drop(card.put("a", "A").unwrap()),
        |card| drop(card.put("late", "late").unwrap()),
        |card| {
            card.remove("late").unwrap();
        },
        |card| {
            card.remove("a").unwrap();
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let plan = request.plan().await.unwrap();
        change(&card);
        let before = world([&card, &drive]);
        let error = request.apply(&plan).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "change {number}");
        assert_eq!(world([&card, &drive]), before);
        assert_eq!(desk.agreed().await, [""; 0]);
    }
    card.put("a", "again").unwrap();
    let plan = request.plan().await.unwrap();
    let report = request.apply(&plan).await.unwrap();
    assert!(report.is_complete());
    assert_eq!(report.plan, plan);
    assert_eq!(listed(&drive), files([("a", "again"), ("b", "b")]));
    assert_eq!(listed(&card), listed(&drive));
    desk.at_rest().await;
    let error = request.apply(&plan).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "done is done");
}

#[tokio::test(start_paused = true)]
async fn a_plan_kept_as_json_is_still_the_plan() {
    let (card, drive) = (plain(), plain());
    for name in ["a", "b", "gone"] {
        card.put(name, name).unwrap();
    }
    let desk = planned(desk(&card, &drive), |plan| plan.with_track_renames(true));
    desk.settle().await;
    card.remove("gone").unwrap();
    card.put("new", "new").unwrap();
    card.put("both", "by the card").unwrap();
    drive.put("both", "by the drive").unwrap();
    let request = desk.request().await;
    let plan = request.plan().await.unwrap();
    assert!(
        plan.actions.len() >= 2 && plan.conflicts.len() == 1,
        "{plan}"
    );
    let kept: Plan = serde_json::from_str(&serde_json::to_string_pretty(&plan).unwrap()).unwrap();
    assert_eq!(kept, plan);
    let report = request.apply(&kept).await.unwrap();
    assert!(report.is_complete());
    assert_eq!(drive.get("gone"), None);
    assert_eq!(drive.get("new").unwrap(), "new");
    assert_eq!(drive.get("both").unwrap(), "by the drive");
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_another_sync_is_refused() {
    let (card, drive) = (plain(), plain());
    card.put("a", "a").unwrap();
    let plan = desk(&card, &drive).request().await.plan().await.unwrap();
    let mut other = desk(&card, &drive);
    other.relation = Relation::Mirror;
    let error = other.request().await.apply(&plan).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(listed(&drive), files([]));
}

#[tokio::test(start_paused = true)]
async fn a_plan_changes_nothing() {
    let (card, drive) = (plain(), plain());
    card.put("a", "a").unwrap();
    let desk = desk(&card, &drive);
    let before = world([&card, &drive]);
    desk.request().await.plan().await.unwrap();
    assert_eq!(world([&card, &drive]), before);
    assert_eq!(desk.agreed().await, [""; 0]);
    let journal = desk
        .store()
        .journal_head(&"main".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(journal.sequence, 0);
}

#[tokio::test(start_paused = true)]
async fn more_deletes_than_the_limit_are_refused_and_none_is_done() {
    for relation in [Relation::Peers, Relation::Mirror] {
        let (card, drive) = (plain(), plain());
        for number in 0..10 {
            card.put(&format!("{number}"), "x").unwrap();
        }
        let mut desk = desk(&card, &drive);
        desk.relation = relation;
        desk.settle().await;
        for number in 0..4 {
            card.remove(&format!("{number}")).unwrap();
        }
        card.put("new", "new").unwrap();
        let before = world([&card, &drive]);
        for limit in [Limit::count(3), Limit::percent(39)] {
            let strict = planned(desk.clone(), |plan| plan.with_delete_limit(limit));
            let error = strict.run().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert!(
                error
                    .to_string()
                    .contains("4 files would be deleted on drive"),
                "{error}"
            );
            assert_eq!(world([&card, &drive]), before);
            let plan = strict.request().await.plan().await.unwrap();
            assert_eq!(
                (plan.counts.delete, plan.refused.len()),
                (4, 1),
                "the plan can be read"
            );
            assert_eq!(
                strict
                    .request()
                    .await
                    .apply(&plan)
                    .await
                    .unwrap_err()
                    .kind(),
                ErrorKind::Refused
            );
        }
        let enough = planned(desk, |plan| plan.with_delete_limit(Limit::count(4)));
        assert_eq!(enough.settle().await.done.delete, 4);
        assert_eq!(listed(&drive), listed(&card));
    }
}

#[tokio::test(start_paused = true)]
async fn more_changes_than_the_limit_are_refused_and_none_is_done() {
    let (card, drive) = (plain(), plain());
    for number in 0..10 {
        card.put(&format!("{number}"), "picture").unwrap();
    }
    let desk = desk(&card, &drive);
    desk.settle().await;
    for number in 0..6 {
        card.put(&format!("{number}"), "locked up, pay to get it back")
            .unwrap();
    }
    let before = world([&card, &drive]);
    let strict = planned(desk.clone(), |plan| {
        plan.with_change_limit(Limit::percent(50))
    });
    let error = strict.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(
        error
            .to_string()
            .contains("6 files would be replaced on drive"),
        "{error}"
    );
    assert_eq!(world([&card, &drive]), before);
    desk.settle().await;
    assert_eq!(listed(&drive), listed(&card));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_lists_nothing_any_more_is_not_believed() {
    for relation in [Relation::Peers, Relation::Mirror, Relation::Backup] {
        let (card, drive) = (plain(), plain());
        for name in ["a", "b"] {
            card.put(name, name).unwrap();
        }
        let mut desk = desk(&card, &drive);
        desk.relation = relation;
        desk.settle().await;
        card.remove("a").unwrap();
        card.remove("b").unwrap();
        let error = desk.run().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{relation:?}");
        assert!(error.to_string().contains("card lists nothing"), "{error}");
        assert_eq!(listed(&drive), files([("a", "a"), ("b", "b")]));
        assert_eq!(desk.agreed().await, ["a", "b"]);
        planned(desk, |plan| plan.with_allow_empty(true))
            .settle()
            .await;
        let left = if relation == Relation::Backup { 2 } else { 0 };
        assert_eq!(listed(&drive).len(), left);
    }
}
