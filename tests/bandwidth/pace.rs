//! How exactly rates are held.

use std::time::Duration;

use garland::bandwidth::{Class, Direction, Share, Stream, Why};

use super::world::{Busy, CHUNK, builder, float, mb, ms, near};

#[tokio::test(start_paused = true)]
async fn one_stream_holds_its_rate() {
    let bandwidth = builder().upload(mb(8)).build().unwrap();
    let busy = Busy::join(&bandwidth, &Stream::upload("acme", "gdrive"));
    let rate = busy.rate(Duration::from_secs(5)).await;
    near(rate, 8e6, 0.01);
    assert!(float(busy.busiest(ms(100))) <= 800_000.0 * 1.25);
}

#[tokio::test(start_paused = true)]
async fn weighted_streams_each_hold_theirs() {
    let bandwidth = builder().upload(mb(8)).build().unwrap();
    let streams: Vec<_> = [1, 2, 4, 8]
        .into_iter()
        .map(|weight| {
            let stream = Stream::upload("acme", "gdrive").with_weight(weight);
            (weight, Busy::join(&bandwidth, &stream))
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(5)).await;
    for (weight, busy) in &streams {
        let expected = 40e6 * f64::from(*weight) / 15.0;
        let apart = (float(busy.bytes()) - expected).abs();
        assert!(apart <= expected * 0.01 + float(CHUNK), "{weight}: {apart}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_way_is_a_link_of_its_own() {
    let bandwidth = builder().upload(mb(2)).download(mb(6)).build().unwrap();
    let up = Busy::join(&bandwidth, &Stream::upload("acme", "gdrive"));
    let down = Busy::join(&bandwidth, &Stream::download("acme", "gdrive"));
    tokio::time::sleep(Duration::from_secs(10)).await;
    near(float(up.bytes()), 20e6, 0.01);
    near(float(down.bytes()), 60e6, 0.01);
}

#[tokio::test(start_paused = true)]
async fn what_nothing_bounds_never_waits_and_runs_no_task() {
    let bandwidth = builder().download(mb(1)).build().unwrap();
    let lane = bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap();
    let begun = tokio::time::Instant::now();
    for _ in 0..1_000 {
        lane.take(1 << 40).await;
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!((lane.taken(), lane.rate()), (1_000 << 40, None));
    assert_eq!(
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks(),
        0
    );
    let shares = bandwidth.snapshot().upload;
    assert_eq!(
        shares.streams().map(|s| s.why).collect::<Vec<_>>(),
        [Why::Unlimited]
    );
}

#[tokio::test(start_paused = true)]
async fn limits_hold_without_a_capacity() {
    let share = Share::default().with_cap(mb(3));
    let bandwidth = builder()
        .platform(Direction::Upload, "acme", "gdrive", share)
        .build()
        .unwrap();
    let upload = |class| Stream::upload("acme", "gdrive").with_class(class);
    let normal = Busy::join(&bandwidth, &upload(Class::Normal));
    let background = Busy::join(&bandwidth, &upload(Class::Background));
    let own = Busy::join(&bandwidth, &Stream::upload("bella", "s3").with_cap(mb(1)));
    let free = bandwidth.join(&Stream::upload("bella", "s3")).unwrap();
    free.take(1 << 40).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    near(float(normal.bytes()), 24e6, 0.01);
    near(float(background.bytes()), 6e6, 0.02);
    near(float(own.bytes()), 10e6, 0.01);
    let whys: Vec<_> = bandwidth
        .snapshot()
        .upload
        .streams()
        .map(|s| s.why)
        .collect();
    assert_eq!(
        whys,
        [Why::GroupCap, Why::GroupCap, Why::Cap, Why::Unlimited]
    );
}

#[tokio::test(start_paused = true)]
async fn several_takers_of_one_lane_share_its_rate() {
    let bandwidth = builder().upload(mb(1)).build().unwrap();
    let lane = bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap();
    let takes = (0..50).map(|_| lane.take(20_000));
    let begun = tokio::time::Instant::now();
    futures_util::future::join_all(takes).await;
    near(begun.elapsed().as_secs_f64(), 1.0, 0.01);
}

/// §7: what a transfer does not use is lent within three ticks, and it has its share again within one.
#[tokio::test(start_paused = true)]
async fn who_uses_less_lends_it_and_gets_it_back() {
    let bandwidth = builder().upload(mb(8)).build().unwrap();
    let busy = Busy::join(&bandwidth, &Stream::upload("acme", "gdrive"));
    let slow = bandwidth.join(&Stream::upload("bella", "gdrive")).unwrap();
    // Half a megabyte a second, of the four it could have.
    let trickle = async {
        for _ in 0..60 {
            slow.take(32_768).await;
            tokio::time::sleep(Duration::from_micros(65_536)).await;
        }
    };
    let (lent, ()) = tokio::join!(
        async {
            tokio::time::sleep(ms(450)).await;
            busy.rate(ms(1_000)).await
        },
        trickle
    );
    assert!(lent > 6.9e6, "{lent}");
    let slow = Busy::with(slow, CHUNK);
    tokio::time::sleep(ms(110)).await;
    near(slow.rate(ms(1_000)).await, 4e6, 0.03);
}

/// A transfer that was idle is thought to need little, and must not wait for long when it goes on.
#[tokio::test(start_paused = true)]
async fn who_was_idle_does_not_wait_for_a_chunk_at_its_old_rate() {
    let bandwidth = builder().upload(mb(8)).build().unwrap();
    let lane = bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(lane.rate().unwrap().as_bytes(), 65_536);
    let begun = tokio::time::Instant::now();
    lane.take(1 << 20).await;
    // A tick, and a megabyte at eight a second: not sixteen seconds.
    assert!(
        begun.elapsed() <= ms(100 + 5 + 132),
        "{:?}",
        begun.elapsed()
    );
}
