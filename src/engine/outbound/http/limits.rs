//! How long an exchange may take, and how much it may bring.

use std::time::Duration;

/// Bounds of one exchange, redirects included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HttpLimits {
    /// The longest wait for a connection, its TLS included. Default 10 s.
    pub connect: Duration,
    /// The longest wait for anything to come. Default 20 s.
    pub idle: Duration,
    /// The longest time in all, from the first name resolved to the last byte. Default 60 s.
    pub total: Duration,
    /// The most bytes of the answer's body. Default 8 MiB.
    pub body: u64,
    /// The most bytes of the answer's header, names and values. Default 64 KiB. (Over HTTP/1.1 up to
    /// 400 KiB are read before they are counted.)
    pub header: u32,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(20),
            total: Duration::from_secs(60),
            body: 8 << 20,
            header: 64 << 10,
        }
    }
}

impl HttpLimits {
    /// Sets [`HttpLimits::connect`].
    #[must_use]
    pub fn with_connect(mut self, time: Duration) -> Self {
        self.connect = time;
        self
    }

    /// Sets [`HttpLimits::idle`].
    #[must_use]
    pub fn with_idle(mut self, time: Duration) -> Self {
        self.idle = time;
        self
    }

    /// Sets [`HttpLimits::total`].
    #[must_use]
    pub fn with_total(mut self, time: Duration) -> Self {
        self.total = time;
        self
    }

    /// Sets [`HttpLimits::body`].
    #[must_use]
    pub fn with_body(mut self, bytes: u64) -> Self {
        self.body = bytes;
        self
    }

    /// Sets [`HttpLimits::header`].
    #[must_use]
    pub fn with_header(mut self, bytes: u32) -> Self {
        self.header = bytes;
        self
    }
}
