//! How far a rotation is.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::broadcast;

use crate::error::ErrorKind;

/// What a rotation is doing.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RotationPhase {
    /// Counting the keys that are not of the current epoch.
    Count,
    /// Wrapping them anew.
    Rewrap,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RotationProgress {
    /// Keys wrapped anew, or found to be impossible.
    pub done: u64,
    /// Keys in all, as counted at the beginning; more once more are found.
    pub total: u64,
    /// Keys a second, since the beginning.
    pub per_second: f64,
    /// How long the rest will take at this rate; `None` while nobody can tell.
    pub eta: Option<Duration>,
}

impl RotationProgress {
    pub(super) fn new(done: u64, total: u64, took: Duration) -> Self {
        let total = total.max(done);
        let seconds = took.as_secs_f64();
        let per_second = if seconds > 0.0 {
            as_f64(done) / seconds
        } else {
            0.0
        };
        let rest = as_f64(total - done);
        let eta = if total == done {
            Some(Duration::ZERO)
        } else if per_second > 0.0 {
            Duration::try_from_secs_f64(rest / per_second).ok()
        } else {
            None
        };
        Self {
            done,
            total,
            per_second,
            eta,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate for people needs no more than 53 bits"
)]
fn as_f64(number: u64) -> f64 {
    number as f64
}

/// One thing that happened in a rotation.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RotationEvent {
    /// A phase has begun.
    Phase {
        /// Which.
        phase: RotationPhase,
    },
    /// How far it is: after every batch.
    Progress(RotationProgress),
    /// One key could not be wrapped anew; the others go on.
    Failed {
        /// The id of its record.
        record: String,
        /// What can be done.
        kind: ErrorKind,
        /// What happened.
        message: String,
    },
    /// It is over.
    Finished {
        /// The epoch that is current now.
        epoch: u64,
        /// How many keys were wrapped anew.
        moved: u64,
        /// How many could not be.
        failed: u64,
    },
    /// The receiver was too slow, and this many events are gone. Totals are in the next progress.
    Missed(u64),
}

/// How many events wait for a slow receiver before the oldest are dropped.
const WAITING: usize = 1_024;

/// Where a rotation tells its events. Nothing waits for a receiver.
#[derive(Debug)]
pub(super) struct Tell(broadcast::Sender<RotationEvent>);

impl Tell {
    pub(super) fn new() -> Self {
        Self(broadcast::channel(WAITING).0)
    }

    pub(super) fn emit(&self, event: RotationEvent) {
        // Nobody listening is fine.
        let _ = self.0.send(event);
    }

    pub(super) fn subscribe(&self) -> RotationEvents {
        RotationEvents(self.0.subscribe())
    }
}

/// The events of a rotation, in order.
#[derive(Debug)]
pub(super) struct RotationEvents(broadcast::Receiver<RotationEvent>);

impl RotationEvents {
    pub(super) async fn next(&mut self) -> Option<RotationEvent> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(RotationEvent::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_told_by_the_rate() {
        let progress = RotationProgress::new(100, 300, Duration::from_secs(2));
        assert_eq!(progress.eta, Some(Duration::from_secs(4)));
        assert_eq!(RotationProgress::new(0, 3, Duration::ZERO).eta, None);
        let done = RotationProgress::new(5, 3, Duration::from_secs(1));
        assert_eq!((done.total, done.eta), (5, Some(Duration::ZERO)));
    }
}
