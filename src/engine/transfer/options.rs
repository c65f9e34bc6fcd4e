//! How files are moved.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::bandwidth::Class;

pub use crate::engine::resilience::RetryPolicy;

/// How much a finished copy is trusted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verify {
    /// Compare size and every hash that the destination reports with those computed on the way.
    #[default]
    Reported,
    /// The same; and where it reports no strong hash, read the copy back and hash it.
    ReadBack,
}

/// How files are moved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransferOptions {
    /// How a finished copy is checked. Default [`Verify::Reported`].
    pub verify: Verify,
    /// How failed calls are tried again.
    pub retry: RetryPolicy,
    /// How long one call may take without any progress. Default 60 s. It counts anew from the moment when a request
    /// has come through the layers around an account, which wait 30 s at most
    /// ([`ResilienceOptions::patience`](crate::resilience::ResilienceOptions::patience)).
    pub stall: Duration,
    /// From which size in bytes an upload is written down so that it resumes after a restart. Default 16 MiB.
    pub resume_from: u64,
    /// How many bytes may be in memory between sources and destinations, over all transfers of one sync, or in one
    /// transfer asked for by itself. Default 24 MiB, at least 1 MiB.
    ///
    /// It bounds what was read and no destination has taken yet; one file holds at most a quarter of it, and all files
    /// that may move at one place half, so that one place that stands still leaves some to the others; two of them may
    /// have all of it. What a destination is putting together for its next write comes on top: for each upload one part,
    /// of the size that its platform wants, held twice while it is written.
    pub memory: u32,
    /// How many files move at once for each connector; the platform's own figure if `None`. At most one for each 128 KiB
    /// of [`memory`](Self::memory): 192 by its default, 8 where there is least.
    pub concurrency: Option<usize>,
    /// How urgent it is, beside all that share the link. Default [`Class::Normal`].
    pub class: Class,
}

impl Default for TransferOptions {
    fn default() -> Self {
        Self {
            verify: Verify::default(),
            retry: RetryPolicy::default(),
            stall: Duration::from_secs(60),
            resume_from: 16 << 20,
            memory: 24 << 20,
            concurrency: None,
            class: Class::Normal,
        }
    }
}

impl TransferOptions {
    /// Sets [`TransferOptions::verify`].
    #[must_use]
    pub fn with_verify(mut self, verify: Verify) -> Self {
        self.verify = verify;
        self
    }

    /// Sets [`TransferOptions::retry`].
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets [`TransferOptions::stall`].
    #[must_use]
    pub fn with_stall(mut self, stall: Duration) -> Self {
        self.stall = stall;
        self
    }

    /// Sets [`TransferOptions::resume_from`].
    #[must_use]
    pub fn with_resume_from(mut self, bytes: u64) -> Self {
        self.resume_from = bytes;
        self
    }

    /// Sets [`TransferOptions::memory`].
    #[must_use]
    pub fn with_memory(mut self, bytes: u32) -> Self {
        self.memory = bytes.max(1 << 20);
        self
    }

    /// Sets [`TransferOptions::concurrency`].
    #[must_use]
    pub fn with_concurrency(mut self, files: impl Into<Option<usize>>) -> Self {
        self.concurrency = files.into().map(|files| files.max(1));
        self
    }

    /// Sets [`TransferOptions::class`].
    #[must_use]
    pub fn with_class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }
}
