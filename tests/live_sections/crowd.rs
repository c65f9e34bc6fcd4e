//! Many who watch, and much that happens.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use garland::section::{Update, WatchRequest};
use garland::storage::StorageBackend;
use garland::{Clock, OrganizationId};
use serde_json::json;

use super::wired::Wired;
use super::world::{World, member, next, nothing, section, studio, watch};

fn reads(wired: &Wired) -> u64 {
    let reads = wired.reads.lock().unwrap();
    reads.get(&studio()).copied().unwrap_or_default()
}

async fn furnish(world: &World, organization: &str) {
    let organization: OrganizationId = organization.parse().unwrap();
    let desk = world.desk_of(organization.clone());
    let mut bo = member("bo", "guest");
    bo["organizationId"] = json!(organization.as_str());
    desk.member(bo).await;
}

fn positioned(organization: &str, id: &str, position: u64) -> serde_json::Value {
    let mut record = section(id, "timeline", &["guest"]);
    record["organizationId"] = json!(organization);
    record["layout"] = json!({"position": position});
    record
}

#[tokio::test(start_paused = true)]
async fn any_number_of_subscribers_cost_the_database_as_much_as_one() {
    let mut calls = Vec::new();
    for subscribers in [1, 500] {
        let world = World::new();
        furnish(&world, "studio").await;
        let wired = Arc::new(Wired::new(&world.inner));
        let backend = Arc::clone(&wired) as Arc<dyn StorageBackend>;
        let world = world.through(backend);
        let live = world.live();
        let mut all = Vec::new();
        for _ in 0..subscribers {
            all.push(live.subscribe(watch("bo")).await.unwrap());
        }
        for one in &mut all {
            let _ = next(one).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = wired.calls.load(Ordering::SeqCst);
        world.desk().section(positioned("studio", "t", 1)).await;
        for one in &mut all {
            assert!(matches!(next(one).await, Update::Difference(_)));
        }
        calls.push(wired.calls.load(Ordering::SeqCst) - before);
        assert_eq!(live.followed(), 1);
        drop(all);
        assert_eq!(live.followed(), 0);
        // Nobody watches, so nobody looks.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = wired.calls.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(wired.calls.load(Ordering::SeqCst), before);
    }
    assert_eq!(calls[0], calls[1], "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_storm_in_one_organization_does_not_keep_another_waiting() {
    let world = World::new();
    furnish(&world, "studio").await;
    furnish(&world, "stormy").await;
    let live = world.live();
    let mut calm = live.subscribe(watch("bo")).await.unwrap();
    let stormy: OrganizationId = "stormy".parse().unwrap();
    let mut wet = live
        .subscribe(WatchRequest::new(stormy.clone(), "bo"))
        .await
        .unwrap();
    let _ = (next(&mut calm).await, next(&mut wet).await);

    let storm = world.desk_of(stormy);
    let storm = tokio::spawn(async move {
        for at in 0..10_000 {
            let id = format!("s{}", at % 50);
            storm.section(positioned("stormy", &id, at % 60_000)).await;
            if at % 5 == 4 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    let wet = tokio::spawn(async move {
        let mut told = 0_u64;
        while tokio::time::timeout(Duration::from_secs(60), wet.next())
            .await
            .is_ok()
        {
            told += 1;
        }
        told
    });
    let desk = world.desk();
    for position in 1..=100 {
        desk.section(positioned("studio", "t", position)).await;
        let written = world.clock.now();
        let Update::Difference(told) = next(&mut calm).await else {
            panic!("a difference comes")
        };
        let late = world.clock.now().saturating_since(written);
        assert!(late <= Duration::from_millis(11), "{late:?}");
        assert_eq!(told.shown[0].section.position, u16::try_from(position).ok());
    }
    assert!(!storm.is_finished(), "it was still going on");
    storm.await.unwrap();
    let told = wet.await.unwrap();
    println!("10,000 changes were told in {told} differences");
    assert!((2..=1_000).contains(&told), "{told}");
    nothing(&mut calm, Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_changes_in_one_organization_read_nothing_of_another() {
    let world = World::new();
    furnish(&world, "studio").await;
    let wired = Arc::new(Wired::new(&world.inner));
    let backend = Arc::clone(&wired) as Arc<dyn StorageBackend>;
    let world = world.through(backend);
    let (live, policy) = (world.live(), world.policy());
    let mut calm = live.subscribe(watch("bo")).await.unwrap();
    let _ = next(&mut calm).await;
    let state = policy.state(&studio(), None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = reads(&wired);

    // Nobody has a turn in between, so every wake-up waits until the last of them.
    let storm = world.desk_of("stormy".parse().unwrap());
    for at in 0..10_000 {
        storm.section(positioned("stormy", "t", at)).await;
    }
    nothing(&mut calm, Duration::from_millis(500)).await;
    let again = policy.state(&studio(), None).await.unwrap();
    assert_eq!(again.revision(), state.revision());
    assert_eq!(reads(&wired), before);

    // The calm one is heard at once, by both, and read once.
    world.desk().section(positioned("studio", "t", 7)).await;
    let written = world.clock.now();
    assert!(matches!(next(&mut calm).await, Update::Difference(_)));
    assert_eq!(world.clock.now(), written);
    let after = policy.state(&studio(), None).await.unwrap();
    assert_eq!(after.revision(), state.revision() + 1);
    // Twice the end of the journal, and between them one page of it and one record: once for each of the two.
    assert_eq!(reads(&wired) - before, 8);
}
