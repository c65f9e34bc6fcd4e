//! An end for calls that hang.

use std::sync::Arc;
use std::time::Duration;

use crate::connector::PlatformConnector;
use crate::error::{Error, ErrorKind, Result};

use super::base::Scope;
use super::seam::{Around, Call, ConnectorLayer, Wrapped};

/// How [`Timeout`] goes about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TimeoutOptions {
    /// How long one try may take. Default 20 s, so that there is time for another before
    /// [`RetryOptions::deadline`](super::RetryOptions::deadline).
    pub limit: Duration,
}

impl Default for TimeoutOptions {
    fn default() -> Self {
        Self {
            limit: Duration::from_secs(20),
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
}

/// Ends a call that hangs with [`ErrorKind::Timeout`], which counts as a failure of the platform.
///
/// Only [quick](Call::is_quick) calls are cut off. Others may take their time, and of most of them
/// nobody would know what came of them.
#[derive(Clone, Debug)]
pub struct Timeout {
    scope: Scope,
    options: TimeoutOptions,
}

impl Timeout {
    /// Makes the layer of one account.
    #[must_use]
    pub fn new(scope: Scope, options: TimeoutOptions) -> Self {
        Self { scope, options }
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
        if !call.is_quick() {
            return make().await;
        }
        let limit = self.options.limit;
        let answer = tokio::time::timeout(limit, make()).await;
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
