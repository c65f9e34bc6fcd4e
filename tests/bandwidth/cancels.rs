//! Waits that are given up.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use garland::Chance;
use garland::bandwidth::{Direction, Stream};

use super::world::{builder, mb, ms, near};

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_dropped_gives_its_bytes_back() {
    let bandwidth = builder().upload(mb(1)).build().unwrap();
    let lane = bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap();
    let begun = tokio::time::Instant::now();
    for _ in 0..1_000 {
        // Ten seconds' worth, given up after a tenth of a millisecond of waiting or none.
        let wait = lane.take(10_000_000);
        assert!(
            tokio::time::timeout(Duration::from_micros(100), wait)
                .await
                .is_err()
        );
    }
    let spent = begun.elapsed();
    assert_eq!(lane.taken(), 0);
    // All that time nothing passed: a tenth of a second of it may be caught up.
    lane.take(1_000_000).await;
    let took = (begun.elapsed() - spent).as_secs_f64();
    assert!((0.89..=1.01).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn who_queues_behind_a_dropped_wait_does_not_pay_for_it() {
    let bandwidth = builder().upload(mb(1)).build().unwrap();
    let lane = bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap();
    tokio::time::sleep(ms(10)).await;
    let begun = tokio::time::Instant::now();
    let mut short = pin!(lane.take(100_000));
    {
        let mut long = pin!(lane.take(100_000_000));
        // The long one has the turn, the short one queues behind it.
        let both = async { tokio::join!(long.as_mut(), short.as_mut()) };
        assert!(tokio::time::timeout(ms(50), both).await.is_err());
    }
    short.await;
    near(begun.elapsed().as_secs_f64(), 0.1, 0.6);
    assert_eq!(lane.taken(), 100_000);
}

/// A million waits of any size, dropped when they were never polled, polled once, or in a queue, between some that pass:
/// in the end exactly as much has passed as the rate gives, and nobody holds the turn.
#[tokio::test(start_paused = true)]
async fn a_million_cancels_leave_the_accounting_right() {
    const SEED: u64 = 20_260_620;
    let chance = Chance::seeded(SEED);
    let below = |bound: u64| usize::try_from(chance.word() % bound).unwrap();
    let bandwidth = builder().upload(mb(1)).build().unwrap();
    let lane = bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap();
    tokio::time::sleep(ms(10)).await;
    let begun = tokio::time::Instant::now();
    let (mut cancelled, mut passed) = (0, 0);
    let mut context = Context::from_waker(Waker::noop());
    while cancelled < 1_000_000 {
        {
            let sizes = [1 + below(1 << 20), 1 + below(1 << 20)];
            let (first, second) = (pin!(lane.take(sizes[0])), pin!(lane.take(sizes[1])));
            for (wait, size) in [first, second].iter_mut().zip(sizes) {
                // A small one may pass, as timers are late by up to a millisecond.
                if below(2) == 0 && wait.as_mut().poll(&mut context).is_ready() {
                    passed += size;
                } else {
                    cancelled += 1;
                }
            }
        }
        if below(500) == 0 {
            let bytes = 1 + below(50_000);
            lane.take(bytes).await;
            passed += bytes;
        }
    }
    assert_eq!(lane.taken(), u64::try_from(passed).unwrap(), "seed {SEED}");
    let expected = f64::from(u32::try_from(passed).unwrap()) / 1e6;
    near(begun.elapsed().as_secs_f64(), expected, 0.01);
    lane.take(10).await;
    bandwidth.set_capacity(Direction::Upload, None);
    tokio::time::sleep(ms(5)).await;
    lane.take(usize::MAX).await;
}
