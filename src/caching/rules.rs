//! How a cache behaves, fixed when it is built.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::id::Chance;

use super::options::RemovalCause;
use super::pack::Packing;

/// Never, in nanoseconds.
pub(super) const NEVER: u64 = u64::MAX;

type Weigher<K, V> = dyn Fn(&K, &V) -> u64 + Send + Sync;
type TtlOf<K, V> = dyn Fn(&K, &V) -> Option<Duration> + Send + Sync;
type Listener<K> = dyn Fn(&K, RemovalCause) + Send + Sync;
type TenantOf<K> = dyn Fn(&K) -> u64 + Send + Sync;
type PathOf<K> = dyn Fn(&K) -> &str + Send + Sync;

pub(super) struct Rules<K, V> {
    pub(super) weigher: Option<Box<Weigher<K, V>>>,
    pub(super) ttl: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) expiry: Option<Box<TtlOf<K, V>>>,
    pub(super) jitter: Option<(f64, Chance)>,
    pub(super) negative: Option<Duration>,
    pub(super) while_revalidating: Duration,
    pub(super) if_error: Duration,
    pub(super) deadline: Duration,
    pub(super) tenant: Option<Box<TenantOf<K>>>,
    pub(super) path: Option<Box<PathOf<K>>>,
    pub(super) packing: Option<Box<dyn Packing<V>>>,
    pub(super) listener: Option<Box<Listener<K>>>,
    pub(super) clock: Arc<dyn Clock>,
}

impl<K, V> Rules<K, V> {
    /// The time of the cache, in nanoseconds.
    pub(super) fn now(&self) -> u64 {
        nanos(self.clock.elapsed())
    }

    /// At least 1, so that the weight bounds how many there are.
    pub(super) fn weigh(&self, key: &K, value: &V) -> u64 {
        let weight = self.weigher.as_ref().map(|weigh| weigh(key, value));
        weight.unwrap_or(1).max(1)
    }

    /// The path of a key, by which prefixes are compared.
    pub(super) fn path<'a>(&self, key: &'a K) -> Option<&'a str> {
        self.path.as_ref().map(|path| path(key))
    }

    /// Until when a value is fresh that comes now.
    #[inline]
    pub(super) fn fresh_until(&self, key: &K, value: &V, own: Option<Duration>) -> u64 {
        if own.is_none() && self.ttl.is_none() && self.expiry.is_none() {
            return NEVER;
        }
        let of_expiry = || self.expiry.as_ref().and_then(|ttl| ttl(key, value));
        let Some(ttl) = own.or_else(of_expiry).or(self.ttl) else {
            return NEVER;
        };
        self.now().saturating_add(nanos(self.shorten(ttl)))
    }

    fn shorten(&self, ttl: Duration) -> Duration {
        match &self.jitter {
            Some((part, chance)) => {
                let seconds = ttl.as_secs_f64() * (1.0 - part * chance.unit());
                // Seconds are rounded, and may come out longer.
                Duration::try_from_secs_f64(seconds).unwrap_or(ttl).min(ttl)
            }
            None => ttl,
        }
    }

    /// How long a value is kept past its time, in nanoseconds.
    pub(super) fn grace(&self) -> u64 {
        nanos(self.while_revalidating.max(self.if_error))
    }
}

impl<K, V> fmt::Debug for Rules<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("ttl", &self.ttl)
            .field("idle", &self.idle)
            .field("negative", &self.negative)
            .field("while_revalidating", &self.while_revalidating)
            .field("if_error", &self.if_error)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// A time in nanoseconds, saturating after five centuries.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER)
}
