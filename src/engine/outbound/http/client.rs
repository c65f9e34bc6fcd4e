//! The client.

use std::fmt;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use crate::engine::outbound::guard::{Guard, Resolve};
use crate::engine::outbound::policy::{Target, TargetPolicy};
use crate::engine::outbound::redirect::RedirectPolicy;
use crate::error::{Error, ErrorKind, Result};

use super::errors::{failed, late};
use super::limits::HttpLimits;
use super::lookup::Lookup;
use super::request::{self, Method, Request};
use super::response::Response;

/// Calls what its policy lets through, by addresses that were checked, within bounds of size and time.
///
/// TLS is checked by the roots of the machine. There is no proxy, not from the environment either, no cookie,
/// no cache, no unpacking, and no retry. A redirect is followed only as the [`RedirectPolicy`] says, each
/// judged like a first call; to another origin no header goes along but `accept`, `accept-language` and
/// `user-agent`. Cheap to clone; clones share their connections.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// use std::sync::Arc;
/// use garland::outbound::http::{GuardedClient, HttpLimits, Request};
/// use garland::outbound::{SystemResolver, TargetPolicy};
///
/// let resolver = Arc::new(SystemResolver::new());
/// let client = GuardedClient::new(TargetPolicy::default(), resolver, HttpLimits::default())?;
/// let inside = client.send(Request::get("https://169.254.169.254/latest/")).await;
/// assert_eq!(inside.unwrap_err().kind(), garland::ErrorKind::Refused);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct GuardedClient {
    inner: reqwest::Client,
    guard: Guard,
    redirects: RedirectPolicy,
    limits: HttpLimits,
}

impl fmt::Debug for GuardedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedClient")
            .field("redirects", &self.redirects)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl GuardedClient {
    /// Makes a client that follows no redirect.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`]: TLS cannot be set up on this machine.
    pub fn new(
        policy: TargetPolicy,
        resolver: Arc<dyn Resolve>,
        limits: HttpLimits,
    ) -> Result<Self> {
        let guard = Guard::new(policy, resolver).with_patience(limits.connect);
        let inner = reqwest::Client::builder()
            .dns_resolver(Arc::new(Lookup(guard.clone())))
            .https_only(!guard.policy().is_dangerous())
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("garland/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            .read_timeout(limits.idle)
            .http2_max_header_list_size(limits.header)
            .build()
            .map_err(|cause| {
                Error::new(
                    ErrorKind::Unsupported,
                    "guarded_client.new",
                    "the client cannot be set up",
                )
                .with_source(cause)
            })?;
        Ok(Self {
            inner,
            guard,
            redirects: RedirectPolicy::none(),
            limits,
        })
    }

    /// Sets which redirects are followed.
    #[must_use]
    pub fn with_redirects(mut self, redirects: RedirectPolicy) -> Self {
        self.redirects = redirects;
        self
    }

    /// Sends a request, and returns the answer as soon as its header is there. Any status is an answer.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`]: the URL, an address behind it, or a redirect may not be called. Nothing was
    ///   sent there.
    /// - [`ErrorKind::InvalidInput`]: a header that cannot be sent.
    /// - [`ErrorKind::LimitExceeded`]: the answer's header, or the redirects, are too many.
    /// - [`ErrorKind::Timeout`], [`ErrorKind::Unavailable`]: the name, the connection or the answer.
    ///
    /// # Cancel safety
    /// Safe to drop; the request may or may not have arrived.
    pub async fn send(&self, request: Request) -> Result<Response> {
        let span = tracing::debug_span!("http.send", http.body = request.body.len());
        let deadline = Instant::now() + self.limits.total;
        self.follow(request, deadline).instrument(span).await
    }

    async fn follow(&self, request: Request, deadline: Instant) -> Result<Response> {
        let targets = self.guard.policy();
        let mut headers = request::headers(&request)?;
        let mut target = targets.check(&request.url)?;
        let mut followed = 0;
        loop {
            let answer = self.exchange(&request, &target, headers.clone());
            let answer = timeout_at(deadline, answer).await.map_err(|_| late())?;
            let answer = Response::new(answer.map_err(failed)?, &self.limits, deadline)?;
            if request.method != Method::Get {
                return Ok(answer);
            }
            let location = answer.header("location");
            let next =
                self.redirects
                    .next(targets, &target, answer.status(), location, followed)?;
            let Some(next) = next else {
                return Ok(answer);
            };
            if !next.same_origin(&target) {
                headers = request::for_strangers(&headers);
            }
            target = next;
            followed = followed.saturating_add(1);
        }
    }

    async fn exchange(
        &self,
        request: &Request,
        target: &Target,
        headers: HeaderMap,
    ) -> reqwest::Result<reqwest::Response> {
        let (method, body) = match request.method {
            Method::Get => (reqwest::Method::GET, None),
            Method::Post => (reqwest::Method::POST, Some(request.body.clone())),
        };
        let mut call = self.inner.request(method, target.as_str()).headers(headers);
        if let Some(body) = body {
            call = call.body(body);
        }
        call.send().await
    }
}
