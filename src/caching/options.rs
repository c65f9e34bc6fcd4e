//! What a caller says of one entry, and hears of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How one entry differs from the others.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InsertOptions {
    /// How long the entry is fresh. Default: by the [`Expiry`] of the cache, else by its time to live.
    pub ttl: Option<Duration>,
    /// Names under which it can be invalidated together with others. Default: none.
    pub tags: Vec<Arc<str>>,
}

impl InsertOptions {
    /// Sets [`InsertOptions::ttl`].
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Adds one of [`InsertOptions::tags`].
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<Arc<str>>) -> Self {
        self.tags.push(tag.into());
        self
    }
}

/// What became of an entry that was to be stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Insertion {
    /// It is in the cache.
    Stored,
    /// It weighs more than one shard holds, and was refused. An older value of its key is gone.
    TooHeavy {
        /// What it weighs.
        weight: u64,
        /// The most that an entry may weigh.
        max: u64,
    },
    /// All that it would have displaced is used more often, or its tenant is over its quota.
    NotAdmitted,
}

/// Why an entry is no longer in the cache.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RemovalCause {
    /// Others needed the room.
    Evicted,
    /// Its tenant was over its quota when others needed the room.
    OverQuota,
    /// Its time was over.
    Expired,
    /// Its tag, its prefix or all was invalidated.
    Invalidated,
    /// It was removed by its key.
    Removed,
    /// Another value took its place.
    Replaced,
}

/// Tells how long each entry is fresh, for caches whose entries differ.
pub trait Expiry<K, V>: fmt::Debug + Send + Sync + 'static {
    /// Returns how long `value` is fresh from now on; `None` leaves it to the cache's time to live.
    ///
    /// Called once for each insertion, outside of any lock.
    fn ttl(&self, key: &K, value: &V) -> Option<Duration>;
}
