//! A link on paused time, and transfers that take from it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use garland::bandwidth::{Bandwidth, BandwidthBuilder, Lane, Rate, Stream};
use garland::testing::PausedClock;
use garland::{Clock as _, Timestamp};

/// What a transfer takes at a time.
pub(crate) const CHUNK: usize = 64 << 10;

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn mb(megabytes: u64) -> Rate {
    Rate::megabytes(megabytes)
}

/// A builder whose time is tokio's; it begins at the epoch.
pub(crate) fn builder() -> BandwidthBuilder {
    starting(0)
}

/// A builder whose time is tokio's; it begins so many milliseconds after the epoch.
pub(crate) fn starting(millis: i64) -> BandwidthBuilder {
    let clock = PausedClock::starting(Timestamp::from_millis(millis));
    Bandwidth::builder().clock(Arc::new(clock))
}

/// A transfer that takes as much as it can.
pub(crate) struct Busy {
    log: Arc<Mutex<Vec<(Duration, usize)>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Busy {
    /// Joins and takes until it is dropped.
    pub(crate) fn join(bandwidth: &Bandwidth, stream: &Stream) -> Self {
        Self::with(bandwidth.join(stream).unwrap(), CHUNK)
    }

    pub(crate) fn with(lane: Lane, chunk: usize) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let start = PausedClock::starting(Timestamp::from_millis(0));
        let own = Arc::clone(&log);
        let task = tokio::spawn(async move {
            loop {
                lane.take(chunk).await;
                own.lock().unwrap().push((start.elapsed(), chunk));
                // Lets others run where nothing is waited for.
                tokio::task::yield_now().await;
            }
        });
        Self { log, task }
    }

    fn log(&self) -> MutexGuard<'_, Vec<(Duration, usize)>> {
        self.log.lock().unwrap()
    }

    /// How many bytes have passed so far.
    pub(crate) fn bytes(&self) -> usize {
        self.log().iter().map(|(_, bytes)| bytes).sum()
    }

    /// How many bytes pass while `time` does.
    pub(crate) async fn during(&self, time: Duration) -> usize {
        let before = self.bytes();
        tokio::time::sleep(time).await;
        self.bytes() - before
    }

    /// Its rate over some time, in bytes a second.
    pub(crate) async fn rate(&self, time: Duration) -> f64 {
        float(self.during(time).await) / time.as_secs_f64()
    }

    /// The most bytes that passed in any window of such a length.
    pub(crate) fn busiest(&self, window: Duration) -> usize {
        let log = self.log();
        let windows = log.iter().enumerate().map(|(first, (from, _))| {
            let inside = log[first..]
                .iter()
                .take_while(|(at, _)| *at < *from + window);
            inside.map(|(_, bytes)| bytes).sum()
        });
        windows.max().unwrap_or(0)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "tests move less than 2^53 bytes"
)]
pub(crate) fn float(bytes: usize) -> f64 {
    bytes as f64
}

/// Holds one rate against another, both in bytes a second, with so much of it in between.
#[track_caller]
pub(crate) fn near(found: f64, expected: f64, part: f64) {
    let apart = (found - expected).abs();
    assert!(apart <= expected * part, "{found} is not {expected}");
}
