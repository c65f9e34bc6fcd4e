//! How an inbox goes about its work.

use std::time::Duration;

/// How a [`WebhookInbox`](super::WebhookInbox) goes about its work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct WebhookOptions {
    /// After how long without a word of an account somebody looks all the same: platforms lose webhooks. Default 1 h.
    pub look_every: Duration,
    /// The most bytes of a delivery. Default 1 MiB; platforms send some KiB.
    pub most: usize,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            look_every: Duration::from_secs(3_600),
            most: 1 << 20,
        }
    }
}

impl WebhookOptions {
    /// Sets [`WebhookOptions::look_every`].
    #[must_use]
    pub fn with_look_every(mut self, time: Duration) -> Self {
        self.look_every = time;
        self
    }

    /// Sets [`WebhookOptions::most`].
    #[must_use]
    pub fn with_most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }
}
