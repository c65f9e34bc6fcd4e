//! An account's way to its platform.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};

use super::answer::HttpAnswer;
use super::client::HttpClient;
use super::credentials::{Anonymous, Credentials};
use super::refusal::{Judge, Refusal};
use super::request::HttpRequest;

/// An account's way to its platform: credentials on the way there, errors of the right kind on the way back.
///
/// A call is made once, and once more only if the platform refused the credentials and there are newer ones. All other
/// repeating is for the layers of [`resilience`](crate::resilience), which an orchestrator puts around every account. Cheap
/// to clone.
///
/// # Example
///
/// ```
/// use garland::ErrorKind;
/// use garland::connector::kit::{AccessToken, Api, Bearer, HttpClient, HttpOptions, HttpRequest, Refusal, Verdict};
///
/// /// This platform says 403 when it wants to say 429.
/// fn judge(refusal: &Refusal) -> Option<Verdict> {
///     let quota = refusal.status() == 403 && refusal.body().starts_with(b"quota");
///     quota.then(|| Verdict::new(ErrorKind::RateLimited).with_reason("quota"))
/// }
///
/// # fn main() -> garland::Result<()> {
/// let client = HttpClient::new(HttpOptions::default())?;
/// let api = Api::new("example", client)
///     .with_credentials(Bearer::new(AccessToken::new("secret")))
///     .with_judge(judge);
/// # let _ = api;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Api {
    platform: &'static str,
    client: HttpClient,
    credentials: Arc<dyn Credentials>,
    judge: Judge,
    clock: Arc<dyn Clock>,
}

impl Api {
    /// Makes calls without credentials, judged by their status alone. `platform` is the id of
    /// [`Platform`](crate::connector::Platform).
    #[must_use]
    pub fn new(platform: &'static str, client: HttpClient) -> Self {
        Self {
            platform,
            client,
            credentials: Arc::new(Anonymous),
            judge: |_| None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Sets the credentials.
    #[must_use]
    pub fn with_credentials(self, credentials: impl Credentials) -> Self {
        self.with_shared_credentials(Arc::new(credentials))
    }

    /// Sets credentials that others use too.
    #[must_use]
    pub fn with_shared_credentials(mut self, credentials: Arc<dyn Credentials>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Sets who says what refusals mean.
    #[must_use]
    pub fn with_judge(mut self, judge: Judge) -> Self {
        self.judge = judge;
        self
    }

    /// Sets the clock by which dates in answers are counted.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Makes a call whose good answers are 200 to 299. `operation` is `area.verb`, for errors.
    ///
    /// # Errors
    /// - What a refusal means, with the time to wait if the platform gives one.
    /// - As [`HttpClient::send`] and [`Credentials::sign`].
    ///
    /// # Cancel safety
    /// Safe to drop; the call may or may not have arrived.
    pub async fn call(&self, operation: &'static str, request: HttpRequest) -> Result<HttpAnswer> {
        self.call_for(operation, request, &[]).await
    }

    /// As [`call`](Self::call); the statuses in `also` are good answers too.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_for(
        &self,
        operation: &'static str,
        request: HttpRequest,
        also: &[u16],
    ) -> Result<HttpAnswer> {
        let mut is_second = false;
        loop {
            let mut signed = request.clone();
            if signed.is_signed() {
                self.credentials.sign(&mut signed).await?;
            }
            let answer = self.client.send(signed.clone()).await;
            let answer = answer.map_err(|error| error.with_context("platform", self.platform))?;
            let status = answer.status();
            if (200..300).contains(&status) || also.contains(&status) {
                return Ok(answer);
            }
            let may_renew = status == 401 && !is_second && signed.is_signed();
            if may_renew && self.credentials.refused(&signed).await? {
                if signed.stream().is_some() {
                    let message =
                        "the credentials were renewed, and the content has to be sent anew";
                    return Err(Error::new(ErrorKind::Unavailable, operation, message)
                        .with_context("platform", self.platform));
                }
                is_second = true;
                continue;
            }
            let refusal = Refusal::of(answer).await;
            let now = self.clock.now();
            return Err(refusal.into_error(self.platform, operation, self.judge, now));
        }
    }

    /// Makes a call and reads its answer as JSON.
    ///
    /// # Errors
    /// As [`call`](Self::call) and [`HttpAnswer::json`].
    pub async fn json<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: HttpRequest,
    ) -> Result<T> {
        let answer = self.call(operation, request).await?;
        let read = answer.json().await;
        read.map_err(|error| error.with_context("of", operation))
    }
}
