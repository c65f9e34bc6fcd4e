//! What is asked of a platform.

use std::fmt;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use url::form_urlencoded;

use crate::error::{Error, ErrorKind, Result};

use super::base_url::encode_segment;
use super::body::Body;
use super::multipart::Multipart;
use super::streamed::{BodySender, Streamed};

/// Headers whose values are no secret, and may be seen in a dump of a connection.
const HARMLESS: [&str; 8] = [
    "accept",
    "content-length",
    "content-range",
    "content-type",
    "if-match",
    "if-none-match",
    "range",
    "user-agent",
];

/// One call: method, address, headers, and a body that lies in memory, at most a chunk of a file, or is written while it is
/// sent ([`streamed`](Self::streamed)).
///
/// Printed without its address and without values, in which platforms carry secrets.
///
/// # Example
///
/// ```
/// use garland::connector::kit::HttpRequest;
///
/// let request = HttpRequest::get("https://api.example.com/files")
///     .query("q", "name = 'first look'")
///     .header("accept", "application/json");
/// assert_eq!(request.url(), "https://api.example.com/files?q=name%20%3D%20%27first%20look%27");
/// assert_eq!(request.header_value("Accept"), Some("application/json"));
/// ```
#[derive(Clone)]
pub struct HttpRequest {
    method: Box<str>,
    url: String,
    headers: Vec<(Box<str>, String)>,
    body: Body,
    streamed: Option<Streamed>,
    is_signed: bool,
    fault: Option<&'static str>,
}

impl HttpRequest {
    /// Asks with any method, such as `PROPFIND`.
    #[must_use]
    pub fn new(method: impl Into<Box<str>>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Body::default(),
            streamed: None,
            is_signed: true,
            fault: None,
        }
    }

    /// Asks with `GET`.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Asks with `POST`.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Asks with `PUT`.
    #[must_use]
    pub fn put(url: impl Into<String>) -> Self {
        Self::new("PUT", url)
    }

    /// Asks with `PATCH`.
    #[must_use]
    pub fn patch(url: impl Into<String>) -> Self {
        Self::new("PATCH", url)
    }

    /// Asks with `DELETE`.
    #[must_use]
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// Adds a parameter to the query, percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let mark = if self.url.contains('?') { '&' } else { '?' };
        self.url.push(mark);
        self.url.push_str(&encode_segment(name));
        self.url.push('=');
        self.url.push_str(&encode_segment(value.as_ref()));
        self
    }

    /// Adds a header. One that cannot be sent fails when the request is.
    #[must_use]
    pub fn header(mut self, name: impl Into<Box<str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets a header in place of any of its name.
    pub fn set_header(&mut self, name: &str, value: impl Into<String>) {
        self.headers
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.into()));
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, media_type: &str, body: impl Into<Bytes>) -> Self {
        self.set_header("content-type", media_type);
        self.body = Body(vec![body.into()]);
        self.streamed = None;
        self
    }

    /// Sets the body to `length` bytes that are written while they are sent, for a platform that takes a large file in one
    /// call only. Such a request goes out once: a copy of it is the same one.
    ///
    /// # Example
    ///
    /// ```
    /// use garland::connector::kit::{HttpClient, HttpOptions, HttpRequest};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> garland::Result<()> {
    /// let client = HttpClient::new(HttpOptions::default())?;
    /// let put = HttpRequest::put("http://127.0.0.1:1/IMG_1.jpg");
    /// let (put, mut content) = put.streamed("image/jpeg", 10);
    /// assert_eq!(put.body_len(), 10);
    /// let writing = async { content.send("first look".into()).await };
    /// let (answer, _) = tokio::join!(client.send(put), writing);
    /// assert_eq!(answer.unwrap_err().kind(), garland::ErrorKind::Unavailable);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn streamed(mut self, media_type: &str, length: u64) -> (Self, BodySender) {
        let (streamed, sender) = Streamed::new(length);
        self.set_header("content-type", media_type);
        self.body = Body::default();
        self.streamed = Some(streamed);
        (self, sender)
    }

    /// Sets the body to JSON.
    #[must_use]
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.body("application/json", bytes),
            Err(_) => {
                self.fault = Some("the body cannot be written as JSON");
                self
            }
        }
    }

    /// Sets the body to a form.
    #[must_use]
    pub fn form<'a>(self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(fields);
        self.body("application/x-www-form-urlencoded", text.finish())
    }

    /// Sets the body to some parts. Those that lie in memory are not copied.
    #[must_use]
    pub fn multipart(mut self, parts: Multipart) -> Self {
        let (media_type, pieces) = parts.into_body();
        self.set_header("content-type", media_type);
        self.body = Body(pieces);
        self.streamed = None;
        self
    }

    /// Says that no credentials go along: for an address that the platform made, which is one itself.
    #[must_use]
    pub fn unsigned(mut self) -> Self {
        self.is_signed = false;
        self
    }

    /// Tells whether credentials go along.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the value of the first header of this name.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter();
        let found = named.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the headers in the order they were set, for credentials that sign them.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.headers.iter();
        headers.map(|(name, value)| (&**name, value.as_str()))
    }

    /// Returns the pieces of the body, for credentials that sign it. One that is streamed has none yet.
    #[must_use]
    pub fn pieces(&self) -> &[Bytes] {
        &self.body.0
    }

    /// Returns the length of the body in bytes.
    #[must_use]
    pub fn body_len(&self) -> u64 {
        let streamed = self.streamed.as_ref();
        streamed.map_or_else(|| self.body.len(), |streamed| streamed.length)
    }

    pub(super) fn content(&self) -> &Body {
        &self.body
    }

    pub(super) fn stream(&self) -> Option<&Streamed> {
        self.streamed.as_ref()
    }

    /// Returns the headers as the client sends them.
    pub(super) fn to_headers(&self) -> Result<HeaderMap> {
        if let Some(fault) = self.fault {
            return Err(Error::new(ErrorKind::InvalidInput, "http.send", fault));
        }
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let read = HeaderName::try_from(name.as_ref())
                .ok()
                .zip(HeaderValue::try_from(value).ok());
            let Some((read, mut value)) = read else {
                let message = "a header cannot be sent";
                return Err(Error::new(ErrorKind::InvalidInput, "http.send", message)
                    .with_context("name", name));
            };
            value.set_sensitive(!HARMLESS.contains(&read.as_str()));
            map.append(read, value);
        }
        Ok(map)
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("headers", &names)
            .field("body", &self.body_len())
            .finish_non_exhaustive()
    }
}
