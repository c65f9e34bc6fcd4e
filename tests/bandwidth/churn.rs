//! What a link carries while transfers join and leave all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use garland::Chance;
use garland::bandwidth::{Class, Direction, Rate, Stream};
use tokio::task::JoinSet;

use super::world::{Busy, CHUNK, builder, float, mb, ms};

#[expect(
    clippy::cast_precision_loss,
    reason = "tests move less than 2^53 bytes"
)]
fn exact(bytes: u64) -> f64 {
    bytes as f64
}

/// Rates change many times while one chunk waits: together no more passes than the link carries.
#[tokio::test(start_paused = true)]
async fn a_link_carries_no_more_while_others_join_and_leave() {
    const SEED: u64 = 20_260_613;
    let chance = Chance::seeded(SEED);
    let below = |bound: u64| chance.word() % bound;
    let bandwidth = builder().upload(mb(1)).build().unwrap();
    let begun = tokio::time::Instant::now();
    let steady: Vec<_> = (0..4)
        .map(|n| Busy::join(&bandwidth, &Stream::upload(format!("studio-{n}"), "s3")))
        .collect();
    let short = Arc::new(AtomicU64::new(0));
    let mut guests = JoinSet::new();
    while begun.elapsed() < Duration::from_secs(60) {
        // Most go when their one small file is through, some before; now and then one has the whole link for itself.
        let class = Class::ALL[usize::try_from(below(40)).unwrap().min(3)];
        let stream = Stream::upload(format!("guest-{}", below(8)), "s3").with_class(class);
        let lane = bandwidth.join(&stream).unwrap();
        let (bytes, life) = (
            usize::try_from(1 + below(4_096)).unwrap(),
            ms(1 + below(400)),
        );
        let short = Arc::clone(&short);
        guests.spawn(async move {
            let _ = tokio::time::timeout(life, lane.take(bytes)).await;
            short.fetch_add(lane.taken(), Ordering::Relaxed);
        });
        tokio::time::sleep(ms(1 + below(12))).await;
    }
    while guests.join_next().await.is_some() {}
    let carried = 1e6 * begun.elapsed().as_secs_f64();
    let short = exact(short.load(Ordering::Relaxed));
    let passed = short + steady.iter().map(|busy| float(busy.bytes())).sum::<f64>();
    assert!(short > carried / 20.0, "seed {SEED}: {short}");
    // Bytes pass when they are paid for, so that nobody leaves with any that are not.
    let most = carried + float(CHUNK);
    assert!(passed <= most, "seed {SEED}: {passed} of {carried}");
    assert!(
        passed >= carried * 0.75,
        "seed {SEED}: {passed} of {carried}"
    );
}

/// A rate that falls and rises makes no bytes free.
#[tokio::test(start_paused = true)]
async fn who_is_set_back_often_gets_what_the_link_carries() {
    for (chunk, rates, every) in [
        (CHUNK, [50_000, 0], 200),
        (CHUNK, [1_000_000, 500_000], 4),
        (CHUNK, [1_020_000, 980_000], 4),
        (4 * CHUNK, [11_000, 9_000], 200),
    ] {
        let rates = rates.map(Rate::bytes);
        let bandwidth = builder().upload(rates[0]).build().unwrap();
        let lane = bandwidth.join(&Stream::upload("acme", "s3")).unwrap();
        let busy = Busy::with(lane, chunk);
        let begun = tokio::time::Instant::now();
        for _ in 0..(60_000 / every / 2) {
            for rate in rates {
                bandwidth.set_capacity(Direction::Upload, Some(rate));
                tokio::time::sleep(ms(every)).await;
            }
        }
        let mean = exact(rates[0].as_bytes() + rates[1].as_bytes()) / 2.0;
        let carried = mean * begun.elapsed().as_secs_f64();
        let passed = float(busy.bytes());
        // Changes are felt within 5 ms, in both directions.
        let (least, most) = (carried * 0.95 - float(chunk), carried * 1.05);
        assert!(
            (least..=most).contains(&passed),
            "{rates:?}: {passed} of {carried}"
        );
    }
}
