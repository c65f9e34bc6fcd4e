//! What breaks, and what is late.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use garland::ErrorKind;
use garland::section::{LiveOptions, LiveSections, PolicyOptions, StoredPolicy, Update};
use garland::storage::StorageBackend;
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Operation};
use garland::{Clock, permission::TrustedHost};
use serde_json::json;

use super::wired::Wired;
use super::world::{Client, Gate, World, member, next, nothing, section, watch};

async fn furnish(world: &World) {
    let desk = world.desk();
    desk.member(member("bo", "guest")).await;
    desk.section(section("t", "timeline", &["guest"])).await;
}

#[tokio::test(start_paused = true)]
async fn without_any_wake_up_a_change_arrives_within_the_interval() {
    // As after a crash between the commit and the wake-up, or with another process that tells nobody.
    let world = World::new().silent();
    furnish(&world).await;
    let live = world.live();
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let _ = next(&mut bo).await;
    nothing(&mut bo, Duration::from_secs(60)).await;
    let before = world.clock.now();
    world.desk().remove_section("t").await;
    let told = next(&mut bo).await;
    assert!(matches!(&told, Update::Difference(told) if told.gone.len() == 1));
    let late = world.clock.now().saturating_since(before);
    assert!(late <= Duration::from_millis(5_011), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_told_once_how_far_things_have_come() {
    let world = World::new();
    furnish(&world).await;
    let (live, desk) = (world.live(), world.desk());
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let mut client = Client::default();
    client.hear(&world, next(&mut bo).await).await;
    for at in 0..10_000 {
        let mut moved = section("t", "timeline", &["guest"]);
        moved["layout"] = json!({"position": at});
        desk.section(moved).await;
        if at % 100 == 0 {
            tokio::time::sleep(Duration::from_millis(11)).await;
        }
    }
    // The last of it has been found.
    tokio::time::sleep(Duration::from_millis(11)).await;
    client.hear(&world, next(&mut bo).await).await;
    nothing(&mut bo, Duration::from_secs(60)).await;
    assert_eq!(client.updates, 2);
    assert_eq!(Some(client.sight()), world.fresh("bo", None).await);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_for_too_long_resumes_from_its_cursor() {
    let world = World::new();
    furnish(&world).await;
    let (live, desk) = (world.live(), world.desk());
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let mut client = Client::default();
    client.hear(&world, next(&mut bo).await).await;

    // Waiting is reading, also in pieces.
    for _ in 0..10 {
        nothing(&mut bo, Duration::from_secs(200)).await;
    }
    desk.section(section("p", "photos", &["guest"])).await;
    client.hear(&world, next(&mut bo).await).await;

    tokio::time::sleep(Duration::from_secs(301)).await;
    nothing(&mut bo, Duration::from_secs(1)).await;
    desk.remove_section("t").await;
    tokio::time::sleep(Duration::from_secs(301)).await;
    let cursor = bo.cursor().unwrap();
    for _ in 0..2 {
        assert_eq!(next(&mut bo).await, Update::Resume(cursor));
    }
    let mut bo = live.subscribe(watch("bo").after(cursor)).await.unwrap();
    let told = next(&mut bo).await;
    assert!(matches!(told, Update::Difference(_)));
    client.hear(&world, told).await;
    assert_eq!(Some(client.sight()), world.fresh("bo", None).await);

    let patient = LiveOptions::default().with_stall(None);
    let live = world.live_with(patient, Arc::new(TrustedHost::new()));
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let _ = next(&mut bo).await;
    desk.remove_section("p").await;
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    assert!(matches!(next(&mut bo).await, Update::Difference(_)));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_fails_is_told_once_and_everything_arrives_after_it() {
    for operation in [
        Operation::JournalHead,
        Operation::ReadJournal,
        Operation::Get,
    ] {
        let world = World::new();
        furnish(&world).await;
        let faults = Faults::none();
        let faulty = FaultyStorage::new(Arc::clone(&world.inner), faults.clone());
        let world = world.through(Arc::new(faulty));
        let live = world.live();
        let mut bo = live.subscribe(watch("bo")).await.unwrap();
        let mut client = Client::default();
        client.hear(&world, next(&mut bo).await).await;

        let kind = FaultKind::Error(ErrorKind::Unavailable);
        faults.add_rule(FaultRule::new(operation, kind).always());
        world.desk().remove_section("t").await;
        let error = bo.next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{operation:?}");
        nothing(&mut bo, Duration::from_secs(3_600)).await;
        assert!(!faults.injected().is_empty());
        faults.heal();
        client.hear(&world, next(&mut bo).await).await;
        assert_eq!(
            Some(client.sight()),
            world.fresh("bo", None).await,
            "{operation:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_at_all_is_an_error_and_not_an_empty_view() {
    let world = World::new();
    furnish(&world).await;
    let faults = Faults::none();
    let faulty = FaultyStorage::new(Arc::clone(&world.inner), faults.clone());
    let kind = FaultKind::Error(ErrorKind::Timeout);
    faults.add_rule(FaultRule::new(Operation::Query, kind).times(1));
    let world = world.through(Arc::new(faulty));
    let live = world.live();
    let error = live.subscribe(watch("bo")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(live.followed(), 0);
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    assert!(matches!(next(&mut bo).await, Update::Snapshot(all) if all.sections.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn while_the_resolver_is_away_nothing_is_told_and_nothing_is_lost() {
    let world = World::new();
    furnish(&world).await;
    let gate = Gate::default();
    let live = world.live_with(LiveOptions::default(), Arc::new(gate.clone()));
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let _ = next(&mut bo).await;
    gate.is_lost.store(true, Ordering::SeqCst);
    world.desk().remove_section("t").await;
    for _ in 0..3 {
        let before = world.clock.now();
        assert_eq!(bo.next().await.unwrap_err().kind(), ErrorKind::Unavailable);
        println!(
            "asked after {:?}",
            world.clock.now().saturating_since(before)
        );
    }
    gate.is_lost.store(false, Ordering::SeqCst);
    assert!(matches!(next(&mut bo).await, Update::Difference(told) if told.gone.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn a_database_put_back_to_an_older_day_is_noticed() {
    let world = World::new();
    furnish(&world).await;
    let wired = Arc::new(Wired::new(&world.inner));
    let backend = Arc::clone(&wired) as Arc<dyn StorageBackend>;
    let world = world.through(backend);
    let live = world.live();
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let _ = next(&mut bo).await;
    world
        .desk()
        .section(section("p", "photos", &["guest"]))
        .await;
    let _ = next(&mut bo).await;

    let older = World::new();
    furnish(&older).await;
    wired.swap(&older.inner);
    let told = next(&mut bo).await;
    assert!(
        matches!(&told, Update::Difference(told) if told.gone.iter().any(|name| name.as_str() == "photos")),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_program_sends_everybody_to_their_cursors() {
    let world = World::new();
    furnish(&world).await;
    let live = world.live();
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let _ = next(&mut bo).await;
    let cursor = bo.cursor().unwrap();
    live.close();
    assert_eq!(next(&mut bo).await, Update::Resume(cursor));
    let error = live.subscribe(watch("bo")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    // Another process goes on.
    let other = world.live();
    let mut bo = other.subscribe(watch("bo").after(cursor)).await.unwrap();
    nothing(&mut bo, Duration::from_secs(60)).await;
    world.desk().remove_section("t").await;
    assert!(matches!(next(&mut bo).await, Update::Difference(_)));
}

#[test]
fn an_organization_whose_runtime_has_ended_is_followed_again_in_another() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    let first = runtime();
    let (world, live, _held) = first.block_on(async {
        let world = World::new();
        furnish(&world).await;
        let live = world.live();
        let mut bo = live.subscribe(watch("bo")).await.unwrap();
        let _ = next(&mut bo).await;
        (world, live, bo)
    });
    drop(first);
    // The first subscription is still held, and nobody looks for it any more.
    runtime().block_on(async {
        let mut bo = live.subscribe(watch("bo")).await.unwrap();
        let _ = next(&mut bo).await;
        world.desk().remove_section("t").await;
        assert!(matches!(next(&mut bo).await, Update::Difference(told) if told.gone.len() == 1));
    });
}

/// As another process that hears of no commit.
fn deaf(world: &World, options: LiveOptions) -> LiveSections {
    let wired = Wired::new(&world.inner);
    wired.is_silent.store(true, Ordering::SeqCst);
    let (zones, clock) = (Arc::clone(&world.zones), Arc::clone(&world.clock));
    let policy = PolicyOptions::default();
    let policy = StoredPolicy::new(Arc::new(wired), zones, Arc::clone(&clock) as _, policy);
    LiveSections::new(policy, Arc::new(TrustedHost::new()), clock, options)
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_not_as_far_as_a_cursor_takes_nothing_back() {
    let world = World::new();
    furnish(&world).await;
    let (quick, slow) = (world.live(), deaf(&world, LiveOptions::default()));
    let mut keeps = slow.subscribe(watch("bo")).await.unwrap();
    let _ = next(&mut keeps).await;
    nothing(&mut keeps, Duration::from_secs(1)).await;
    let mut bo = quick.subscribe(watch("bo")).await.unwrap();
    let mut client = Client::default();
    client.hear(&world, next(&mut bo).await).await;
    let photos = section("p", "photos", &["guest"]);
    world.desk().section(photos).await;
    client.hear(&world, next(&mut bo).await).await;

    let after = watch("bo").after(bo.cursor().unwrap());
    let mut bo = slow.subscribe(after).await.unwrap();
    nothing(&mut bo, Duration::from_secs(60)).await;
    world.desk().remove_section("t").await;
    let told = next(&mut bo).await;
    assert!(matches!(&told, Update::Difference(told) if told.gone.len() == 1));
    client.hear(&world, told).await;
    assert_eq!(Some(client.sight()), world.fresh("bo", None).await);
}

#[tokio::test(start_paused = true)]
async fn who_subscribes_waits_for_a_newer_state_no_longer_than_the_interval() {
    let world = World::new();
    furnish(&world).await;
    // Once it has looked, it does not look again for an hour.
    let options = LiveOptions::default().with_pace(Duration::from_secs(3_600));
    let (quick, slow) = (world.live(), deaf(&world, options));
    let mut keeps = slow.subscribe(watch("bo")).await.unwrap();
    let _ = next(&mut keeps).await;
    world.desk().member(member("cy", "guest")).await;
    world.desk().remove_section("t").await;
    let mut bo = quick.subscribe(watch("bo")).await.unwrap();
    let _ = next(&mut bo).await;
    let after = watch("bo").after(bo.cursor().unwrap());
    for (request, kind) in [
        (after, ErrorKind::Unavailable),
        (watch("cy"), ErrorKind::Denied),
    ] {
        let before = world.clock.now();
        assert_eq!(slow.subscribe(request).await.unwrap_err().kind(), kind);
        let late = world.clock.now().saturating_since(before);
        assert_eq!(late.as_secs(), 5, "{late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_pieces_after_an_unanswered_question_waits_no_less_and_no_longer() {
    let world = World::new();
    furnish(&world).await;
    let gate = Gate::default();
    let live = world.live_with(LiveOptions::default(), Arc::new(gate.clone()));
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let _ = next(&mut bo).await;
    gate.is_lost.store(true, Ordering::SeqCst);
    world.desk().remove_section("t").await;
    assert_eq!(bo.next().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let before = world.clock.now();
    for _ in 0..2 {
        nothing(&mut bo, Duration::from_secs(2)).await;
    }
    gate.is_lost.store(false, Ordering::SeqCst);
    assert!(matches!(next(&mut bo).await, Update::Difference(_)));
    let late = world.clock.now().saturating_since(before);
    assert_eq!(late.as_secs(), 5, "{late:?}");
}
