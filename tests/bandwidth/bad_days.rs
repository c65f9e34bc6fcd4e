//! Too little, nothing, and a crowd.

use std::time::Duration;

use garland::bandwidth::{
    BandwidthEvent, Cause, Class, Direction, Place, Rate, Share, Stream, Why,
};
use garland::{Chance, ErrorKind};

use super::world::{Busy, builder, float, mb, ms, near};

#[tokio::test(start_paused = true)]
async fn with_less_than_was_guaranteed_guarantees_shrink_alike_and_somebody_is_told() {
    let share = |min| Share::default().with_min(mb(min));
    let bandwidth = builder()
        .upload(mb(40))
        .organization(Direction::Upload, "acme", share(30))
        .organization(Direction::Upload, "bella", share(10))
        .build()
        .unwrap();
    let acme = Busy::join(&bandwidth, &Stream::upload("acme", "gdrive"));
    let bella = Busy::join(&bandwidth, &Stream::upload("bella", "gdrive"));
    tokio::time::sleep(ms(500)).await;
    let mut events = bandwidth.subscribe();
    bandwidth.set_capacity(Direction::Upload, Some(mb(32)));
    tokio::time::sleep(ms(100)).await;
    let (x, y) = tokio::join!(
        acme.rate(Duration::from_secs(10)),
        bella.rate(Duration::from_secs(10))
    );
    near(x, 24e6, 0.01);
    near(y, 8e6, 0.01);
    let mut told = Vec::new();
    bandwidth.set_capacity(Direction::Upload, Some(mb(40)));
    tokio::time::sleep(ms(100)).await;
    drop((acme, bella, bandwidth));
    tokio::time::sleep(ms(100)).await;
    while let Some(event) = events.next().await {
        match event {
            BandwidthEvent::Overcommitted {
                place,
                asked,
                granted,
                ..
            } => {
                told.push((place, Some((asked, granted))));
            }
            BandwidthEvent::Recovered { place, .. } => told.push((place, None)),
            _ => {}
        }
    }
    // Told once, and once more when it is over.
    assert_eq!(
        told,
        [(Place::Link, Some((mb(40), mb(32)))), (Place::Link, None)]
    );
}

#[tokio::test(start_paused = true)]
async fn every_place_where_guarantees_do_not_fit_is_told() {
    let bandwidth = builder()
        .upload(mb(100))
        .organization(Direction::Upload, "acme", Share::default().with_cap(mb(2)))
        .organization(Direction::Upload, "aaron", Share::default().with_weight(2))
        .allow_overcommit(true)
        .build()
        .unwrap();
    let mut events = bandwidth.subscribe();
    let stream = |organization| Stream::upload(organization, "gdrive").with_min(mb(2));
    let join = |organization| bandwidth.join(&stream(organization)).unwrap();
    let lanes = [join("acme"), join("acme"), join("aaron"), join("zoe")];
    tokio::time::sleep(ms(5)).await;
    drop((lanes, bandwidth));
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        if let BandwidthEvent::Overcommitted {
            place,
            asked,
            granted,
            ..
        } = event
        {
            told.push((place.to_string(), asked, granted));
        }
    }
    let short = |place: &str| (place.to_owned(), mb(4), mb(2));
    assert_eq!(told, [short("acme"), short("acme/gdrive")]);
}

#[tokio::test(start_paused = true)]
async fn guarantees_that_cannot_be_kept_are_refused_by_name() {
    let share = Share::default().with_min(mb(6));
    let bandwidth = builder()
        .upload(mb(10))
        .organization(Direction::Upload, "acme", share)
        .build()
        .unwrap();
    let asks = |organization: &str, min| {
        let stream = Stream::upload(organization, "gdrive").with_min(mb(min));
        bandwidth.join(&stream)
    };
    let named = |organization, min, node: &str| {
        let error = asks(organization, min).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert!(
            error.to_string().contains(&format!("node `{node}`")),
            "{error}"
        );
    };
    let kept = asks("acme", 5).unwrap();
    named("acme", 2, "acme");
    named("bella", 5, "upload");
    let beside = asks("bella", 4).unwrap();
    named("bella", 1, "upload");
    drop(kept);
    drop(asks("acme", 6).unwrap());
    drop(beside);
    let whole = asks("bella", 4).unwrap();
    // What a live change would break is refused, and changes nothing.
    let more = Share::default().with_min(mb(7));
    let error = bandwidth
        .set_organization(Direction::Upload, "acme", more)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    let less = Share::default().with_cap(mb(3));
    let error = bandwidth
        .set_platform(Direction::Upload, "bella", "gdrive", less)
        .unwrap_err();
    assert!(error.to_string().contains("node `bella/gdrive`"), "{error}");
    drop(whole);
    bandwidth.set_allow_overcommit(true);
    let _over = (asks("acme", 50).unwrap(), asks("bella", 50).unwrap());
    let wrong = Stream::upload("acme", "gdrive")
        .with_min(mb(2))
        .with_cap(mb(1));
    assert_eq!(
        bandwidth.join(&wrong).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    let wrong = Stream::upload("acme", "gdrive").with_weight(0);
    assert_eq!(
        bandwidth.join(&wrong).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}

#[tokio::test(start_paused = true)]
async fn a_builder_refuses_what_cannot_be_kept() {
    let share = |min| Share::default().with_min(mb(min));
    let build = |allow| {
        builder()
            .upload(mb(10))
            .organization(Direction::Upload, "acme", share(6))
            .organization(Direction::Upload, "bella", share(5))
            .allow_overcommit(allow)
            .build()
    };
    assert_eq!(build(false).unwrap_err().kind(), ErrorKind::LimitExceeded);
    assert!(build(true).is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_any_capacity_transfers_wait_and_may_give_up() {
    let bandwidth = builder().upload(Rate::ZERO).build().unwrap();
    let lane = bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap();
    let minute = Duration::from_secs(60);
    assert!(
        tokio::time::timeout(minute * 10, lane.take(1))
            .await
            .is_err()
    );
    assert_eq!((lane.taken(), lane.rate()), (0, Some(Rate::ZERO)));
    let why: Vec<_> = bandwidth
        .snapshot()
        .upload
        .streams()
        .map(|s| s.why)
        .collect();
    assert_eq!(why, [Why::Nothing]);

    let waiting = Busy::with(lane, 100_000);
    tokio::time::sleep(minute).await;
    bandwidth.set_capacity(Direction::Upload, Some(mb(1)));
    let rate = waiting.rate(Duration::from_secs(10)).await;
    near(rate, 1e6, 0.011);
    bandwidth.set_capacity(Direction::Upload, Some(Rate::ZERO));
    tokio::time::sleep(ms(101)).await;
    assert_eq!(waiting.during(minute).await, 0);
    // Nothing at all bounds it now: it goes on at once.
    bandwidth.set_capacity(Direction::Upload, None);
    let before = waiting.bytes();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(waiting.bytes() > before);
}

/// Each of 10,000 transfers of a second lives for 40 ms, and a busy one goes on beside them.
#[tokio::test(start_paused = true)]
async fn ten_thousand_joins_and_leaves_a_second_hold() {
    let bandwidth = builder().upload(mb(100)).build().unwrap();
    let busy = Busy::join(&bandwidth, &Stream::upload("acme", "gdrive"));
    let classes = Class::ALL;
    let mut living = std::collections::VecDeque::new();
    let mut passed = 0;
    for step in 0..1_000_usize {
        for n in 0..10 {
            let organization = format!("studio-{}", (step * 7 + n) % 40);
            let stream = Stream::upload(organization, "s3");
            let stream = stream.with_class(classes[(step + n) % classes.len()]);
            living.push_back(bandwidth.join(&stream).unwrap());
        }
        while living.len() > 400 {
            passed += living.pop_front().map_or(0, |lane| lane.taken());
        }
        if let Some(lane) = living.back() {
            let _ = tokio::time::timeout(ms(1), lane.take(1_000)).await;
        }
        tokio::time::sleep(Duration::from_micros(1)).await;
    }
    assert!(passed > 0);
    let shares = bandwidth.snapshot().upload;
    assert_eq!(shares.streams().count(), living.len() + 1);
    drop(living);
    tokio::time::sleep(ms(150)).await;
    near(busy.rate(Duration::from_secs(2)).await, 100e6, 0.01);
    assert!(float(busy.bytes()) > 0.0);
    assert_eq!(bandwidth.snapshot().upload.organizations.len(), 1);
}

/// All that happens within five milliseconds is worked out once.
#[tokio::test(start_paused = true)]
async fn a_crowd_is_worked_out_at_once() {
    let bandwidth = builder().upload(mb(100)).build().unwrap();
    let mut events = bandwidth.subscribe();
    let lanes: Vec<_> = (0..1_000)
        .map(|_| bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap())
        .collect();
    tokio::time::sleep(ms(5)).await;
    let mut rates = 0;
    for _ in 0..2_000 {
        match events.next().await {
            Some(BandwidthEvent::Rate { rate, cause, .. }) => {
                assert_eq!((rate, cause), (Some(Rate::bytes(100_000)), Cause::Joined));
                rates += 1;
            }
            Some(BandwidthEvent::Joined { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(rates, lanes.len());
}

/// After any joins, leaves, refusals and changes, exactly as much may be guaranteed as at the beginning.
#[tokio::test(start_paused = true)]
async fn promises_are_counted_right_whatever_happens() {
    const SEED: u64 = 7;
    let chance = Chance::seeded(SEED);
    let below = |bound: u64| chance.word() % bound;
    let names = ["acme", "bella", "casa"];
    let name = |n: u64| names[usize::try_from(n).unwrap() % names.len()];
    let bandwidth = builder().upload(Rate::bytes(1_000)).build().unwrap();
    let mut lanes = Vec::new();
    let mut refused = 0;
    for _ in 0..20_000 {
        let (organization, platform) = (name(below(3)), name(below(3)));
        let mut share = Share::default();
        if below(2) == 0 {
            share = share.with_min(Rate::bytes(below(400)));
        }
        if below(3) == 0 {
            share = share.with_cap(Rate::bytes(400 + below(400)));
        }
        let done = match below(8) {
            0 => bandwidth.set_organization(Direction::Upload, organization, share),
            1 => bandwidth.set_platform(Direction::Upload, organization, platform, share),
            2 if !lanes.is_empty() => {
                let at = usize::try_from(below(1 << 20)).unwrap() % lanes.len();
                drop(lanes.swap_remove(at));
                Ok(())
            }
            3 => {
                bandwidth.set_capacity(Direction::Upload, Some(Rate::bytes(500 + below(1_000))));
                bandwidth.set_allow_overcommit(below(4) == 0);
                Ok(())
            }
            _ => {
                let stream = Stream::upload(organization, platform);
                let lane = bandwidth.join(&stream.with_min(Rate::bytes(below(300))));
                lane.map(|lane| lanes.push(lane))
            }
        };
        if let Err(error) = done {
            assert_eq!(
                error.kind(),
                ErrorKind::LimitExceeded,
                "seed {SEED}: {error}"
            );
            refused += 1;
        }
    }
    assert!(
        refused > 1_000 && lanes.len() > 10,
        "{refused} {}",
        lanes.len()
    );
    lanes.clear();
    bandwidth.set_capacity(Direction::Upload, Some(Rate::bytes(1_000)));
    bandwidth.set_allow_overcommit(false);
    for organization in names {
        for platform in names {
            bandwidth
                .set_platform(Direction::Upload, organization, platform, Share::default())
                .unwrap();
        }
        bandwidth
            .set_organization(Direction::Upload, organization, Share::default())
            .unwrap();
    }
    let asks = |min| bandwidth.join(&Stream::upload("acme", "acme").with_min(Rate::bytes(min)));
    assert!(asks(1_001).is_err(), "seed {SEED}");
    let _all = asks(1_000).unwrap();
    assert!(asks(1).is_err(), "seed {SEED}");
}
