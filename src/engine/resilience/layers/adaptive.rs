//! As many calls at once as the platform bears, found out by trying.

use std::sync::Arc;

use crate::connector::PlatformConnector;
use crate::engine::resilience::pool::{Outcome, PlatformPool, PoolOptions, PoolPermit, Priority};
use crate::error::Result;

use super::base::{Scope, is_own, refused};
use super::quota::Quota;
use super::seam::{Around, Call, CallKind, ConnectorLayer, Wrapped};

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
/// platform.
#[derive(Clone, Debug)]
pub struct Adaptive {
    scope: Scope,
    pool: PlatformPool,
    priority: Priority,
    quota: Option<Quota>,
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

    /// Returns the pool.
    #[must_use]
    pub fn pool(&self) -> &PlatformPool {
        &self.pool
    }

    async fn permit(&self, call: &Call) -> Result<PoolPermit> {
        let permit = self.pool.acquire(self.priority).await;
        permit.map_err(|cause| {
            let (operation, message) = ("resilience.adaptive", "the account is out of use");
            refused(&self.scope, call, cause.kind(), operation, message, None).with_source(cause)
        })
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
        let permit = match call.kind() {
            CallKind::Publish => None,
            _ => Some(self.permit(call).await?),
        };
        if let Some(quota) = &self.quota {
            quota.turn(call).await?;
        }
        let sent = self.scope.now();
        let answer = make().await;
        let is_told = !answer.as_ref().is_err_and(is_own);
        if let Some(permit) = permit.filter(|_| is_told) {
            let took = self.scope.now().saturating_sub(sent);
            permit.done_with_latency(Outcome::of(&answer), took);
        }
        answer
    }
}
