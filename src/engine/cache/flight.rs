//! Loads that are on their way.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::error::Error;

/// A load that many wait for: whoever waits drives it, and it ends when nobody waits any more.
pub(super) type Load<V> = Shared<BoxFuture<'static, Result<V, Arc<Error>>>>;

/// What the cache knows of a load.
pub(super) struct Flight<V> {
    pub(super) id: u64,
    pub(super) began: u64,
    pub(super) born: u64,
    pub(super) tags: Box<[Arc<str>]>,
    /// Weak, so that the cache keeps no load alive that nobody waits for.
    pub(super) load: WeakShared<BoxFuture<'static, Result<V, Arc<Error>>>>,
}

/// The loads of a shard, at most one for each key.
#[derive(Debug)]
pub(super) struct Flights<K, V> {
    by_key: HashMap<K, Flight<V>>,
    next: u64,
}

impl<K: Eq + Hash, V> Flights<K, V> {
    pub(super) fn new() -> Self {
        Self {
            by_key: HashMap::new(),
            next: 0,
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn get(&self, key: &K) -> Option<&Flight<V>> {
        self.by_key.get(key)
    }

    /// Notes a load; an older one of the same key goes on for those who wait, and is not stored.
    pub(super) fn begin(&mut self, key: K, flight: Flight<V>) {
        self.by_key.insert(key, flight);
    }

    /// Ends a load; `true` if what it brought may be stored.
    pub(super) fn end(&mut self, key: &K, id: u64) -> bool {
        let current = self.by_key.get(key).is_some_and(|flight| flight.id == id);
        if current {
            self.by_key.remove(key);
        }
        current
    }

    /// Keeps the load of `key` from being joined and stored.
    pub(super) fn outdate<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if !self.by_key.is_empty() {
            self.by_key.remove(key);
        }
    }
}

impl<V> fmt::Debug for Flight<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
