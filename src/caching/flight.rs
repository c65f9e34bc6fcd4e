//! Loads that are on their way.

use std::any::Any;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use crate::error::Error;

use super::course::WeakLoad;

/// How many keys of a shard are remembered whose refresh failed or was given up a moment ago.
const PAUSES: usize = 256;

/// What a load brought; its error is that of all who wait.
pub(super) type Landed<V> = Result<V, Arc<Error>>;

/// What a load ends with, and what the host's code threw after the loader, for the one who drove the load.
pub(super) type Ended<V> = (Landed<V>, Option<Box<dyn Any + Send>>);

/// What the cache knows of a load.
pub(super) struct Flight<V> {
    pub(super) id: u64,
    pub(super) began: u64,
    pub(super) born: u64,
    /// Those of all who asked for it.
    pub(super) tags: Vec<Arc<str>>,
    /// Weak, so that the cache keeps no load alive that nobody waits for.
    pub(super) load: WeakLoad<V>,
}

/// The loads of a shard, at most one for each key.
pub(super) struct Flights<K, V> {
    by_key: HashMap<K, Flight<V>>,
    next: u64,
    /// Until when no refresh begins, of keys whose last one failed.
    pauses: LruCache<K, u64>,
}

impl<K: Eq + Hash, V> Flights<K, V> {
    pub(super) fn new() -> Self {
        Self {
            by_key: HashMap::new(),
            next: 0,
            pauses: LruCache::sparse(NonZeroUsize::new(PAUSES).unwrap_or(NonZeroUsize::MIN)),
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut Flight<V>> {
        self.by_key.get_mut(key)
    }

    /// Notes a load; an older one of the same key goes on for those who wait, and is not stored.
    pub(super) fn begin(&mut self, key: K, flight: Flight<V>) {
        self.by_key.insert(key, flight);
    }

    /// Ends a load; returns what is known of it if what it brought may be stored.
    pub(super) fn end(&mut self, key: &K, id: u64) -> Option<Flight<V>> {
        let current = self.by_key.get(key).is_some_and(|flight| flight.id == id);
        current.then(|| self.by_key.remove(key)).flatten()
    }

    /// Keeps the load of `key` from being joined and stored.
    #[inline]
    pub(super) fn outdate<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if !self.by_key.is_empty() {
            self.by_key.remove(key);
        }
    }

    /// Keeps refreshes of `key` from beginning before `until`.
    pub(super) fn pause(&mut self, key: K, until: u64) {
        self.pauses.put(key, until);
    }

    /// Whether a refresh of `key` failed a moment ago.
    pub(super) fn is_paused(&mut self, key: &K, now: u64) -> bool {
        let paused = self.pauses.peek(key).is_some_and(|until| now < *until);
        if !paused && !self.pauses.is_empty() {
            self.pauses.pop(key);
        }
        paused
    }
}

impl<V> fmt::Debug for Flight<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
