//! One call to a platform: bounded in time, tried again where that can help, ended by a cancel.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::resilience::{Caller, RetryPolicy};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Chance;
use crate::telemetry::{RETRIES, Telemetry};

/// How many times longer than others a call may take that does much work before it answers.
const LONG: u32 = 20;

/// What every call of a transfer is held to.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    pub(crate) retry: RetryPolicy,
    pub(crate) stall: Duration,
    pub(crate) chance: Chance,
    pub(crate) cancel: CancellationToken,
    pub(crate) telemetry: Telemetry,
}

impl Calls {
    /// The same, for what has to be done even when the rest is cancelled.
    pub(crate) fn to_the_end(&self) -> Self {
        Self {
            cancel: CancellationToken::new(),
            ..self.clone()
        }
    }

    /// Awaits one call.
    pub(crate) async fn once<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.within(self.stall, operation, call).await
    }

    /// Awaits one call that does much work before it answers, such as to make a large file appear.
    pub(crate) async fn long<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.within(self.stall.saturating_mul(LONG), operation, call)
            .await
    }

    async fn within<T>(
        &self,
        limit: Duration,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let caller = Caller::default();
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(cancelled(operation)),
            answer = caller.within(limit, call) => answer.unwrap_or_else(|| {
                Err(Error::new(ErrorKind::Timeout, operation, "no progress within the time allowed")
                    .with_context("seconds", limit.as_secs()))
            }),
        }
    }

    /// Awaits a call that may be made several times with the same effect as once.
    pub(crate) async fn repeat<T, F: Future<Output = Result<T>>>(
        &self,
        operation: &'static str,
        mut call: impl FnMut() -> F,
    ) -> Result<T> {
        let mut failures = 0;
        loop {
            let error = match self.once(operation, call()).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            failures += 1;
            self.wait(operation, failures, error).await?;
        }
    }

    /// Waits before the next try after `failures` failures, the last of them `error`; gives the
    /// error back when there is to be none.
    pub(crate) async fn wait(
        &self,
        operation: &'static str,
        failures: u32,
        error: Error,
    ) -> Result<()> {
        let Some(wait) = self.retry.wait(failures, &error, &self.chance) else {
            return Err(error);
        };
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.telemetry
            .count(RETRIES, &[("operation", operation)], 1);
        tracing::debug!(operation, attempt = failures, wait_ms, error = %error, "will try again");
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(cancelled(operation)),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }
}

pub(crate) fn cancelled(operation: &'static str) -> Error {
    Error::new(ErrorKind::Cancelled, operation, "the work was cancelled")
}
