//! An erasure that dies at any step is finished by the next call.

use std::sync::Arc;

use garland::ErrorKind;
use garland::backends::Memory;
use garland::privacy::HoldScope;
use garland::storage::StorageBackend;
use garland::testing::{Faults, FaultyStorage, Moment};

use crate::world::{Pictures, Studio, anna, id, staff};

#[tokio::test(start_paused = true)]
async fn g2_an_erasure_that_crashes_at_any_step_is_finished_by_the_next_call() {
    let mut crashes = 0;
    for moment in [Moment::Before, Moment::After] {
        for step in 1.. {
            let database: Arc<dyn StorageBackend> = Arc::new(Memory::new());
            let pictures: Arc<Pictures> = Arc::default();
            let studio = Studio::over(Arc::clone(&database), Arc::clone(&pictures));
            studio.furnish().await;
            let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
            let faults = Faults::crash_at(step, moment);
            let shaky = FaultyStorage::new(database, faults.clone());
            let dying = Studio::over(Arc::new(shaky), pictures);
            let first = dying.privacy.erase(&plan, &staff()).await;
            if !faults.is_crashed() {
                assert!(first.is_ok());
                break;
            }
            crashes += 1;
            assert!(first.is_err(), "step {step}");
            let done = studio.privacy.erasures(&anna()).await.unwrap();
            let is_over = done.iter().any(|erasure| erasure.value.ended.is_some());
            let proof = studio.privacy.erase(&plan, &staff()).await.unwrap();
            let remains = studio.privacy.verify_erasure(&anna()).await.unwrap();
            assert!(remains.is_clean(), "step {step}: {remains:?}");
            assert_eq!(studio.names("guests").await, ["u-ben"]);
            assert_eq!(studio.keys().await, 1);
            // One erasure, counted right, however often it was begun.
            let all = studio.privacy.erasures(&anna()).await.unwrap();
            assert_eq!(all.len(), 1 + usize::from(is_over), "step {step}");
            if !is_over {
                let places = &proof.record.places;
                assert_eq!(places["messages"].deleted, 3, "step {step}");
                assert_eq!(places["audit_side_records"].deleted, 1, "step {step}");
                assert_eq!(places["invoices"].kept, 1, "step {step}");
                let (kinds, _) = studio.told().await;
                let begun = kinds.iter().filter(|kind| *kind == "privacy.erasure_begun");
                assert_eq!(begun.count(), 1, "step {step}");
            }
        }
    }
    assert!(crashes > 60, "{crashes} crashes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_of_many_calls_at_once_one_erases_and_the_others_say_so() {
    for _ in 0..20 {
        let database: Arc<dyn StorageBackend> = Arc::new(Memory::new());
        let pictures: Arc<Pictures> = Arc::default();
        let studio = Studio::live(Arc::clone(&database), Arc::clone(&pictures));
        studio.furnish().await;
        let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (privacy, plan) = (studio.privacy.clone(), plan.clone());
                tokio::spawn(async move { privacy.erase(&plan, &staff()).await })
            })
            .collect();
        let mut finished = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => finished += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Locked, "{error:?}"),
            }
        }
        assert!(finished >= 1);
        let remains = studio.privacy.verify_erasure(&anna()).await.unwrap();
        assert!(remains.is_clean(), "{remains:?}");
        let all = studio.privacy.erasures(&anna()).await.unwrap();
        let deleted = all
            .iter()
            .filter_map(|one| one.value.places.get("messages"));
        assert_eq!(deleted.map(|places| places.deleted).sum::<u64>(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_after_a_hold_is_placed_nothing_more_goes() {
    for _ in 0..20 {
        let studio = Studio::live(Arc::new(Memory::new()), Arc::default());
        studio.furnish().await;
        let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
        let privacy = studio.privacy.clone();
        let erasing = tokio::spawn(async move { privacy.erase(&plan, &staff()).await });
        studio
            .hold(1, HoldScope::Subject(id("u-anna")))
            .await
            .unwrap();
        let places = ["guests", "messages", "notes", "audit_side_records"];
        let mut then = Vec::new();
        for place in places {
            then.push(studio.names(place).await);
        }
        let erased = erasing.await.unwrap();
        let mut after = Vec::new();
        for place in places {
            after.push(studio.names(place).await);
        }
        match erased {
            Ok(proof) => assert!(proof.record.ended.is_some()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}"),
        }
        assert_eq!(after, then, "nothing went after the hold was there");
    }
}
