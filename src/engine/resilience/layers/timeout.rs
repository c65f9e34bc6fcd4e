//! An end for calls that hang.

use std::sync::Arc;
use std::time::Duration;

use crate::connector::PlatformConnector;
use crate::error::{Error, ErrorKind, Result};

use super::base::{Scope, has_hung};
use super::breaker::{Breaker, Era};
use super::seam::{Around, Call, ConnectorLayer, Wrapped};

/// How [`Timeout`] goes about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TimeoutOptions {
    /// How long one try of a [quick](Call::is_quick) call may take. Default 20 s, so that there is time for another before
    /// [`RetryOptions::deadline`](super::RetryOptions::deadline).
    pub limit: Duration,
    /// How long one try of a call that is not quick may take: bytes, changes, what publishes. Default
    /// 10 min, so that a large file may be copied, but nothing that hangs holds its places for ever.
    pub ceiling: Duration,
}

impl Default for TimeoutOptions {
    fn default() -> Self {
        Self {
            limit: Duration::from_secs(20),
            ceiling: Duration::from_secs(600),
        }
    }
}

impl TimeoutOptions {
    /// Sets [`TimeoutOptions::limit`].
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sets [`TimeoutOptions::ceiling`].
    #[must_use]
    pub fn with_ceiling(mut self, ceiling: Duration) -> Self {
        self.ceiling = ceiling;
        self
    }
}

/// Ends a call that hangs with [`ErrorKind::Timeout`], which counts as a failure of the platform.
///
/// [Quick](Call::is_quick) calls are cut off soon. Others may take their time, for of most of them nobody
/// would know what came of them; whoever has waited longer than the limit of a quick call and gives up
/// has seen the platform fail, and a [`Breaker`] that the layer was told of hears of it. Of a call that is
/// [long](Call::is_long) that is true only of a transfer that has seen it stall: somebody who cancels a slow
/// upload says nothing.
///
/// After a write that was cut off, its session answers further ones with [`ErrorKind::Expired`]: only the
/// platform knows how much has arrived, so the upload has to be resumed by its token.
#[derive(Clone, Debug)]
pub struct Timeout {
    scope: Scope,
    options: TimeoutOptions,
    breaker: Option<Breaker>,
}

impl Timeout {
    /// Makes the layer of one account.
    #[must_use]
    pub fn new(scope: Scope, options: TimeoutOptions) -> Self {
        Self {
            scope,
            options,
            breaker: None,
        }
    }

    /// Tells a breaker of requests that hung until somebody gave up.
    #[must_use]
    pub fn with_breaker(mut self, breaker: &Breaker) -> Self {
        self.breaker = Some(breaker.clone());
        self
    }

    fn watch<'a>(&'a self, call: &'a Call) -> Option<Watch<'a>> {
        let breaker = self.breaker.as_ref().filter(|_| call.is_request())?;
        Some(Watch {
            era: breaker.era(call.kind())?,
            layer: self,
            breaker,
            call,
            sent: self.scope.now(),
            is_open: true,
        })
    }
}

impl ConnectorLayer for Timeout {
    fn apply(&self, inner: Arc<dyn PlatformConnector>) -> Arc<dyn PlatformConnector> {
        Arc::new(Wrapped::new(inner, self.clone()))
    }
}

impl Around for Timeout {
    async fn around<T, F, Fut>(&self, call: &Call, mut make: F) -> Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        let limit = if call.is_quick() {
            self.options.limit
        } else {
            self.options.ceiling
        };
        let watch = self.watch(call);
        let answer = tokio::time::timeout(limit, make()).await;
        if let Some(watch) = watch {
            watch.close();
        }
        answer.unwrap_or_else(|_| {
            // Not named as a refusal of a layer: it is the platform that did not answer.
            let message = "no answer within the time allowed for a try";
            Err(Error::new(ErrorKind::Timeout, "account.call", message)
                .with_context("account", self.scope.account())
                .with_context("call", call.name())
                .with_context("seconds", limit.as_secs()))
        })
    }
}

/// A request that is under way.
struct Watch<'a> {
    layer: &'a Timeout,
    breaker: &'a Breaker,
    call: &'a Call,
    era: Era,
    sent: Duration,
    is_open: bool,
}

impl Watch<'_> {
    fn close(mut self) {
        self.is_open = false;
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let took = self.layer.scope.now().saturating_sub(self.sent);
        if self.is_open && has_hung(self.call, took, self.layer.options.limit) {
            self.breaker.given_up(self.call.kind(), self.era);
        }
    }
}
