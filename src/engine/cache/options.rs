//! How long what an account said is believed.

use std::time::Duration;

/// How a [`MetadataCache`](super::MetadataCache) keeps what it was told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MetadataOptions {
    /// How many files are remembered, at least 1. Default 100,000.
    pub files: u64,
    /// How long an answer is believed, if no change is heard of. Default 60 s.
    pub ttl: Duration,
    /// How long after that it is still given while the account is asked again. Default 5 min.
    pub stale_while_revalidate: Duration,
    /// How long it is still given while the account does not answer. Default 1 h.
    pub stale_if_error: Duration,
}

impl Default for MetadataOptions {
    fn default() -> Self {
        Self {
            files: 100_000,
            ttl: Duration::from_secs(60),
            stale_while_revalidate: Duration::from_secs(300),
            stale_if_error: Duration::from_secs(3_600),
        }
    }
}

impl MetadataOptions {
    /// Sets [`MetadataOptions::files`].
    #[must_use]
    pub fn with_files(mut self, files: u64) -> Self {
        self.files = files.max(1);
        self
    }

    /// Sets [`MetadataOptions::ttl`].
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets [`MetadataOptions::stale_while_revalidate`].
    #[must_use]
    pub fn with_stale_while_revalidate(mut self, time: Duration) -> Self {
        self.stale_while_revalidate = time;
        self
    }

    /// Sets [`MetadataOptions::stale_if_error`].
    #[must_use]
    pub fn with_stale_if_error(mut self, time: Duration) -> Self {
        self.stale_if_error = time;
        self
    }
}
