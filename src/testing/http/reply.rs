//! An answer of the proxy's own.

use std::fmt::Write as _;

use bytes::Bytes;

/// An answer that the proxy makes itself.
///
/// # Example
///
/// ```
/// use garland::testing::http::HttpReply;
///
/// let busy = HttpReply::new(429).with_header("retry-after", "2").with_json(r#"{"error": "slow down"}"#);
/// assert_eq!(busy.status(), 429);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpReply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl HttpReply {
    /// Answers with a status and no body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Answers with a page for people: status 200, HTML.
    #[must_use]
    pub fn html() -> Self {
        let page = "<!DOCTYPE html><html><body>Welcome! Please log in.</body></html>";
        Self::new(200).with_body("text/html; charset=utf-8", page)
    }

    /// Answers with status 200 and JSON that ends in the middle.
    #[must_use]
    pub fn malformed_json() -> Self {
        Self::new(200).with_json(r#"{"id": "17", "name": "#)
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(self, media_type: &str, body: impl Into<Bytes>) -> Self {
        let mut reply = self.with_header("content-type", media_type);
        reply.body = body.into();
        reply
    }

    /// Sets the body to JSON, well-formed or not.
    #[must_use]
    pub fn with_json(self, body: impl Into<Bytes>) -> Self {
        self.with_body("application/json", body)
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The bytes to send; an answer to `HEAD` has no body.
    pub(super) fn to_bytes(&self, is_head: bool, closes: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Fault\r\n", self.status);
        for (name, value) in &self.headers {
            // Writing to a `String` cannot fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let bodiless = self.status == 204 || self.status == 304 || self.status < 200;
        if !bodiless {
            let _ = write!(head, "content-length: {}\r\n", self.body.len());
        }
        if closes {
            head.push_str("connection: close\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        if !is_head && !bodiless {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}
