//! The client.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::sleep;
use tracing::Instrument as _;

use crate::error::{Error, ErrorKind, Result};

use super::answer::HttpAnswer;
use super::body::{Going, Gone};
use super::options::HttpOptions;
use super::request::HttpRequest;

/// Sends requests to a platform. Cheap to clone; clones share their connections.
///
/// TLS is checked by the roots of the machine. There is no proxy, not from the environment either, no cookie, no cache, no
/// unpacking, no redirect followed and no retry: who asks decides. Addresses come from the configuration of a connector or
/// from the platform itself; for those that people hand in there is `garland::outbound`.
///
/// # Example
///
/// ```
/// use garland::connector::kit::{HttpClient, HttpOptions, HttpRequest};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let client = HttpClient::new(HttpOptions::default())?;
/// let nobody = client.send(HttpRequest::get("http://127.0.0.1:1/")).await;
/// assert_eq!(nobody.unwrap_err().kind(), garland::ErrorKind::Unavailable);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpClient {
    inner: reqwest::Client,
    idle: Duration,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}

impl HttpClient {
    /// Makes a client.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: one of [`HttpOptions::roots`] is no certificate.
    /// - [`ErrorKind::Unsupported`]: TLS cannot be set up on this machine.
    pub fn new(options: HttpOptions) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(options.user_agent)
            .connect_timeout(options.connect)
            .pool_idle_timeout(options.keep)
            .tcp_nodelay(true);
        if !options.http2 {
            builder = builder.http1_only();
        }
        for pem in &options.roots {
            let root = reqwest::Certificate::from_pem(pem).map_err(|cause| {
                let message = "this is not a certificate in PEM";
                Error::new(ErrorKind::InvalidInput, "http_client.new", message).with_source(cause)
            })?;
            builder = builder.add_root_certificate(root);
        }
        let inner = builder.build().map_err(|cause| {
            let message = "the client cannot be set up";
            Error::new(ErrorKind::Unsupported, "http_client.new", message).with_source(cause)
        })?;
        let idle = options.idle.max(Duration::from_millis(1));
        Ok(Self { inner, idle })
    }

    /// Sends a request as it is, and returns the answer as soon as its header is there. Any status is an answer.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: an address, a method or a header that cannot be sent.
    /// - [`ErrorKind::Timeout`]: nothing moved for [`HttpOptions::idle`].
    /// - [`ErrorKind::Unavailable`]: no connection, or it broke.
    ///
    /// # Cancel safety
    /// Safe to drop; the request may or may not have arrived.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpAnswer> {
        let span = tracing::debug_span!(
            "http.call",
            http.method = request.method(),
            http.body = request.body_len(),
            http.status = tracing::field::Empty,
        );
        let exchange = async {
            let answer = self.exchange(&request).await?;
            tracing::Span::current().record("http.status", answer.status());
            Ok(answer)
        };
        exchange.instrument(span).await
    }

    async fn exchange(&self, request: &HttpRequest) -> Result<HttpAnswer> {
        let method = reqwest::Method::from_bytes(request.method().as_bytes()).map_err(|cause| {
            let message = "the method cannot be sent";
            Error::new(ErrorKind::InvalidInput, "http.send", message).with_source(cause)
        })?;
        let mut call = self.inner.request(method, request.url());
        call = call.headers(request.to_headers()?);
        let gone = Gone::default();
        let has_type = request.header_value("content-type").is_some();
        if let Some(streamed) = request.stream().filter(|streamed| streamed.length > 0) {
            let Some(flowing) = streamed.take(gone.clone()) else {
                let message = "a streamed content is sent once";
                return Err(Error::new(ErrorKind::InvalidInput, "http.send", message));
            };
            call = call.body(reqwest::Body::wrap(flowing));
        } else if request.body_len() > 0 {
            let going = Going::new(request.content(), gone.clone());
            call = call.body(reqwest::Body::wrap(going));
        } else if has_type || matches!(request.method(), "POST" | "PUT" | "PATCH") {
            // Without a body many servers still want to be told its length.
            call = call.header("content-length", "0");
        }
        let mut sent = pin!(call.send());
        let mut seen = 0;
        loop {
            let rest = pin!(sleep(self.idle));
            match select(sent, rest).await {
                Either::Left((answer, _)) => {
                    return Ok(HttpAnswer::new(answer.map_err(failed)?, self.idle));
                }
                Either::Right(((), unfinished)) => {
                    if gone.bytes() == seen && !gone.is_starved() {
                        return Err(still());
                    }
                    seen = gone.bytes();
                    sent = unfinished;
                }
            }
        }
    }
}

/// Nothing moves.
pub(super) fn still() -> Error {
    let message = "the platform did not answer in time";
    Error::new(ErrorKind::Timeout, "http.send", message)
}

/// Maps a fault of the client. The address is left out: it may hold secrets.
pub(super) fn failed(cause: reqwest::Error) -> Error {
    let cause = cause.without_url();
    let (kind, message) = if cause.is_timeout() {
        (ErrorKind::Timeout, "the platform did not answer in time")
    } else if cause.is_builder() {
        (ErrorKind::InvalidInput, "the request cannot be made")
    } else if cause.is_connect() {
        (ErrorKind::Unavailable, "no connection was made")
    } else {
        (ErrorKind::Unavailable, "the connection broke off")
    };
    Error::new(kind, "http.send", message).with_source(cause)
}
