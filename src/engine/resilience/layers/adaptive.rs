//! As many calls at once as the platform bears, found out by trying.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::connector::PlatformConnector;
use crate::engine::resilience::pool::{Outcome, PlatformPool, PoolOptions, PoolPermit, Priority};
use crate::error::{ErrorKind, Result};

use super::base::{Scope, has_hung, is_own, refused, soon, way};
use super::pause::Pause;
use super::quota::Quota;
use super::seam::{Around, Call, CallKind, ConnectorLayer, Wrapped};
use super::timeout::TimeoutOptions;

/// How [`Adaptive`] goes about it in a stack.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AdaptiveOptions {
    /// The pool of each account; `None`, the default: [`PoolOptions::for_platform`].
    pub pool: Option<PoolOptions>,
}

impl AdaptiveOptions {
    /// Sets [`AdaptiveOptions::pool`].
    #[must_use]
    pub fn with_pool(mut self, pool: impl Into<Option<PoolOptions>>) -> Self {
        self.pool = pool.into();
        self
    }
}

/// Takes a permit of a [`PlatformPool`] for each request, and tells the pool what became of it, by which
/// it finds out how many the platform bears at once.
///
/// What publishes ([`CallKind::Publish`]) goes without a permit: a post may read its pictures from the
/// account that it goes to, and would wait for itself. A file that is read holds its permit while it is
/// opened.
///
/// # Cancel safety
/// A call that is dropped gives its permit back, or its place in the line, and says nothing about the
/// platform; but if its request has been out for longer than a quick call may take
/// ([`TimeoutOptions::limit`]), it counts as not answered; if it is [long](Call::is_long), only when a
/// transfer has seen it stall.
#[derive(Clone, Debug)]
pub struct Adaptive {
    scope: Scope,
    pool: PlatformPool,
    priority: Priority,
    quota: Option<Quota>,
    pause: Option<Pause>,
    hangs_after: Duration,
}

impl Adaptive {
    /// Makes the layer of the account that the pool belongs to, for calls of
    /// [`Priority::NORMAL`].
    #[must_use]
    pub fn new(scope: Scope, pool: PlatformPool) -> Self {
        Self {
            scope,
            pool,
            priority: Priority::NORMAL,
            quota: None,
            pause: None,
            hangs_after: TimeoutOptions::default().limit,
        }
    }

    /// Returns a view of the same pool for calls of another urgency.
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Waits for a quota with the permit in hand, which then needs no layer of its own: so a wait for
    /// the quota is not taken for slowness of the platform, and nothing lies between its turn and the
    /// request.
    #[must_use]
    pub fn with_quota(mut self, quota: &Quota) -> Self {
        self.quota = Some(quota.clone());
        self
    }

    /// Looks at a pause again with the permit and the turn of the quota in hand, and waits for its end
    /// without them: a call that had passed it may have waited here until the next had begun.
    #[must_use]
    pub fn with_pause(mut self, pause: &Pause) -> Self {
        self.pause = Some(pause.clone());
        self
    }

    /// Sets after how long a request that is given up on counts as not answered.
    pub(super) fn hanging_after(mut self, limit: Duration) -> Self {
        self.hangs_after = limit;
        self
    }

    /// Returns the pool.
    #[must_use]
    pub fn pool(&self) -> &PlatformPool {
        &self.pool
    }

    /// Waits until a request may go out.
    async fn turn<'a>(&'a self, call: &'a Call) -> Result<Out<'a>> {
        loop {
            let permit = match call.kind() {
                CallKind::Publish => None,
                _ => Some(self.permit(call).await?),
            };
            let out = Out {
                layer: self,
                call,
                permit,
                sent: None,
            };
            if self.running_pause().is_none()
                && let Some(quota) = &self.quota
            {
                quota.turn(call, self.priority).await?;
            }
            let Some(pause) = self.running_pause() else {
                return Ok(out.sent(self.scope.now()));
            };
            drop(out);
            pause.wait(call, self.priority).await?;
        }
    }

    async fn permit(&self, call: &Call) -> Result<PoolPermit> {
        const LAYER: &str = "resilience.adaptive";
        let permit = way::wait(&self.scope, Duration::MAX, |patience| {
            timeout(patience, self.pool.acquire(self.priority))
        });
        let permit = permit.await.map_err(|_| {
            let (kind, message) = (ErrorKind::Unavailable, "no call has ended in time");
            let wait = Some(soon(&self.scope));
            refused(&self.scope, call, kind, LAYER, message, wait)
        })?;
        permit.map_err(|cause| {
            let message = "the account is out of use";
            refused(&self.scope, call, cause.kind(), LAYER, message, None).with_source(cause)
        })
    }

    fn running_pause(&self) -> Option<&Pause> {
        let pause = self.pause.as_ref();
        pause.filter(|pause| pause.remaining().is_some())
    }
}

/// A call with its permit, if it needs one, and when its request was sent, if it was.
struct Out<'a> {
    layer: &'a Adaptive,
    call: &'a Call,
    permit: Option<PoolPermit>,
    sent: Option<Duration>,
}

impl Out<'_> {
    fn sent(mut self, now: Duration) -> Self {
        self.sent = Some(now);
        self
    }

    fn answered<T>(mut self, answer: &Result<T>) {
        let Some(sent) = self.sent.take() else {
            return;
        };
        if let (Some(pause), Err(error)) = (&self.layer.pause, answer) {
            pause.hear(error, sent);
        }
        let is_told = !answer.as_ref().is_err_and(is_own);
        let Some(permit) = self.permit.take().filter(|_| is_told) else {
            return;
        };
        let outcome = Outcome::of(answer);
        if self.call.is_quick() {
            let took = self.layer.scope.now().saturating_sub(sent);
            permit.done_with_latency(outcome, took);
        } else {
            // How long bytes and large changes take shows how large they are.
            permit.done_without_latency(outcome);
        }
    }
}

impl Drop for Out<'_> {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        let now = self.layer.scope.now();
        match self.sent.map(|sent| now.saturating_sub(sent)) {
            None => permit.give_back(),
            Some(out) if has_hung(self.call, out, self.layer.hangs_after) => {
                permit.done_without_latency(Outcome::Unavailable);
            }
            Some(_) => drop(permit),
        }
    }
}

impl ConnectorLayer for Adaptive {
    fn apply(&self, inner: Arc<dyn PlatformConnector>) -> Arc<dyn PlatformConnector> {
        Arc::new(Wrapped::new(inner, self.clone()))
    }
}

impl Around for Adaptive {
    async fn around<T, F, Fut>(&self, call: &Call, mut make: F) -> Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        if !call.is_request() {
            return make().await;
        }
        let out = self.turn(call).await?;
        let answer = make().await;
        out.answered(&answer);
        answer
    }
}
