//! What a run tells while it is under way.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::broadcast;

use crate::connector::{ConnectorName, FilePath, Skipped};
use crate::error::ErrorKind;
use crate::id::RunId;

use super::plan::Counts;
use super::progress::{Phase, Progress};

/// One thing that happened in a run.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SyncEvent {
    /// The run has begun.
    Started {
        /// Its id.
        run: RunId,
    },
    /// A phase has begun.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// A place was listed to its end, or as far as it would go.
    Listed {
        /// The place.
        replica: ConnectorName,
        /// How many files take part.
        files: u64,
        /// Whether the listing broke off.
        incomplete: bool,
    },
    /// Something in a listing is passed over.
    Skipped {
        /// The place.
        replica: ConnectorName,
        /// What, and why.
        skipped: Skipped,
    },
    /// There is a plan.
    Planned {
        /// How much it is.
        counts: Counts,
        /// How many conflicts it has.
        conflicts: u64,
    },
    /// How far it is. Several times a second at most.
    Progress(Progress),
    /// One file could not be done; the others go on.
    Failed {
        /// The file.
        path: FilePath,
        /// What was tried.
        phase: Phase,
        /// What can be done.
        kind: ErrorKind,
        /// What happened.
        message: String,
    },
    /// A file is not any more what it was when it was listed, and is planned again.
    Replanned {
        /// The file.
        path: FilePath,
    },
    /// The run is over.
    Finished {
        /// Its id.
        run: RunId,
        /// How long it took.
        took: Duration,
        /// How many files failed.
        failed: u64,
    },
    /// The receiver was too slow, and this many events are gone. Totals are in the next [`Progress`].
    Missed(u64),
}

/// How many events wait for a slow receiver before the oldest are dropped.
const WAITING: usize = 1_024;

/// Where a run tells its events. Nothing waits for a receiver.
#[derive(Clone, Debug)]
pub struct SyncEvents(broadcast::Sender<SyncEvent>);

impl SyncEvents {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(WAITING).0)
    }

    pub(crate) fn emit(&self, event: SyncEvent) {
        // Nobody listening is fine.
        let _ = self.0.send(event);
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> SyncEventStream {
        SyncEventStream(self.0.subscribe())
    }
}

/// The events of a run, in order.
#[derive(Debug)]
pub struct SyncEventStream(broadcast::Receiver<SyncEvent>);

impl SyncEventStream {
    /// Waits for the next event; `None` when the run is over.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; no event is lost by it.
    pub async fn next(&mut self) -> Option<SyncEvent> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(SyncEvent::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
