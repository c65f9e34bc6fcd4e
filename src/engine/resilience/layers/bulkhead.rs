//! No more calls of a kind at once than an account can take, and no endless queue before it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::connector::PlatformConnector;
use crate::engine::resilience::pool::{Permits, Priority};
use crate::error::{Error, ErrorKind, Result};

use super::base::{Queue, ResilienceEventKind, Scope, refused, soon, way};
use super::seam::{Around, Call, CallKind, ConnectorLayer, Wrapped};

/// How [`Bulkhead`] goes about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BulkheadOptions {
    /// How many calls of one kind run at once. Default 16, at least 1.
    pub at_once: usize,
    /// How many more of them wait, those not counted that are less urgent. Default 1,024.
    pub queue: usize,
}

impl Default for BulkheadOptions {
    fn default() -> Self {
        Self {
            at_once: 16,
            queue: 1024,
        }
    }
}

impl BulkheadOptions {
    /// Sets [`BulkheadOptions::at_once`].
    #[must_use]
    pub fn with_at_once(mut self, calls: usize) -> Self {
        self.at_once = calls.max(1);
        self
    }

    /// Sets [`BulkheadOptions::queue`].
    #[must_use]
    pub fn with_queue(mut self, calls: usize) -> Self {
        self.queue = calls;
        self
    }
}

/// Lets a bounded number of calls of each kind run at once on an account, the most urgent first and ties in the
/// order they came, and a bounded number wait. One more fails at once with [`ErrorKind::Unavailable`] and is
/// told to come again soon; so is one that waits longer than
/// [`ResilienceOptions::patience`](super::ResilienceOptions::patience).
///
/// A call counts while it is awaited: a file that is read counts while it is opened, not while its
/// pieces are consumed, so that somebody who holds many readers open never waits for himself.
///
/// # Cancel safety
/// A call that is dropped gives its place back, whether it waits or runs.
#[derive(Clone, Debug)]
pub struct Bulkhead {
    shared: Arc<Shared>,
    priority: Priority,
}

#[derive(Debug)]
struct Shared {
    scope: Scope,
    kinds: Vec<(CallKind, Hold)>,
}

#[derive(Debug)]
struct Hold {
    places: Permits,
    waiting: Queue,
}

impl Bulkhead {
    /// Makes the layer of one account, for calls of [`Priority::NORMAL`].
    #[must_use]
    pub fn new(scope: Scope, options: BulkheadOptions) -> Self {
        let hold = |kind| {
            let places = Permits::new(options.at_once.max(1));
            let waiting = Queue::new(options.queue);
            (kind, Hold { places, waiting })
        };
        Self {
            shared: Arc::new(Shared {
                scope,
                kinds: CallKind::ALL.map(hold).into(),
            }),
            priority: Priority::NORMAL,
        }
    }

    /// Returns a view of the same bounds for calls of another urgency.
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Returns how many calls of a kind could begin at once.
    #[must_use]
    pub fn free(&self, kind: CallKind) -> usize {
        self.hold(kind).map_or(0, |hold| {
            let places = &hold.places;
            places.limit().saturating_sub(places.in_use())
        })
    }

    fn hold(&self, kind: CallKind) -> Option<&Hold> {
        let mut kinds = self.shared.kinds.iter();
        kinds.find(|(own, _)| *own == kind).map(|(_, hold)| hold)
    }

    fn crowded(&self, call: &Call, message: &str) -> Error {
        let kind = call.kind();
        let scope = &self.shared.scope;
        scope.tell(ResilienceEventKind::Crowded { kind });
        refused(
            scope,
            call,
            ErrorKind::Unavailable,
            "resilience.bulkhead",
            message,
            Some(soon(scope)),
        )
    }
}

impl ConnectorLayer for Bulkhead {
    fn apply(&self, inner: Arc<dyn PlatformConnector>) -> Arc<dyn PlatformConnector> {
        Arc::new(Wrapped::new(inner, self.clone()))
    }
}

impl Around for Bulkhead {
    async fn around<T, F, Fut>(&self, call: &Call, mut make: F) -> Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        let Some(hold) = self.hold(call.kind()).filter(|_| call.is_request()) else {
            return make().await;
        };
        let _place = match hold.places.try_acquire() {
            Some(place) => Some(place),
            None => {
                let waiting = hold.waiting.join(self.priority);
                let crowded = "too many calls of this kind wait for the account";
                let waiting = waiting.ok_or_else(|| self.crowded(call, crowded))?;
                let place = way::wait(&self.shared.scope, Duration::MAX, |patience| {
                    timeout(patience, hold.places.acquire(self.priority))
                });
                let place = place.await;
                drop(waiting);
                let late = "no call of this kind has ended in time";
                // Never closed; if it were, nothing would be bounded any more, but all would go on.
                place.map_err(|_| self.crowded(call, late))?.ok()
            }
        };
        make().await
    }
}
