//! The task that keeps rates right: who wakes it, and where it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use garland::bandwidth::{Bandwidth, Direction, Lane, Stream, Timetable};
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

/// A clock that is set by hand, in milliseconds.
#[derive(Debug, Default)]
struct Hand(AtomicU64);

impl Hand {
    fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0).saturating_add(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        ms(self.0.load(Ordering::Relaxed))
    }
}

/// Whoever notices that the wall clock has jumped past an edge has rates worked out again, refused or not.
#[tokio::test(start_paused = true)]
async fn a_refused_join_wakes_the_task_too() {
    let clock = Arc::new(Jumping {
        clock: PausedClock::starting(Timestamp::from_millis(0)),
        ahead: AtomicU64::new(0),
    });
    let bandwidth = Bandwidth::builder()
        .clock(Arc::<Jumping>::clone(&clock))
        .timetable(Direction::Upload, by_day())
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

/// A link that is narrow from noon on.
fn by_day() -> Timetable {
    Timetable::new("UTC")
        .daily("00:00".parse().unwrap(), None)
        .and_then(|table| table.daily("12:00".parse().unwrap(), Some(mb(3))))
        .unwrap()
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

/// No task runs, and none can be started.
#[test]
fn a_change_outside_of_any_runtime_reaches_who_passes_freely() {
    let clock = Arc::new(Hand::default());
    let bandwidth = Bandwidth::builder()
        .clock(Arc::<Hand>::clone(&clock))
        .build()
        .unwrap();
    let lane = bandwidth.join(&Stream::upload("acme", "s3")).unwrap();
    assert_eq!(lane.rate(), None);
    let set = |capacity| {
        let bandwidth = bandwidth.clone();
        let setting = move || bandwidth.set_capacity(Direction::Upload, Some(capacity));
        std::thread::spawn(setting).join().unwrap();
    };
    set(mb(3));
    assert_eq!(lane.rate(), Some(mb(3)));
    // Another at the same moment is left to whoever comes when rates may be worked out again.
    set(mb(2));
    clock.advance(ms(5));
    assert_eq!(bandwidth.snapshot().upload.organizations.len(), 1);
    assert_eq!(lane.rate(), Some(mb(2)));
}

/// Nobody waits who would take the task over: neither from a runtime that ended before the task had run, nor from one
/// that ended before an edge of the timetable.
#[test]
fn who_passes_freely_takes_the_task_over_too() {
    const MIB: usize = 1 << 20;
    let join = |clock: &Arc<Hand>, timetable: Option<Timetable>| {
        let builder = Bandwidth::builder().clock(Arc::<Hand>::clone(clock));
        let bandwidth = match timetable {
            Some(timetable) => builder.timetable(Direction::Upload, timetable).build(),
            None => builder.build(),
        };
        let bandwidth = bandwidth.unwrap();
        let lane = bandwidth.join(&Stream::upload("acme", "s3")).unwrap();
        (bandwidth, lane)
    };
    let rate_after_a_mib = |lane: &Lane| {
        runtime().block_on(async {
            lane.take(MIB).await;
            tokio::task::yield_now().await;
            lane.rate()
        })
    };

    let clock = Arc::new(Hand::default());
    let (bandwidth, lane) = join(&clock, None);
    runtime().block_on(async { bandwidth.set_capacity(Direction::Upload, Some(mb(3))) });
    assert_eq!(lane.rate(), None);
    clock.advance(ms(501));
    assert_eq!(rate_after_a_mib(&lane), Some(mb(3)));

    let clock = Arc::new(Hand::default());
    let (_bandwidth, lane) = runtime().block_on(async {
        let joined = join(&clock, Some(by_day()));
        tokio::task::yield_now().await;
        joined
    });
    assert_eq!(rate_after_a_mib(&lane), None);
    clock.advance(Duration::from_secs(12 * 3_600) + ms(501));
    assert_eq!(rate_after_a_mib(&lane), Some(mb(3)));
}
