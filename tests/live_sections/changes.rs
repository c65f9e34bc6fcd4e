//! What is told, and to whom.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use garland::ErrorKind;
use garland::permission::Actor;
use garland::section::{Cursor, LiveOptions, Update};
use garland::wedding::Phase;
use serde_json::json;

use super::world::{Gate, World, member, next, nothing, section, studio, watch, wedding};

const WHILE: Duration = Duration::from_secs(30);

fn shown(update: &Update) -> Vec<&str> {
    let shown = match update {
        Update::Snapshot(picture) => &picture.sections,
        Update::Difference(difference) => &difference.shown,
        other => panic!("unexpected {other:?}"),
    };
    shown
        .iter()
        .map(|shown| shown.section.section_type.as_str())
        .collect()
}

fn gone(update: &Update) -> Vec<&str> {
    match update {
        Update::Difference(difference) => {
            difference.gone.iter().map(|name| name.as_str()).collect()
        }
        other => panic!("unexpected {other:?}"),
    }
}

fn phase(update: &Update) -> Option<Phase> {
    match update {
        Update::Snapshot(picture) => picture.phase,
        Update::Difference(difference) => difference.phase,
        other => panic!("unexpected {other:?}"),
    }
}

fn cursor(update: &Update) -> Cursor {
    match update {
        Update::Snapshot(picture) => picture.cursor,
        Update::Difference(difference) => difference.cursor,
        Update::Resume(cursor) => *cursor,
        other => panic!("unexpected {other:?}"),
    }
}

async fn furnished() -> World {
    let world = World::new();
    let desk = world.desk();
    for (id, role) in [("ann", "couple"), ("bo", "guest"), ("cy", "admin")] {
        desk.member(member(id, role)).await;
    }
    desk.wedding(wedding("june", "2026-06-20", "UTC")).await;
    desk.section(section("t", "timeline", &["couple", "guest"]))
        .await;
    desk.section(section("b", "budget", &["couple"])).await;
    world
}

#[tokio::test(start_paused = true)]
async fn all_comes_first_and_then_only_what_differs_for_this_member() {
    let world = furnished().await;
    let (live, desk) = (world.live(), world.desk());
    let mut ann = live.subscribe(watch("ann")).await.unwrap();
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    assert_eq!(shown(&next(&mut ann).await), ["budget", "timeline"]);
    assert_eq!(shown(&next(&mut bo).await), ["timeline"]);

    // A section that only one of them sees.
    desk.section(section("b", "budget", &["couple", "coordinator"]))
        .await;
    assert_eq!(shown(&next(&mut ann).await), ["budget"]);
    nothing(&mut bo, WHILE).await;

    // Given and taken.
    desk.section(section("b", "budget", &["guest"])).await;
    let told = next(&mut ann).await;
    assert!(shown(&told).is_empty());
    assert_eq!(gone(&told), ["budget"]);
    // Restricted for guests, but listed: an organization may decide that.
    assert_eq!(shown(&next(&mut bo).await), ["budget"]);

    // Something else happens in the organization, and another's record changes.
    desk.aside().await;
    desk.member(member("cy", "coordinator")).await;
    desk.wedding(wedding("july", "2026-07-04", "UTC")).await;
    nothing(&mut ann, WHILE).await;
    nothing(&mut bo, WHILE).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_title_of_a_section_they_see_arrives_and_says_nothing_of_the_title() {
    let world = furnished().await;
    let (live, desk) = (world.live(), world.desk());
    let mut ann = live.subscribe(watch("ann")).await.unwrap();
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let _ = (next(&mut ann).await, next(&mut bo).await);
    let mut titled = section("b", "budget", &["couple"]);
    titled["customization"] = json!({"title": "Half a million"});
    desk.section(titled).await;
    let told = next(&mut ann).await;
    assert_eq!(shown(&told), ["budget"]);
    let Update::Difference(difference) = &told else {
        panic!("{told:?}")
    };
    let versions: Vec<_> = difference.shown[0]
        .versions
        .iter()
        .map(|version| version.get())
        .collect();
    assert_eq!(versions, [2]);
    assert!(!format!("{told:?}").contains("million"));
    nothing(&mut bo, WHILE).await;

    // Removed and made anew between two looks: the same version, another content.
    let mut ours = section("t", "timeline", &["couple"]);
    ours["layout"] = json!({"size": "small"});
    desk.remove_section("t").await;
    desk.section(ours).await;
    let told = next(&mut ann).await;
    assert_eq!((shown(&told), gone(&told)), (vec!["timeline"], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_role_an_access_and_a_date_arrive_as_differences() {
    let world = furnished().await;
    let (live, desk) = (world.live(), world.desk());
    desk.section(section("p", "photos", &[])).await;
    let mut late = section("g", "guest_list", &["couple"]);
    late["visibility"]["weddingPhase"] = json!(["planning"]);
    desk.section(late).await;
    let mut ann = live.subscribe(watch("ann").wedding("june")).await.unwrap();
    let first = next(&mut ann).await;
    assert_eq!(shown(&first), ["budget", "timeline"]);
    assert_eq!(phase(&first), Some(Phase::WeddingDay));

    // Full access opens what is not protected.
    let mut let_in = member("ann", "couple");
    let_in["weddingAccess"] = json!([{"weddingId": "june", "level": "full"}]);
    desk.member(let_in).await;
    assert_eq!(shown(&next(&mut ann).await), ["photos"]);

    // Another day, another phase.
    desk.wedding(wedding("june", "2027-06-20", "UTC")).await;
    let told = next(&mut ann).await;
    assert_eq!(phase(&told), Some(Phase::Planning));
    assert_eq!(shown(&told), ["budget", "guest_list", "photos", "timeline"]);

    desk.member(member("ann", "vendor")).await;
    let told = next(&mut ann).await;
    assert_eq!(gone(&told), ["budget", "guest_list", "photos", "timeline"]);
    // Whoever sees nothing is not told how far the wedding is.
    assert_eq!(phase(&told), None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_is_told_what_differs_and_nothing_if_nothing_does() {
    let world = furnished().await;
    let (live, desk) = (world.live(), world.desk());
    let mut ann = live.subscribe(watch("ann")).await.unwrap();
    // Somebody keeps the organization followed.
    let _bo = live.subscribe(watch("bo")).await.unwrap();
    let first = cursor(&next(&mut ann).await);
    drop(ann);
    let mut ann = live.subscribe(watch("ann").after(first)).await.unwrap();
    nothing(&mut ann, WHILE).await;
    assert_eq!(ann.cursor(), Some(first));
    drop(ann);

    desk.remove_section("t").await;
    desk.aside().await;
    tokio::time::sleep(WHILE).await;
    let text = first.to_string();
    let mut ann = live
        .subscribe(watch("ann").after(text.parse().unwrap()))
        .await
        .unwrap();
    let told = next(&mut ann).await;
    assert_eq!((shown(&told), gone(&told)), (vec![], vec!["timeline"]));
    nothing(&mut ann, WHILE).await;
    assert!(cursor(&told).revision() > first.revision());

    // A cursor is one person's own, of one wedding.
    let strange = cursor(&told);
    for request in [watch("bo"), watch("ann").wedding("june")] {
        let mut other = live.subscribe(request.after(strange)).await.unwrap();
        assert!(matches!(next(&mut other).await, Update::Snapshot(_)));
    }

    // Another process knows no earlier states: nothing if nothing differs, and else everything.
    let other = world.live();
    let mut ann = other.subscribe(watch("ann").after(strange)).await.unwrap();
    nothing(&mut ann, WHILE).await;
    let mut ann = other.subscribe(watch("ann").after(first)).await.unwrap();
    let told = next(&mut ann).await;
    assert!(matches!(told, Update::Snapshot(_)), "{told:?}");
    assert_eq!(shown(&told), ["budget"]);
}

#[tokio::test(start_paused = true)]
async fn no_more_earlier_states_are_kept_than_allowed() {
    let world = furnished().await;
    let options = LiveOptions::default().with_kept(2);
    let live = world.live_with(options, Arc::new(Gate::default()));
    let desk = world.desk();
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let mut at = vec![cursor(&next(&mut bo).await)];
    for size in ["small", "medium", "large"] {
        let mut sized = section("t", "timeline", &["couple", "guest"]);
        sized["layout"] = json!({"size": size});
        desk.section(sized).await;
        at.push(cursor(&next(&mut bo).await));
    }
    for (cursor, is_known) in at.into_iter().zip([false, true, true]) {
        let mut again = live.subscribe(watch("bo").after(cursor)).await.unwrap();
        let told = next(&mut again).await;
        assert_eq!(
            matches!(told, Update::Difference(_)),
            is_known,
            "{cursor}: {told:?}"
        );
        assert_eq!(shown(&told), ["timeline"]);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_watch_is_told_nothing() {
    let world = furnished().await;
    let gate = Gate::default();
    let live = world.live_with(LiveOptions::default(), Arc::new(gate.clone()));
    let denied = async |request| {
        let error = live.subscribe(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    };
    denied(watch("nobody")).await;
    // A person watches only what they see.
    denied(watch("ann").acting_as(Actor::User("bo".into()))).await;
    gate.questions.lock().unwrap().clear();
    let mut hers = live
        .subscribe(watch("ann").acting_as(Actor::Service("app".into())))
        .await
        .unwrap();
    let _ = next(&mut hers).await;
    let asked = gate.questions.lock().unwrap().clone();
    assert_eq!(
        asked,
        [
            "service app section.watch member ann",
            "service app section.watch member ann"
        ]
    );

    // Asked again before anything is told.
    gate.is_shut.store(true, Ordering::SeqCst);
    world.desk().remove_section("t").await;
    for _ in 0..2 {
        assert_eq!(hers.next().await.unwrap_err().kind(), ErrorKind::Denied);
    }
    denied(watch("ann")).await;
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_noticed_also_when_there_is_nothing_to_tell() {
    let world = furnished().await;
    let gate = Gate::default();
    let live = world.live_with(LiveOptions::default(), Arc::new(gate.clone()));
    let mut ann = live.subscribe(watch("ann")).await.unwrap();
    let _ = next(&mut ann).await;
    nothing(&mut ann, Duration::from_secs(600)).await;
    gate.is_shut.store(true, Ordering::SeqCst);
    let ended = tokio::time::timeout(Duration::from_secs(61), ann.next()).await;
    assert_eq!(ended.unwrap().unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test(start_paused = true)]
async fn a_member_who_is_removed_is_told_no_more() {
    let world = furnished().await;
    let (live, desk) = (world.live(), world.desk());
    let mut ann = live.subscribe(watch("ann")).await.unwrap();
    let _ = next(&mut ann).await;
    desk.remove_member("ann").await;
    assert_eq!(ann.next().await.unwrap_err().kind(), ErrorKind::Denied);
    desk.member(member("ann", "admin")).await;
    assert_eq!(
        ann.next().await.unwrap_err().kind(),
        ErrorKind::Denied,
        "it is over"
    );
    let mut again = live.subscribe(watch("ann")).await.unwrap();
    assert!(matches!(next(&mut again).await, Update::Snapshot(_)));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_loses_nothing() {
    let world = furnished().await;
    let gate = Gate::default();
    let live = world.live_with(LiveOptions::default(), Arc::new(gate.clone()));
    let mut ann = live.subscribe(watch("ann")).await.unwrap();
    let _ = next(&mut ann).await;
    world.desk().remove_section("t").await;
    tokio::time::sleep(WHILE).await;
    let asked = gate.asked.load(Ordering::SeqCst);
    // It waits for the resolver when it is dropped.
    for _ in 0..3 {
        let mut call = Box::pin(ann.next());
        assert!(futures_util::FutureExt::now_or_never(&mut call).is_none());
    }
    assert_eq!(gate.asked.load(Ordering::SeqCst), asked);
    assert_eq!(gone(&next(&mut ann).await), ["timeline"]);
    nothing(&mut ann, WHILE).await;
}

#[tokio::test(start_paused = true)]
async fn organizations_are_apart() {
    let world = furnished().await;
    let live = world.live();
    let mut ann = live.subscribe(watch("ann")).await.unwrap();
    let _ = next(&mut ann).await;
    let desk = world.desk_of("another".parse().unwrap());
    let mut theirs = section("t", "timeline", &["couple"]);
    theirs["organizationId"] = json!("another");
    desk.section(theirs).await;
    desk.remove_member("ann").await;
    nothing(&mut ann, WHILE).await;
    assert_eq!(live.followed(), 1);
    assert_ne!(studio().as_str(), "another");
}

#[tokio::test(start_paused = true)]
async fn a_cursor_tells_a_section_from_one_made_anew_with_the_same_version() {
    let world = furnished().await;
    let live = world.live();
    let mut ann = live.subscribe(watch("ann")).await.unwrap();
    let first = cursor(&next(&mut ann).await);
    drop(ann);
    let mut anew = section("t", "timeline", &["couple", "guest"]);
    anew["layout"] = json!({"size": "small"});
    world.desk().remove_section("t").await;
    world.desk().section(anew).await;
    // Another process knows of the client what is in its cursor, and nothing else.
    let other = world.live();
    let mut ann = other.subscribe(watch("ann").after(first)).await.unwrap();
    let told = next(&mut ann).await;
    assert_eq!(shown(&told), ["budget", "timeline"]);
    let Update::Snapshot(picture) = &told else {
        panic!("{told:?}")
    };
    assert_eq!(picture.sections[1].versions[0].get(), 1);
}
