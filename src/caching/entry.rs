//! What is kept of a key.

use std::sync::Arc;

use super::options::RemovalCause;
use super::rules::NEVER;

/// A value as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored<V> {
    pub(super) value: V,
    pub(super) packed: bool,
}

/// An entry: what every question needs, and no more, so that many of them are near.
#[derive(Debug)]
pub(super) struct Item<K, V> {
    pub(super) key: K,
    pub(super) stored: Stored<V>,
}

/// What else there is to know of an entry. Where nothing has a time, a tag or a tenant and nothing was invalidated
/// yet, all entries have the same, and it is not kept.
#[derive(Debug)]
pub(super) struct Marks {
    /// The epoch of the invalidations it was made in.
    pub(super) born: u64,
    pub(super) fresh_until: u64,
    /// What few entries have, out of the way of the others.
    pub(super) rare: Option<Box<Rare>>,
}

#[derive(Debug)]
pub(super) struct Rare {
    pub(super) tags: Box<[Arc<str>]>,
    pub(super) tenant: u64,
    pub(super) used: u64,
}

/// An entry on its way into the cache.
#[derive(Debug)]
pub(super) struct Arrival<K, V> {
    pub(super) item: Item<K, V>,
    /// `None` are the usual ones.
    pub(super) marks: Option<Marks>,
    pub(super) weight: u64,
}

/// What a key has.
#[derive(Debug)]
pub(super) enum Seen<V> {
    Fresh(Stored<V>),
    /// Past its time by so many nanoseconds.
    Stale(Stored<V>, u64),
    Nothing,
}

/// That a loader found nothing.
#[derive(Debug)]
pub(super) struct Absence {
    pub(super) born: u64,
    pub(super) until: u64,
    pub(super) tags: Box<[Arc<str>]>,
}

impl Marks {
    /// Those of an entry without times, tags and tenant in a cache in which nothing was invalidated yet.
    pub(super) fn usual() -> Self {
        Self {
            born: 0,
            fresh_until: NEVER,
            rare: None,
        }
    }

    pub(super) fn tags(&self) -> &[Arc<str>] {
        self.rare.as_ref().map_or(&[], |rare| &rare.tags)
    }

    pub(super) fn tenant(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.tenant)
    }

    pub(super) fn used(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.used)
    }
}

impl<K, V> Arrival<K, V> {
    /// Sets under which tags it stands.
    pub(super) fn set_tags(&mut self, tags: Vec<Arc<str>>) {
        let rare = self.marks.as_mut().and_then(|marks| marks.rare.as_mut());
        match rare {
            Some(rare) => rare.tags = tags.into(),
            None if tags.is_empty() => {}
            None => {
                let marks = self.marks.get_or_insert_with(Marks::usual);
                marks.rare = Some(Box::new(Rare {
                    tags: tags.into(),
                    tenant: 0,
                    used: 0,
                }));
            }
        }
    }
}

/// Entries that left, to be dropped and told of outside of the lock.
#[derive(Debug)]
pub(super) struct Gone<K, V> {
    first: Option<(K, V, RemovalCause)>,
    more: Vec<(K, V, RemovalCause)>,
    /// One that was not taken in. Nobody is told of it.
    pub(super) refused: Option<(K, V)>,
}

impl<K, V> Gone<K, V> {
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            first: None,
            more: Vec::new(),
            refused: None,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, key: K, value: V, cause: RemovalCause) {
        if self.first.is_none() {
            self.first = Some((key, value, cause));
        } else {
            self.more.push((key, value, cause));
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, RemovalCause)> {
        let all = self.first.iter().chain(&self.more);
        all.map(|(key, _, cause)| (key, *cause))
    }
}
