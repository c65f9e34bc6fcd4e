//! How a client goes about its calls.

use std::time::Duration;

/// How an [`HttpClient`](super::HttpClient) connects and how long it waits.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HttpOptions {
    /// The longest wait for a connection, its TLS included. Default 10 s.
    pub connect: Duration,
    /// The longest time in which nothing moves: no byte of the body taken, no answer, no byte of it. Default 60 s.
    pub idle: Duration,
    /// How long a connection is kept for the next call. Default 60 s, less than most servers keep theirs.
    pub keep: Duration,
    /// How the client calls itself. Default `garland/` and its version.
    pub user_agent: String,
    /// More certificates that are trusted, each in PEM, such as a studio's own. Default none.
    pub roots: Vec<Vec<u8>>,
    /// Whether HTTP/2 is offered. Default true. Object stores that are asked for much at a time are faster without.
    pub http2: bool,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            keep: Duration::from_secs(60),
            user_agent: concat!("garland/", env!("CARGO_PKG_VERSION")).to_owned(),
            roots: Vec::new(),
            http2: true,
        }
    }
}

impl HttpOptions {
    /// Sets [`HttpOptions::connect`].
    #[must_use]
    pub fn with_connect(mut self, time: Duration) -> Self {
        self.connect = time;
        self
    }

    /// Sets [`HttpOptions::idle`].
    #[must_use]
    pub fn with_idle(mut self, time: Duration) -> Self {
        self.idle = time;
        self
    }

    /// Sets [`HttpOptions::keep`].
    #[must_use]
    pub fn with_keep(mut self, time: Duration) -> Self {
        self.keep = time;
        self
    }

    /// Sets [`HttpOptions::user_agent`].
    #[must_use]
    pub fn with_user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// Adds to [`HttpOptions::roots`].
    #[must_use]
    pub fn with_root(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Sets [`HttpOptions::http2`].
    #[must_use]
    pub fn with_http2(mut self, offered: bool) -> Self {
        self.http2 = offered;
        self
    }
}
