//! What is sent.

use std::fmt;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Error, ErrorKind, Result};

/// What is asked of the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// To read. Redirects are followed as the policy says.
    Get,
    /// To hand over a body. Redirects are never followed.
    Post,
}

/// A request.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// Of whom. Judged when it is sent.
    pub url: String,
    /// Names and values, in the order they were added.
    pub headers: Vec<(String, String)>,
    /// The body; empty to read.
    pub body: Bytes,
}

impl fmt::Debug for Request {
    /// Without URL and values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("headers", &names)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Request {
    /// Reads a URL.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Hands a body to a URL.
    #[must_use]
    pub fn post(url: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self {
            method: Method::Post,
            body: body.into(),
            ..Self::get(url)
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Headers by which a request is framed or routed, which are the client's business.
const OWN: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that are no secret and may go along to another origin.
const HARMLESS: [&str; 3] = ["accept", "accept-language", "user-agent"];

/// Reads the headers of a request.
pub(super) fn headers(request: &Request) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in &request.headers {
        let read = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::try_from(value).ok());
        let Some((read, mut value)) = read.filter(|(read, _)| !OWN.contains(&read.as_str())) else {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "http.send",
                "a header cannot be sent",
            )
            .with_context("name", name));
        };
        value.set_sensitive(!HARMLESS.contains(&read.as_str()));
        map.append(read, value);
    }
    Ok(map)
}

/// What remains of the headers when a redirect leads to another origin: nothing that could be a credential.
pub(super) fn for_strangers(headers: &HeaderMap) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if HARMLESS.contains(&name.as_str()) {
            map.append(name.clone(), value.clone());
        }
    }
    map
}
