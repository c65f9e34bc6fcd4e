//! No more calls of a kind at once than an account can take, and no endless queue before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, TryAcquireError};
use tokio::time::timeout;

use crate::connector::PlatformConnector;
use crate::error::{Error, ErrorKind, Result};

use super::base::{ResilienceEventKind, Scope, refused, soon, way};
use super::seam::{Around, Call, CallKind, ConnectorLayer, Wrapped};

/// How [`Bulkhead`] goes about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BulkheadOptions {
    /// How many calls of one kind run at once. Default 16, at least 1.
    pub at_once: usize,
    /// How many more of them wait. Default 1,024.
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

/// Lets a bounded number of calls of each kind run at once on an account, in the order they came, and
/// a bounded number wait. One more fails at once with [`ErrorKind::Unavailable`] and is
/// told to come again soon; so is one that waits longer than
/// [`ResilienceOptions::patience`](super::ResilienceOptions::patience).
///
/// A call counts while it is awaited: a file that is read counts while it is opened, not while its
/// pieces are consumed, so that somebody who holds many readers open never waits for himself.
///
/// # Cancel safety
/// A call that is dropped gives its place back, whether it waits or runs.
#[derive(Clone, Debug)]
pub struct Bulkhead(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    scope: Scope,
    queue: usize,
    kinds: Vec<(CallKind, Hold)>,
}

#[derive(Debug)]
struct Hold {
    places: Semaphore,
    waiting: AtomicUsize,
}

impl Bulkhead {
    /// Makes the layer of one account.
    #[must_use]
    pub fn new(scope: Scope, options: BulkheadOptions) -> Self {
        let places = options.at_once.clamp(1, Semaphore::MAX_PERMITS);
        let hold = |kind| {
            let places = Semaphore::new(places);
            let waiting = AtomicUsize::new(0);
            (kind, Hold { places, waiting })
        };
        Self(Arc::new(Shared {
            scope,
            queue: options.queue,
            kinds: CallKind::ALL.map(hold).into(),
        }))
    }

    /// Returns how many calls of a kind could begin at once.
    #[must_use]
    pub fn free(&self, kind: CallKind) -> usize {
        self.hold(kind)
            .map_or(0, |hold| hold.places.available_permits())
    }

    fn hold(&self, kind: CallKind) -> Option<&Hold> {
        let mut kinds = self.0.kinds.iter();
        kinds.find(|(own, _)| *own == kind).map(|(_, hold)| hold)
    }

    fn crowded(&self, call: &Call, message: &str) -> Error {
        let kind = call.kind();
        self.0.scope.tell(ResilienceEventKind::Crowded { kind });
        refused(
            &self.0.scope,
            call,
            ErrorKind::Unavailable,
            "resilience.bulkhead",
            message,
            Some(soon(&self.0.scope)),
        )
    }
}

/// One who waits, until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let (set, get) = (Ordering::AcqRel, Ordering::Acquire);
        let more = |count: usize| (count < most).then_some(count + 1);
        waiting
            .try_update(set, get, more)
            .ok()
            .map(|_| Self(waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
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
            Ok(place) => Some(place),
            // Never closed; if it were, nothing would be bounded any more, but all would go on.
            Err(TryAcquireError::Closed) => None,
            Err(TryAcquireError::NoPermits) => {
                let waiting = Waiting::join(&hold.waiting, self.0.queue);
                let crowded = "too many calls of this kind wait for the account";
                let waiting = waiting.ok_or_else(|| self.crowded(call, crowded))?;
                let patience = way::patience(self.0.scope.now(), Duration::MAX);
                let place = timeout(patience, hold.places.acquire()).await;
                drop(waiting);
                let late = "no call of this kind has ended in time";
                place.map_err(|_| self.crowded(call, late))?.ok()
            }
        };
        make().await
    }
}
