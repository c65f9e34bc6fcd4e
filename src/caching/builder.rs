//! How a cache is made.

use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Chance;

use super::handle::Cache;
use super::options::{Expiry, RemovalCause};
use super::rules::Rules;

const MOST_SHARDS: usize = 64;

/// Says how a [`Cache`] behaves; made by [`Cache::builder`].
pub struct CacheBuilder<K, V> {
    max_weight: u64,
    shards: usize,
    quota: u64,
    rules: Rules<K, V>,
}

impl<K, V> CacheBuilder<K, V> {
    pub(super) fn new(max_weight: u64) -> Self {
        Self {
            max_weight,
            shards: 16,
            quota: 0,
            rules: Rules {
                weigher: None,
                ttl: None,
                idle: None,
                expiry: None,
                jitter: None,
                negative: None,
                while_revalidating: Duration::ZERO,
                if_error: Duration::ZERO,
                deadline: Duration::from_secs(60),
                tenant: None,
                path: None,
                packing: None,
                listener: None,
                clock: Arc::new(SystemClock::new()),
            },
        }
    }

    /// Sets what an entry weighs, mostly its bytes. It is asked once for each insertion, of the stored form.
    /// Less than 1 counts as 1. Default: 1 each.
    #[must_use]
    pub fn weigher(mut self, weigh: impl Fn(&K, &V) -> u64 + Send + Sync + 'static) -> Self {
        self.rules.weigher = Some(Box::new(weigh));
        self
    }

    /// Sets in how many parts the cache is locked, 1 to 64, rounded up to a power of two. Default: 16.
    ///
    /// Each holds its part of the weight, and no entry may be heavier than that. A cache of less weight than shards
    /// has fewer.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = shards;
        self
    }

    /// Sets how long entries are fresh. Default: for ever.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.rules.ttl = Some(ttl);
        self
    }

    /// Sets after how long without use entries leave. Default: never.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.rules.idle = Some(idle);
        self
    }

    /// Sets who tells how long each entry is fresh. Default: nobody.
    #[must_use]
    pub fn expiry(mut self, expiry: impl Expiry<K, V>) -> Self {
        self.rules.expiry = Some(Box::new(move |key, value| expiry.ttl(key, value)));
        self
    }

    /// Shortens each time to live by a chance of up to `part` of it, 0 to 1, so that what came together does not end
    /// together. Default: 0.
    #[must_use]
    pub fn jitter(mut self, part: f64, chance: Chance) -> Self {
        self.rules.jitter = Some((part, chance));
        self
    }

    /// Sets how long it is remembered that a loader found nothing ([`ErrorKind::NotFound`]). Default: not at all.
    ///
    /// At most 4,096 such keys are remembered, beside the weight of the cache.
    #[must_use]
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.rules.negative = Some(ttl);
        self
    }

    /// Sets how long past its time a value is still returned, while it is loaded again in the background.
    /// Default: zero.
    ///
    /// The cache owns these loads, at most 64 at a time, and ends them when its last handle is dropped. While so many
    /// run, no other begins; one that failed, or did not end within the [deadline](Self::load_deadline), is begun again
    /// after 1 s at the earliest, or after this time if shorter.
    #[must_use]
    pub fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.rules.while_revalidating = time;
        self
    }

    /// Sets how long past its time a value is still returned when loading it again fails for a passing reason
    /// ([`Error::is_retryable`]). Default: zero.
    #[must_use]
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.rules.if_error = time;
        self
    }

    /// Sets how long a caller waits for a load. Default: 60 s.
    ///
    /// A load older than that is not waited for by newcomers: they begin another.
    #[must_use]
    pub fn load_deadline(mut self, deadline: Duration) -> Self {
        self.rules.deadline = deadline;
        self
    }

    /// Sets whose each key is, and how much weight everybody may hold while others need room. Default: no tenants.
    ///
    /// While there is room, a tenant may hold more. Each shard applies its part of the quota.
    #[must_use]
    pub fn tenant<T: Hash>(
        mut self,
        of: impl Fn(&K) -> T + Send + Sync + 'static,
        quota: u64,
    ) -> Self {
        let hasher = RandomState::new();
        self.rules.tenant = Some(Box::new(move |key| hasher.hash_one(of(key))));
        self.quota = quota;
        self
    }

    /// Sets what [`Cache::invalidate_prefix`] compares. Default: nothing, and there are no prefixes.
    #[must_use]
    pub fn prefixes_of(mut self, path: impl Fn(&K) -> &str + Send + Sync + 'static) -> Self {
        self.rules.path = Some(Box::new(path));
        self
    }

    /// Sets who hears of entries that left. It is called outside of any lock, by whoever was the cause.
    #[must_use]
    pub fn listener(mut self, heard: impl Fn(&K, RemovalCause) + Send + Sync + 'static) -> Self {
        self.rules.listener = Some(Box::new(heard));
        self
    }

    /// Sets the clock. Default: the machine's own.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.rules.clock = clock;
        self
    }

    /// Makes the cache.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the number of shards or the jitter is out of range, or the weight is zero.
    pub fn build(self) -> Result<Cache<K, V>>
    where
        K: Eq + Hash,
    {
        let wrong = |message| Error::new(ErrorKind::InvalidInput, "cache.build", message);
        if !(1..=MOST_SHARDS).contains(&self.shards) {
            let error = wrong("a cache has 1 to 64 shards");
            return Err(error.with_context("shards", self.shards));
        }
        if let Some((part, _)) = &self.rules.jitter
            && !(0.0..=1.0).contains(part)
        {
            let error = wrong("jitter is a part of the whole, 0 to 1");
            return Err(error.with_context("jitter", part));
        }
        if self.max_weight == 0 {
            return Err(wrong("a cache holds a weight of at least 1"));
        }
        let mut shards = self.shards.next_power_of_two();
        while shards as u64 > self.max_weight {
            shards /= 2;
        }
        Ok(Cache::new(self.max_weight, shards, self.quota, self.rules))
    }
}

#[cfg(feature = "compression")]
impl<K> CacheBuilder<K, bytes::Bytes> {
    /// Keeps values of at least `min_bytes` compressed, where that saves an eighth. Default: none.
    ///
    /// JPEG, MP4 and ZIP are left as they are. The weigher is asked of the stored form. What is compressed is
    /// unpacked at each read, outside of any lock.
    #[must_use]
    #[cfg_attr(docsrs, doc(cfg(feature = "compression")))]
    pub fn compression(mut self, min_bytes: usize) -> Self {
        self.rules.packing = Some(Box::new(super::pack::Lz4 { min_bytes }));
        self
    }
}

impl<K, V> fmt::Debug for CacheBuilder<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("max_weight", &self.max_weight)
            .field("shards", &self.shards)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
