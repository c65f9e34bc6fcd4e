//! What a pool tells while it works.

use std::fmt;

use serde::Serialize;
use tokio::sync::broadcast;

use super::health::HealthState;

/// One thing that happened to a pool.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PoolEvent {
    /// The number of permits changed.
    Limit {
        /// What it was.
        from: usize,
        /// What it is.
        to: usize,
    },
    /// The health changed.
    Health {
        /// What it was.
        from: HealthState,
        /// What it is.
        to: HealthState,
    },
    /// All permits have come back after [`drain`](super::PlatformPool::drain).
    Drained,
    /// The receiver was too slow, and this many events are gone. What holds now is in
    /// [`stats`](super::PlatformPool::stats).
    Missed(u64),
}

/// How many events wait for a slow receiver before the oldest are dropped.
const WAITING: usize = 256;

/// Where a pool tells its events. Nothing waits for a receiver.
#[derive(Debug)]
pub(super) struct Tell<E>(broadcast::Sender<E>);

impl<E: Clone> Tell<E> {
    pub(super) fn new() -> Self {
        Self(broadcast::channel(WAITING).0)
    }

    pub(super) fn emit(&self, event: E) {
        // Nobody listening is fine.
        let _ = self.0.send(event);
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<E> {
        self.0.subscribe()
    }
}

/// Where somebody hears them.
pub(super) struct Listener<E>(pub(super) broadcast::Receiver<E>);

impl<E: Clone> Listener<E> {
    pub(super) async fn next(&mut self, missed: impl FnOnce(u64) -> E) -> Option<E> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(count)) => Some(missed(count)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// The events of a pool, in order.
pub struct PoolEvents(Listener<PoolEvent>);

impl PoolEvents {
    pub(super) fn new(receiver: broadcast::Receiver<PoolEvent>) -> Self {
        Self(Listener(receiver))
    }

    /// Waits for the next event; `None` when the pool is gone.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; no event is lost by it.
    pub async fn next(&mut self) -> Option<PoolEvent> {
        self.0.next(PoolEvent::Missed).await
    }
}

impl fmt::Debug for PoolEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolEvents").finish_non_exhaustive()
    }
}
