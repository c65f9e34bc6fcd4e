//! What people arrange for themselves.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use garland::ErrorKind;
use garland::permission::Actor;
use garland::section::{Cursor, Update};
use garland::storage::{Precondition, StorageBackend, Version};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Operation};
use serde_json::{Value, json};

use super::wired::Wired;
use super::world::{World, member, next, nothing, section, sections, watch};

const WHILE: Duration = Duration::from_secs(30);

async fn furnished() -> World {
    let world = World::new();
    let desk = world.desk();
    for (id, role) in [("ann", "couple"), ("bo", "guest")] {
        desk.member(member(id, role)).await;
    }
    desk.section(section("t", "timeline", &["couple", "guest"]))
        .await;
    desk.section(section("b", "budget", &["couple"])).await;
    world
}

async fn arrange(world: &World, who: &str, changes: Value) {
    sections(world)
        .acting_as(Actor::User(who.into()))
        .personalize("t", None, &changes, Precondition::Any)
        .await
        .unwrap();
}

/// A section, and the versions of what was arranged of it.
type Told<'a> = (&'a str, &'a [Option<Version>]);

/// The sections of an update.
fn told(update: &Update) -> (Vec<Told<'_>>, Cursor) {
    let (shown, cursor) = match update {
        Update::Snapshot(all) => (&all.sections, all.cursor),
        Update::Difference(difference) => (&difference.shown, difference.cursor),
        other => panic!("unexpected {other:?}"),
    };
    let shown = shown.iter();
    let shown = shown.map(|one| (one.section.section_type.as_str(), &*one.arranged));
    (shown.collect(), cursor)
}

fn is_difference(update: &Update) -> bool {
    matches!(update, Update::Difference(difference) if difference.gone.is_empty())
}

const NONE: [Option<Version>; 1] = [None];
const FIRST: [Option<Version>; 1] = [Some(Version::new(1))];
const SECOND: [Option<Version>; 1] = [Some(Version::new(2))];

#[tokio::test(start_paused = true)]
async fn ones_own_arrangement_arrives_at_oneself_and_nobody_else() {
    let world = furnished().await;
    let live = world.live();
    let mut ann = live.subscribe(watch("ann")).await.unwrap();
    let mut too = live.subscribe(watch("ann")).await.unwrap();
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let first = next(&mut ann).await;
    let expected: [Told<'_>; 2] = [("budget", &NONE), ("timeline", &NONE)];
    assert_eq!(told(&first).0, expected);
    let _ = (next(&mut too).await, next(&mut bo).await);

    for expected in [&FIRST, &SECOND] {
        let changes = json!({"customization": {"title": "Half a million"}});
        arrange(&world, "ann", changes).await;
        for one in [&mut ann, &mut too] {
            let update = next(one).await;
            assert!(is_difference(&update), "{update:?}");
            assert_eq!(told(&update).0, [("timeline", &expected[..])]);
            assert!(!format!("{update:?}").contains("million"));
        }
    }
    nothing(&mut ann, WHILE).await;
    nothing(&mut bo, WHILE).await;

    // With a change of others in the same look, both arrive as one.
    arrange(&world, "bo", json!({"layout": {"position": 3}})).await;
    world.desk().remove_section("b").await;
    let update = next(&mut bo).await;
    assert_eq!(told(&update).0, [("timeline", &FIRST[..])]);
    assert!(matches!(next(&mut ann).await, Update::Difference(of) if of.gone.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_arranged_while_nobody_watched_is_told_whoever_has_followed_since() {
    for follows in [true, false] {
        let world = furnished().await;
        let (live, other) = (world.live(), world.live());
        let mut ann = live.subscribe(watch("ann")).await.unwrap();
        let _bo = live.subscribe(watch("bo")).await.unwrap();
        let (_, cursor) = told(&next(&mut ann).await);
        drop(ann);
        arrange(&world, "ann", json!({"layout": {"position": 3}})).await;
        tokio::time::sleep(WHILE).await;
        let live = if follows { live } else { other };
        let again = watch("ann").after(cursor);
        let mut ann = live.subscribe(again).await.unwrap();
        let update = next(&mut ann).await;
        let (shown, cursor) = told(&update);
        assert_eq!(shown.last(), Some(&("timeline", &FIRST[..])));
        drop(ann);
        let again = watch("ann").after(cursor);
        let mut ann = live.subscribe(again).await.unwrap();
        nothing(&mut ann, WHILE).await;
        arrange(&world, "ann", json!({"layout": {"position": 4}})).await;
        let update = next(&mut ann).await;
        assert!(is_difference(&update), "{update:?}");
        assert_eq!(told(&update).0, [("timeline", &SECOND[..])]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_arrangement_of_another_costs_nothing_but_the_look() {
    let world = furnished().await;
    let wired = Arc::new(Wired::new(&world.inner));
    let world = world.through(Arc::clone(&wired) as Arc<dyn StorageBackend>);
    let live = world.live();
    let mut all = Vec::new();
    for _ in 0..50 {
        all.push(live.subscribe(watch("bo")).await.unwrap());
    }
    for one in &mut all {
        let _ = next(one).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = wired.calls.load(Ordering::SeqCst);
    world
        .desk()
        .arrange("ann", "t", json!({"layout": {"position": 9}}))
        .await;
    for one in &mut all {
        nothing(one, Duration::from_millis(5)).await;
    }
    // The end of the journal, its one entry, and the end again.
    assert_eq!(wired.calls.load(Ordering::SeqCst) - before, 3);
}

#[tokio::test(start_paused = true)]
async fn arrangements_that_cannot_be_read_are_an_error_and_arrive_later() {
    let world = furnished().await;
    let faults = Faults::none();
    let faulty = FaultyStorage::new(Arc::clone(&world.inner), faults.clone());
    let world = world.through(Arc::new(faulty));
    let live = world.live();
    let mut ann = live.subscribe(watch("ann")).await.unwrap();
    let _ = next(&mut ann).await;
    let kind = FaultKind::Error(ErrorKind::Unavailable);
    faults.add_rule(FaultRule::new(Operation::Query, kind).always());
    world
        .desk()
        .arrange("ann", "t", json!({"layout": {"position": 9}}))
        .await;
    for _ in 0..3 {
        let told = tokio::time::timeout(WHILE, ann.next()).await;
        let error = told.expect("it is told soon").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    faults.heal();
    assert_eq!(told(&next(&mut ann).await).0, [("timeline", &FIRST[..])]);
    nothing(&mut ann, WHILE).await;
}

/// A section that is made anew under the name of one that is gone is arranged by nobody.
#[tokio::test(start_paused = true)]
async fn what_was_arranged_of_a_section_that_is_gone_is_not_told_of_the_next_of_its_name() {
    for crowd in [0, 150] {
        let world = furnished().await;
        let (live, service) = (world.live(), sections(&world));
        for number in 0..crowd {
            // Before and behind hers, in any order.
            let id = format!("{}{number:03}", if number % 2 == 0 { "a" } else { "x" });
            world.desk().member(member(&id, "couple")).await;
            arrange(&world, &id, json!({"layout": {"position": 3}})).await;
        }
        arrange(&world, "ann", json!({"layout": {"position": 3}})).await;
        let mut ann = live.subscribe(watch("ann")).await.unwrap();
        let shown = [("budget", &NONE[..]), ("timeline", &FIRST[..])];
        assert_eq!(told(&next(&mut ann).await).0, shown);
        service.remove("t", Version::new(1)).await.unwrap();
        assert!(matches!(next(&mut ann).await, Update::Difference(of) if of.gone.len() == 1));
        let timeline = section("t", "timeline", &["couple", "guest"]);
        service.create(&timeline).await.unwrap();
        assert_eq!(told(&next(&mut ann).await).0, [("timeline", &NONE[..])]);
        nothing(&mut ann, WHILE).await;

        // The same in one look.
        arrange(&world, "ann", json!({"layout": {"position": 3}})).await;
        assert_eq!(told(&next(&mut ann).await).0, [("timeline", &FIRST[..])]);
        service.remove("t", Version::new(1)).await.unwrap();
        service.create(&timeline).await.unwrap();
        assert_eq!(told(&next(&mut ann).await).0, [("timeline", &NONE[..])]);
        nothing(&mut ann, WHILE).await;
    }
}
