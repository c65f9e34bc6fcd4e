//! The task that keeps rates right: who wakes it, and where it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use garland::bandwidth::{Bandwidth, Direction, Stream, Timetable};
use garland::testing::PausedClock;
use garland::{Clock, ErrorKind, Timestamp};

use super::world::{builder, mb, ms};

/// A clock whose wall time can be put forward.
#[derive(Debug)]
struct Jumping {
    clock: PausedClock,
    ahead: AtomicU64,
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        let ahead = Duration::from_millis(self.ahead.load(Ordering::Relaxed));
        self.clock.now().saturating_add(ahead)
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
}

/// Whoever notices that the wall clock has jumped past an edge has rates worked out again, refused or not.
#[tokio::test(start_paused = true)]
async fn a_refused_join_wakes_the_task_too() {
    let clock = Arc::new(Jumping {
        clock: PausedClock::starting(Timestamp::from_millis(0)),
        ahead: AtomicU64::new(0),
    });
    let table = Timetable::new("UTC")
        .daily("00:00".parse().unwrap(), None)
        .and_then(|table| table.daily("12:00".parse().unwrap(), Some(mb(3))))
        .unwrap();
    let bandwidth = Bandwidth::builder()
        .clock(Arc::<Jumping>::clone(&clock))
        .timetable(Direction::Upload, table)
        .build()
        .unwrap();
    let stream = Stream::upload("acme", "s3");
    let lane = bandwidth.join(&stream).unwrap();
    tokio::time::sleep(ms(10)).await;
    assert_eq!(lane.rate(), None);

    clock.ahead.store(13 * 3_600_000, Ordering::Relaxed);
    let refused = bandwidth.join(&stream.with_weight(0)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    tokio::time::sleep(ms(5)).await;
    assert_eq!(lane.rate(), Some(mb(3)));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

/// The runtime that began the task is alive, but nobody drives it any more.
#[test]
fn who_waits_takes_the_task_over_from_a_runtime_that_stands_still() {
    let (first, second) = (runtime(), runtime());
    let (bandwidth, idle) = first.block_on(async {
        let bandwidth = builder().upload(mb(2)).build().unwrap();
        let lane = bandwidth.join(&Stream::upload("acme", "s3")).unwrap();
        lane.take(1_000).await;
        (bandwidth, lane)
    });
    second.block_on(async {
        let lane = bandwidth.join(&Stream::upload("bella", "s3")).unwrap();
        let wait = lane.take(1_000);
        tokio::time::timeout(Duration::from_secs(2), wait)
            .await
            .expect("it has a rate");
        assert_eq!(lane.rate(), Some(mb(1)));
        // From here on changes are felt as soon as ever.
        drop(idle);
        tokio::time::sleep(ms(5)).await;
        assert_eq!(lane.rate(), Some(mb(2)));
        bandwidth.set_capacity(Direction::Upload, Some(mb(7)));
        tokio::time::sleep(ms(5)).await;
        assert_eq!(lane.rate(), Some(mb(7)));
    });
    drop(first);
}
