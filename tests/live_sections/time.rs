//! Time alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use garland::permission::TrustedHost;
use garland::section::{LiveOptions, LiveSections, Update};
use garland::testing::PausedClock;
use garland::wedding::{Phase, parse_instant};
use garland::{Clock, Timestamp};
use serde_json::json;

use super::world::{World, member, next, nothing, section, watch, wedding};

fn instant(text: &str) -> Timestamp {
    parse_instant(text).unwrap()
}

fn phase(update: &Update) -> Option<Phase> {
    match update {
        Update::Snapshot(picture) => picture.phase,
        Update::Difference(difference) => difference.phase,
        other => panic!("unexpected {other:?}"),
    }
}

fn names(update: &Update) -> (Vec<&str>, Vec<&str>) {
    let Update::Difference(difference) = update else {
        panic!("unexpected {update:?}")
    };
    let shown = difference.shown.iter();
    (
        shown
            .map(|shown| shown.section.section_type.as_str())
            .collect(),
        difference.gone.iter().map(|name| name.as_str()).collect(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_wedding_in_cairo_begins_when_its_day_does_on_the_night_the_clocks_change() {
    let world = World::at(instant("2026-03-24T00:00:00Z").as_millis());
    let desk = world.desk();
    desk.member(member("ann", "couple")).await;
    desk.wedding(wedding("april", "2026-04-24", "Africa/Cairo"))
        .await;
    desk.section(section("t", "timeline", &["couple"])).await;
    let mut only = section("p", "photos", &["couple"]);
    only["visibility"]["weddingPhase"] = json!(["wedding_day"]);
    desk.section(only).await;
    let live = world.calm(Duration::from_secs(86_400));
    let mut ann = live.subscribe(watch("ann").wedding("april")).await.unwrap();
    assert_eq!(phase(&next(&mut ann).await), Some(Phase::Planning));

    let turns = [
        // Thirty days before, at midnight of winter time.
        (
            "2026-03-24T22:00:00Z",
            Phase::PreWedding,
            (vec!["timeline"], vec![]),
        ),
        // Midnight does not exist that night; the day begins at 01:00 and lasts 23 hours.
        (
            "2026-04-23T22:00:00Z",
            Phase::WeddingDay,
            (vec!["photos", "timeline"], vec![]),
        ),
        (
            "2026-04-24T21:00:00Z",
            Phase::PostWedding,
            (vec!["timeline"], vec!["photos"]),
        ),
    ];
    for (at, turned, told) in turns {
        let left = instant(at).saturating_since(world.clock.now());
        nothing(&mut ann, left - Duration::from_millis(1)).await;
        let update = next(&mut ann).await;
        assert_eq!(world.clock.now(), instant(at));
        assert_eq!(phase(&update), Some(turned));
        assert_eq!(names(&update), told, "{at}");
    }
    nothing(&mut ann, Duration::from_secs(400 * 86_400)).await;
}

#[tokio::test(start_paused = true)]
async fn a_section_opens_and_closes_at_its_hours_to_the_millisecond() {
    let world = World::at(instant("2026-06-20T10:00:00Z").as_millis());
    let desk = world.desk();
    desk.member(member("bo", "guest")).await;
    let mut timed = section("t", "timeline", &["guest"]);
    let (start, end) = ("2026-06-20T18:00:00Z", "2026-06-20T18:00:00.005Z");
    timed["visibility"]["conditions"] = json!({"timeRestriction": {"start": start, "end": end}});
    desk.section(timed).await;
    let live = world.calm(Duration::from_secs(86_400));
    let mut bo = live.subscribe(watch("bo")).await.unwrap();
    let Update::Snapshot(first) = next(&mut bo).await else {
        panic!("everything comes first")
    };
    // What is not seen is not spoken of, not even when it will be.
    assert!(first.sections.is_empty());
    assert_eq!(names(&next(&mut bo).await), (vec!["timeline"], vec![]));
    assert_eq!(world.clock.now(), instant(start));
    assert_eq!(names(&next(&mut bo).await), (vec![], vec!["timeline"]));
    assert_eq!(world.clock.now(), instant("2026-06-20T18:00:00.006Z"));
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_after_midnight_is_told_what_the_night_has_changed() {
    let world = World::at(instant("2026-06-19T23:00:00Z").as_millis());
    let desk = world.desk();
    desk.member(member("ann", "couple")).await;
    desk.wedding(wedding("june", "2026-06-20", "UTC")).await;
    desk.section(section("t", "timeline", &["couple"])).await;
    let live = world.calm(Duration::from_secs(86_400));
    let mut ann = live.subscribe(watch("ann").wedding("june")).await.unwrap();
    let _keeps = live.subscribe(watch("ann")).await.unwrap();
    let Update::Snapshot(first) = next(&mut ann).await else {
        panic!("everything comes first")
    };
    drop(ann);
    tokio::time::sleep(Duration::from_secs(7_200)).await;
    let request = watch("ann").wedding("june").after(first.cursor);
    let mut ann = live.subscribe(request).await.unwrap();
    let told = next(&mut ann).await;
    // The state is the same, the instant is not: what was told is worked out for the instant it was told at.
    assert_eq!(phase(&told), Some(Phase::WeddingDay));
    assert_eq!(names(&told), (vec!["timeline"], vec![]));
}

/// A wall clock that somebody puts back, by milliseconds.
#[derive(Debug)]
struct PutBack(Arc<PausedClock>, AtomicU64);

impl Clock for PutBack {
    fn now(&self) -> Timestamp {
        let by = i64::try_from(self.1.load(Ordering::SeqCst)).unwrap();
        Timestamp::from_millis(self.0.now().as_millis() - by)
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_put_back_is_noticed_within_the_interval_also_when_nothing_is_to_come() {
    let world = World::at(instant("2026-06-22T12:00:00Z").as_millis());
    let desk = world.desk();
    desk.member(member("ann", "couple")).await;
    desk.wedding(wedding("june", "2026-06-20", "UTC")).await;
    desk.section(section("t", "timeline", &["couple"])).await;
    let clock = Arc::new(PutBack(Arc::clone(&world.clock), AtomicU64::new(0)));
    let live = LiveSections::new(
        world.policy(),
        Arc::new(TrustedHost::new()),
        Arc::<PutBack>::clone(&clock),
        LiveOptions::default(),
    );
    let mut ann = live.subscribe(watch("ann").wedding("june")).await.unwrap();
    assert_eq!(phase(&next(&mut ann).await), Some(Phase::PostWedding));
    nothing(&mut ann, Duration::from_secs(62)).await;
    // While it waits, as a new call looks in any case.
    let put_back = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        clock.1.store(2 * 86_400_000, Ordering::SeqCst);
        world.clock.now()
    };
    let (told, before) = tokio::join!(next(&mut ann), put_back);
    assert_eq!(phase(&told), Some(Phase::WeddingDay));
    let late = world.clock.now().saturating_since(before);
    assert!(late <= Duration::from_millis(5_001), "{late:?}");
}
