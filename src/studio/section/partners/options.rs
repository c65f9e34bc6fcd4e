//! How partners are told.

use std::time::Duration;

/// How [`Partners`](super::Partners) deliver.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PartnerOptions {
    /// The wait after the first failure; it doubles with every further one. Half of each wait is drawn. Default: 1 second.
    pub base: Duration,
    /// The longest wait, unless the partner asks for a longer one. Default: 5 minutes.
    pub cap: Duration,
    /// How long one process holds a partner for itself; it is renewed in time. Longer than one try may take. Default: 5
    /// minutes.
    pub lease: Duration,
}

impl Default for PartnerOptions {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(300),
            lease: Duration::from_secs(300),
        }
    }
}

impl PartnerOptions {
    /// Sets [`PartnerOptions::base`].
    #[must_use]
    pub fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets [`PartnerOptions::cap`].
    #[must_use]
    pub fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Sets [`PartnerOptions::lease`].
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// The longest wait after so many failures in a row.
    pub(super) fn ceiling(&self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.base.saturating_mul(factor).min(self.cap)
    }
}
