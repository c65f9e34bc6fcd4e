//! What is old enough goes, exactly as planned; a hold wins.

use std::sync::Arc;
use std::time::Duration;

use garland::ErrorKind;
use garland::backends::Memory;
use garland::privacy::{HoldScope, RetentionPlan, RetentionRule};
use garland::storage::{Collection, StorageBackend};
use garland::testing::{Faults, FaultyStorage, Moment};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{GUESTS, MESSAGES, NOTES, NOW, Studio, id, refused, staff};

const DAY: u64 = 86_400;
const UPLOADS: Collection<Value> = Collection::new("uploads");

fn rule() -> RetentionRule {
    RetentionRule::new(NOTES.name().clone(), Duration::from_secs(30 * DAY))
}

async fn note(studio: &Studio, name: &str, days: i64) {
    let at = NOW.as_millis() - days * 86_400_000;
    studio.put(&NOTES, name, &json!({"at": at}), vec![]).await;
}

/// A plan as it is read from a file: these records, in their first version.
fn written(items: &[(&str, &str)]) -> RetentionPlan {
    let items: Vec<_> = items
        .iter()
        .map(|(collection, id)| json!({"collection": collection, "id": id, "version": 1, "since": 0}))
        .collect();
    let plan = json!({"at": 0, "items": items, "held": {}, "undated": {}, "is_cut": false});
    serde_json::from_value(plan).unwrap()
}

fn named(plan: &RetentionPlan) -> Vec<&str> {
    plan.items.iter().map(|item| item.id.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn g3_a_plan_names_what_is_old_enough_to_the_millisecond() {
    let studio = Studio::new();
    note(&studio, "old/1", 31).await;
    note(&studio, "exact/1", 30).await;
    note(&studio, "young/1", 29).await;
    let at = NOW.as_millis() - 30 * 86_400_000 + 1;
    studio
        .put(&NOTES, "almost/1", &json!({"at": at}), vec![])
        .await;
    studio.put(&NOTES, "undated/1", &json!({}), vec![]).await;
    let plan = studio.privacy.plan_retention(&[rule()]).await.unwrap();
    assert_eq!(named(&plan), ["exact/1", "old/1"]);
    assert_eq!(
        plan.to_string(),
        "notes: 2 to delete, 0 held, 1 undated\n2 records"
    );
    assert_eq!(studio.names("notes").await.len(), 5, "a dry run");
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<RetentionPlan>(&text).unwrap(), plan);
}

#[tokio::test(start_paused = true)]
async fn g3_exactly_what_was_planned_goes() {
    let studio = Studio::new();
    for number in 0..250 {
        note(&studio, &format!("old/{number:03}"), 31).await;
    }
    let plan = studio.privacy.plan_retention(&[rule()]).await.unwrap();
    assert_eq!(plan.items.len(), 250);
    // One changes, one goes, one comes that is as old.
    note(&studio, "old/007", 1).await;
    let mut batch = garland::storage::Batch::new(NOW);
    let gone = "old/100".parse().unwrap();
    batch.delete(&NOTES, gone, garland::storage::Precondition::Any);
    studio.store.commit(batch).await.unwrap();
    note(&studio, "old/new", 99).await;
    let report = studio
        .privacy
        .apply_retention(&plan, &staff())
        .await
        .unwrap();
    assert_eq!((report.deleted, report.changed, report.gone), (248, 1, 1));
    assert_eq!(studio.names("notes").await, ["old/007", "old/new"]);
    let (kinds, text) = studio.told().await;
    assert_eq!(kinds, ["privacy.retention_applied"; 3]);
    for told in ["89}", "89}", "70}"] {
        assert!(text.contains(&format!("\"deleted\":{told}")), "{text}");
    }
    assert!(!text.contains("old/"), "{text}");
    // The same plan again finds nothing to do.
    let again = studio
        .privacy
        .apply_retention(&plan, &staff())
        .await
        .unwrap();
    assert_eq!((again.deleted, again.changed, again.gone), (0, 1, 249));
}

#[tokio::test(start_paused = true)]
async fn g3_a_hold_wins_before_and_after_the_plan() {
    let studio = Studio::new();
    for name in ["u-anna/1", "u-anna/2", "u-ben/1", "u-eve/1"] {
        note(&studio, name, 31).await;
    }
    let scope = HoldScope::Subject(id("u-anna"));
    studio.hold(1, scope).await.unwrap();
    let plan = studio.privacy.plan_retention(&[rule()]).await.unwrap();
    assert_eq!(named(&plan), ["u-ben/1", "u-eve/1"]);
    assert_eq!(plan.held.values().sum::<u64>(), 2);
    let scope = HoldScope::Record {
        collection: NOTES.name().clone(),
        id: "u-ben/1".parse().unwrap(),
    };
    studio.hold(2, scope).await.unwrap();
    let report = studio
        .privacy
        .apply_retention(&plan, &staff())
        .await
        .unwrap();
    assert_eq!((report.deleted, report.held), (1, 1));
    let left = ["u-anna/1", "u-anna/2", "u-ben/1"];
    assert_eq!(studio.names("notes").await, left);
    let scope = HoldScope::Collection(NOTES.name().clone());
    studio.hold(3, scope).await.unwrap();
    let plan = studio.privacy.plan_retention(&[rule()]).await.unwrap();
    assert!(plan.items.is_empty());
}

#[tokio::test(start_paused = true)]
async fn g3_records_that_are_the_only_way_to_something_do_not_go_by_their_age() {
    let studio = Studio::new();
    studio.furnish().await;
    let upload = json!({"by": {"user": "u-anna"}, "touched": 1});
    studio.put(&UPLOADS, "x1", &upload, vec![]).await;
    for name in ["uploads", "audit_subjects", "audit_side_records"] {
        let before = studio.names(name).await;
        assert!(!before.is_empty(), "{name}");
        let rule = RetentionRule::new(name.parse().unwrap(), Duration::ZERO);
        let planned = studio.privacy.plan_retention(&[rule]).await;
        refused(planned, ErrorKind::InvalidInput);
        // Nor by a plan that somebody else wrote, whatever else stands in it.
        let plan = written(&[
            ("guests", "u-ben"),
            (name, before.first().unwrap().as_str()),
        ]);
        let applied = studio.privacy.apply_retention(&plan, &staff()).await;
        refused(applied, ErrorKind::InvalidInput);
        assert_eq!(studio.names(name).await, before);
        assert_eq!(studio.names("guests").await, ["u-anna", "u-ben"]);
    }
}

#[tokio::test(start_paused = true)]
async fn g3_what_is_named_twice_is_refused_or_deleted_once() {
    let studio = Studio::new();
    note(&studio, "old/1", 31).await;
    let mut shorter = rule();
    shorter.keep = Duration::ZERO;
    let planned = studio.privacy.plan_retention(&[rule(), shorter]).await;
    refused(planned, ErrorKind::InvalidInput);
    let mut plan = studio.privacy.plan_retention(&[rule()]).await.unwrap();
    plan.items.extend(plan.items.clone());
    let report = studio
        .privacy
        .apply_retention(&plan, &staff())
        .await
        .unwrap();
    assert_eq!(report.deleted, 1);
    assert!(studio.names("notes").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rule_for_what_is_not_covered_or_has_no_time_is_refused() {
    let studio = Studio::new();
    for name in ["nowhere", MESSAGES.name().as_str()] {
        let rule = RetentionRule::new(name.parse().unwrap(), Duration::ZERO);
        let planned = studio.privacy.plan_retention(&[rule]).await;
        refused(planned, ErrorKind::InvalidInput);
    }
}

#[tokio::test(start_paused = true)]
async fn g3_after_a_crash_at_any_step_the_same_plan_is_finished() {
    let mut crashes = 0;
    for moment in [Moment::Before, Moment::After] {
        for step in 1.. {
            let database: Arc<dyn StorageBackend> = Arc::new(Memory::new());
            let studio = Studio::over(Arc::clone(&database), Arc::default());
            for number in 0..100 {
                note(&studio, &format!("old/{number:03}"), 31).await;
            }
            note(&studio, "young/1", 1).await;
            let plan = studio.privacy.plan_retention(&[rule()]).await.unwrap();
            let faults = Faults::crash_at(step, moment);
            let shaky = FaultyStorage::new(database, faults.clone());
            let dying = Studio::over(Arc::new(shaky), Arc::default());
            let first = dying.privacy.apply_retention(&plan, &staff()).await;
            let crashed = faults.is_crashed();
            assert_eq!(first.is_err(), crashed, "step {step}");
            crashes += u32::from(crashed);
            let again = studio
                .privacy
                .apply_retention(&plan, &staff())
                .await
                .unwrap();
            assert_eq!(again.deleted + again.gone, 100, "step {step}");
            assert_eq!(studio.names("notes").await, ["young/1"], "step {step}");
            if !crashed {
                break;
            }
        }
    }
    assert_eq!(crashes, 2 * 2 * 3, "mark, holds and commit of two batches");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn g3_nothing_young_and_nothing_held_ever_goes(
        ages in proptest::collection::vec((0_i64..60, 0_u8..4), 1..40),
        held in 0_u8..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let studio = Studio::new();
            let mut stay = Vec::new();
            for (at, (days, person)) in ages.iter().enumerate() {
                let name = format!("p{person}/{at:02}");
                note(&studio, &name, *days).await;
                if *days < 30 || *person == held {
                    stay.push(name);
                }
            }
            stay.sort();
            let scope = HoldScope::Subject(id(&format!("p{held}")));
            let hold = "case".parse().unwrap();
            studio.privacy.place_hold(hold, scope, "x", &staff()).await.unwrap();
            let plan = studio.privacy.plan_retention(&[rule()]).await.unwrap();
            studio.privacy.apply_retention(&plan, &staff()).await.unwrap();
            assert_eq!(studio.names("notes").await, stay);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_guest_list_is_kept_by_its_own_rule() {
    let studio = Studio::new();
    studio.furnish().await;
    let rules = [
        RetentionRule::new(GUESTS.name().clone(), Duration::ZERO),
        rule(),
    ];
    let plan = studio.privacy.plan_retention(&rules).await.unwrap();
    assert_eq!(named(&plan), ["u-anna", "u-ben", "u-anna/1", "u-ben/1"]);
}
