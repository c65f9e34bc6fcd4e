//! The layer that holds requests to the published limits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::connector::{PlatformConnector, RateLimit};
use crate::engine::resilience::pool::Priority;
use crate::error::{ErrorKind, Result};

use super::super::base::{Refusal, ResilienceEventKind, Scope, Turnstile, refused, soon, way};
use super::super::seam::{Around, Call, ConnectorLayer, Wrapped};
use super::window::Windows;

/// How [`Quota`] goes about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct QuotaOptions {
    /// By how much each window is longer here than published, because requests do not all take the
    /// same time to get there. Default 50 ms.
    pub slack: Duration,
    /// How long a call waits for its turn; if it would be longer, the call fails at once. Default 30 s.
    pub patience: Duration,
    /// How many calls wait at most, those not counted that are less urgent. Default 1,024.
    pub queue: usize,
}

impl Default for QuotaOptions {
    fn default() -> Self {
        Self {
            slack: Duration::from_millis(50),
            patience: Duration::from_secs(30),
            queue: 1024,
        }
    }
}

impl QuotaOptions {
    /// Sets [`QuotaOptions::slack`].
    #[must_use]
    pub fn with_slack(mut self, slack: Duration) -> Self {
        self.slack = slack;
        self
    }

    /// Sets [`QuotaOptions::patience`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets [`QuotaOptions::queue`].
    #[must_use]
    pub fn with_queue(mut self, queue: usize) -> Self {
        self.queue = queue;
        self
    }
}

/// Keeps the requests of an account within what its platform has published: in no window of any limit
/// are there ever more, wherever the window begins.
///
/// Several limits hold at once (so many a second and so many a day). Calls wait, the most urgent first
/// and ties in the order they came; one that would wait longer than [`QuotaOptions::patience`] fails at once with
/// [`ErrorKind::RateLimited`] and tells how long. It holds for one process and one value
/// of this layer, and a call counts as one request: hosts that reach one account in several ways share its limits
/// out among them.
///
/// # Cancel safety
/// A request is counted in the moment it is let through, so a call that is dropped while it waits
/// costs nothing and gives its place to the next.
#[derive(Clone, Debug)]
pub struct Quota {
    shared: Arc<Shared>,
    priority: Priority,
}

#[derive(Debug)]
struct Shared {
    scope: Scope,
    patience: Duration,
    windows: Mutex<Windows>,
    queue: Turnstile,
}

impl Quota {
    /// Makes the layer of one account, for calls of [`Priority::NORMAL`]; `limits` are as a rule
    /// [`Platform::rate_limits`](crate::connector::Platform::rate_limits).
    #[must_use]
    pub fn new(scope: Scope, limits: &[RateLimit], options: QuotaOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                scope,
                patience: options.patience,
                windows: Mutex::new(Windows::new(limits, options.slack)),
                queue: Turnstile::new(options.queue),
            }),
            priority: Priority::NORMAL,
        }
    }

    /// Returns a view of the same quota for calls of another urgency.
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Counts a request if there is room for it in this moment and nobody waits.
    #[must_use]
    pub fn try_take(&self) -> bool {
        self.shared.queue.is_empty() && self.windows().take(self.shared.scope.now()).is_ok()
    }

    fn windows(&self) -> MutexGuard<'_, Windows> {
        let windows = self.shared.windows.lock();
        windows.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn, and counts it in the moment it comes.
    pub(in super::super) async fn turn(&self, call: &Call, priority: Priority) -> Result<()> {
        let Shared {
            scope,
            patience,
            queue,
            ..
        } = &*self.shared;
        if self.windows().is_empty() {
            return Ok(());
        }
        let rule = |now| self.windows().take(now);
        let queued = |wait| scope.tell(ResilienceEventKind::QuotaReached { wait });
        let passed = way::wait(scope, *patience, |patience| {
            queue.pass(scope.clock(), patience, priority, rule, queued)
        });
        passed.await.map_err(|refusal| {
            let (message, wait) = match refusal {
                Refusal::Crowded => ("too many calls wait for the quota", None),
                Refusal::TooLong(wait) => ("the quota of the platform is used up", wait),
            };
            // There may be a turn then, though not for all who come.
            let wait = wait.unwrap_or_else(|| {
                let next = self.windows().wait(scope.now());
                next.max(soon(scope))
            });
            let wait = Some(wait).filter(|wait| *wait != Duration::MAX);
            let kind = ErrorKind::RateLimited;
            refused(scope, call, kind, "resilience.quota", message, wait)
        })
    }
}

impl ConnectorLayer for Quota {
    fn apply(&self, inner: Arc<dyn PlatformConnector>) -> Arc<dyn PlatformConnector> {
        Arc::new(Wrapped::new(inner, self.clone()))
    }
}

impl Around for Quota {
    async fn around<T, F, Fut>(&self, call: &Call, mut make: F) -> Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        if call.is_request() {
            self.turn(call, self.priority).await?;
        }
        make().await
    }
}
