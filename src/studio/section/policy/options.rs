//! How the state of organizations is kept.

use std::time::Duration;

use crate::wedding::Grace;

/// How a [`StoredPolicy`](super::StoredPolicy) keeps what it has read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PolicyOptions {
    /// How old an answer may be, should no wake-up come. Zero asks the database every time. Default: 1 second.
    pub freshness: Duration,
    /// Most organizations kept in memory; the one asked for least recently goes. At least 1. Default: 1,000.
    pub organizations: usize,
    /// How long one call to the database may take. Default: 10 seconds.
    pub patience: Duration,
    /// How long a wedding day goes on after its midnight. Default: not at all.
    pub grace: Grace,
}

impl Default for PolicyOptions {
    fn default() -> Self {
        Self {
            freshness: Duration::from_secs(1),
            organizations: 1_000,
            patience: Duration::from_secs(10),
            grace: Grace::default(),
        }
    }
}

impl PolicyOptions {
    /// Sets [`PolicyOptions::freshness`].
    #[must_use]
    pub fn with_freshness(mut self, freshness: Duration) -> Self {
        self.freshness = freshness;
        self
    }

    /// Sets [`PolicyOptions::organizations`], at least 1.
    #[must_use]
    pub fn with_organizations(mut self, organizations: usize) -> Self {
        self.organizations = organizations.max(1);
        self
    }

    /// Sets [`PolicyOptions::patience`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets [`PolicyOptions::grace`].
    #[must_use]
    pub fn with_grace(mut self, grace: Grace) -> Self {
        self.grace = grace;
        self
    }
}
