//! Every setting changed while transfers run.

use std::sync::Arc;
use std::time::Duration;

use garland::bandwidth::{
    BandwidthEvent, Class, Direction, EventWindow, Lane, Policy, Rate, Share, Stream, Timetable,
    Weekday,
};
use garland::wedding::{ZoneTable, parse_instant};
use garland::{ErrorKind, Timestamp};

use super::world::{builder, mb, ms, starting};

const UP: Direction = Direction::Upload;

async fn rates(lanes: &[Lane]) -> Vec<u64> {
    tokio::time::sleep(ms(5)).await;
    let rates = lanes.iter().map(|lane| lane.rate().unwrap().as_bytes());
    rates.map(|rate| rate / 1_000).collect()
}

fn upload(organization: &str, platform: &str) -> Stream {
    Stream::upload(organization, platform)
}

#[tokio::test(start_paused = true)]
async fn shares_of_organizations_and_platforms() {
    let bandwidth = builder().upload(mb(12)).build().unwrap();
    let streams = [
        upload("acme", "gdrive"),
        upload("acme", "s3"),
        upload("bella", "s3"),
    ];
    let lanes = streams.map(|stream| bandwidth.join(&stream).unwrap());
    assert_eq!(rates(&lanes).await, [3_000, 3_000, 6_000]);

    let heavy = Share::default().with_weight(3);
    bandwidth.set_organization(UP, "acme", heavy).unwrap();
    assert_eq!(rates(&lanes).await, [4_500, 4_500, 3_000]);

    bandwidth
        .set_platform(UP, "acme", "s3", heavy.with_cap(mb(6)))
        .unwrap();
    assert_eq!(rates(&lanes).await, [3_000, 6_000, 3_000]);

    let kept = Share::default().with_min(mb(8)).with_cap(mb(8));
    bandwidth.set_organization(UP, "bella", kept).unwrap();
    assert_eq!(rates(&lanes).await, [1_000, 3_000, 8_000]);

    for organization in ["acme", "bella"] {
        bandwidth
            .set_organization(UP, organization, Share::default())
            .unwrap();
    }
    bandwidth
        .set_platform(UP, "acme", "s3", Share::default())
        .unwrap();
    assert_eq!(rates(&lanes).await, [3_000, 3_000, 6_000]);
}

#[tokio::test(start_paused = true)]
async fn capacity_and_policy() {
    let bandwidth = builder().build().unwrap();
    let classes = [Class::Normal, Class::Background];
    let lanes = classes.map(|class| {
        let stream = upload("acme", "gdrive").with_class(class);
        bandwidth.join(&stream).unwrap()
    });
    assert_eq!(lanes[0].rate(), None);
    bandwidth.set_capacity(UP, Some(mb(5)));
    assert_eq!(rates(&lanes).await, [4_000, 1_000]);
    bandwidth.set_policy(Policy::strict());
    assert_eq!(rates(&lanes).await, [5_000, 0]);
    bandwidth.set_policy(Policy::default().with(Class::Background, 1, 4).unwrap());
    assert_eq!(rates(&lanes).await, [2_500, 2_500]);
    bandwidth.set_capacity(UP, None);
    tokio::time::sleep(ms(5)).await;
    assert_eq!((lanes[0].rate(), lanes[1].rate()), (None, None));
}

fn at(text: &str) -> Timestamp {
    parse_instant(text).unwrap()
}

/// Berlin in 2026, before and after its clocks are put forward.
fn berlin() -> Arc<ZoneTable> {
    let change = vec![(at("2026-03-29T01:00:00Z"), 7_200)];
    Arc::new(ZoneTable::new().with("Europe/Berlin", 3_600, change))
}

#[tokio::test(start_paused = true)]
async fn a_timetable_is_followed_across_a_change_of_the_clocks() {
    // Sunday, 01:50 in Berlin, ten minutes before 03:00.
    let start = at("2026-03-29T00:50:00Z");
    let table = Timetable::new("Europe/Berlin")
        .daily("03:05".parse().unwrap(), Some(mb(2)))
        .and_then(|table| table.on(Weekday::Saturday, "03:05".parse().unwrap(), Some(mb(8))))
        .unwrap();
    let bandwidth = starting(start.as_millis())
        .zones(berlin())
        .upload(mb(6))
        .timetable(UP, table)
        .build()
        .unwrap();
    let lane = [bandwidth.join(&upload("acme", "gdrive")).unwrap()];
    // The lesser of both holds.
    assert_eq!(bandwidth.snapshot().upload.capacity, Some(mb(6)));
    let mut events = bandwidth.subscribe();
    let begun = tokio::time::Instant::now();
    let capacity = loop {
        if let Some(BandwidthEvent::CapacityChanged { capacity, .. }) = events.next().await {
            break capacity;
        }
    };
    assert_eq!(capacity, Some(mb(2)));
    // 03:05 is a quarter of an hour away: an hour is skipped.
    let took = begun.elapsed();
    let quarter = Duration::from_secs(15 * 60);
    assert!(took >= quarter && took < quarter + ms(150), "{took:?}");
    assert_eq!(bandwidth.snapshot().upload.capacity, Some(mb(2)));

    let unknown = Timetable::new("Mars");
    let error = bandwidth.set_timetable(UP, Some(unknown)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    bandwidth.set_timetable(UP, None).unwrap();
    assert_eq!(bandwidth.snapshot().upload.capacity, Some(mb(6)));
    drop(lane);
}

#[tokio::test(start_paused = true)]
async fn a_timetable_alone_bounds_and_frees() {
    let table = Timetable::new("UTC")
        .daily("00:10".parse().unwrap(), Some(mb(1)))
        .and_then(|table| table.daily("00:20".parse().unwrap(), None))
        .unwrap();
    let bandwidth = builder().timetable(UP, table).build().unwrap();
    let lane = bandwidth.join(&upload("acme", "gdrive")).unwrap();
    assert_eq!(lane.rate(), None);
    tokio::time::sleep(Duration::from_secs(600) + ms(5)).await;
    let begun = tokio::time::Instant::now();
    lane.take(1_000_000).await;
    assert!(begun.elapsed() >= ms(890));
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(lane.rate(), None);
    assert_eq!(bandwidth.snapshot().upload.capacity, None);
}

#[tokio::test(start_paused = true)]
async fn an_event_raises_its_organization_and_ends_by_itself() {
    let window = |start, end| {
        let seconds = |s: i64| Timestamp::from_millis(s * 1_000);
        EventWindow::new(seconds(start), seconds(end)).unwrap()
    };
    let lead = Duration::from_secs(10);
    let bandwidth = builder()
        .upload(mb(20))
        .events("acme", vec![window(100, 200).with_lead(lead)])
        .max_escalated(1)
        .build()
        .unwrap();
    let join = |organization, class| {
        let stream = upload(organization, "gdrive").with_class(class);
        bandwidth.join(&stream).unwrap()
    };
    let mut events = bandwidth.subscribe();
    let lanes = [
        join("acme", Class::Normal),
        join("acme", Class::Background),
        join("bella", Class::Normal),
    ];
    // Organizations share alike, whatever classes they have within.
    assert_eq!(rates(&lanes).await, [8_000, 2_000, 10_000]);
    tokio::time::sleep(Duration::from_secs(90)).await;
    let classes: Vec<_> = bandwidth
        .snapshot()
        .upload
        .streams()
        .map(|stream| (stream.class, stream.effective_class))
        .collect();
    let raised = [
        (Class::Normal, Class::WeddingDay),
        (Class::Background, Class::Background),
        (Class::Normal, Class::Normal),
    ];
    assert_eq!(classes, raised);

    // Another whose event begins later has to wait; then both may.
    bandwidth.set_events("bella", vec![window(50, 150), window(110, 300)]);
    bandwidth.set_events("acme", vec![window(60, 200)]);
    tokio::time::sleep(ms(5)).await;
    let escalated = || {
        let organizations = bandwidth.snapshot().upload.organizations;
        let raised = organizations.into_iter().filter(|own| own.escalated);
        raised
            .map(|own| own.organization.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(escalated(), ["bella"]);
    bandwidth.set_max_escalated(2);
    assert_eq!(escalated(), ["acme", "bella"]);
    tokio::time::sleep(Duration::from_secs(110)).await;
    assert_eq!(escalated(), ["bella"]);
    tokio::time::sleep(Duration::from_secs(110)).await;
    assert!(escalated().is_empty());
    drop(lanes);
    drop(bandwidth);
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        if let BandwidthEvent::Escalated {
            organization,
            raised,
            ..
        } = event
        {
            told.push((organization.to_string(), raised));
        }
    }
    let expected = [
        ("acme", true),
        ("acme", false),
        ("bella", true),
        ("acme", true),
        ("acme", false),
        ("bella", false),
    ];
    let told: Vec<_> = told
        .iter()
        .map(|(name, raised)| (name.as_str(), *raised))
        .collect();
    assert_eq!(told, expected);
}

/// §7: while its event lasts, what an organization does in normal class weighs as much as on a wedding day.
#[tokio::test(start_paused = true)]
async fn a_limit_holds_for_an_organization_that_is_raised() {
    let window =
        EventWindow::new(Timestamp::from_millis(0), Timestamp::from_millis(10_000)).unwrap();
    let bandwidth = builder()
        .upload(mb(20))
        .organization(UP, "acme", Share::default().with_cap(mb(3)))
        .events("acme", vec![window])
        .build()
        .unwrap();
    let lanes = [upload("acme", "gdrive"), upload("bella", "gdrive")]
        .map(|stream| bandwidth.join(&stream).unwrap());
    assert_eq!(rates(&lanes).await, [3_000, 17_000]);
    assert_eq!(lanes[0].rate(), Some(Rate::bytes(3_000_000)));
}
