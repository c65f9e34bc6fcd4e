//! Loading what is not there, once for all who ask.

use std::future::Future;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;

use crate::error::{Error, ErrorKind, Result};

use super::flight::{Flight, Load};
use super::handle::{Cache, Inner};
use super::options::InsertOptions;
use super::rules::nanos;
use super::shard::{Absence, Gone, Seen, Shard, Stored};

/// How many loads run in the background at once.
const REFRESHES: usize = 64;

/// What a question comes to, before anything is waited for.
enum Answer<V> {
    Value(Stored<V>),
    /// A value past its time, and the load that will replace it, if it was begun by this question.
    Stale(Stored<V>, Option<Load<V>>),
    Absent,
    /// A load to wait for, and a value to fall back on, with its hash.
    Wait(Load<V>, Option<(u64, Stored<V>)>),
}

impl<K, V> Cache<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Returns the value of `key`, loaded by `loader` if it is not there.
    ///
    /// All who ask at the same time wait for one load, whoever began it; the loaders of the others are dropped
    /// without having been asked. It ends when its result is there or when nobody waits any more. A key that was
    /// written, removed or invalidated during the load gets what was loaded to those who waited, and the cache does
    /// not keep it; who asks after that begins another load.
    ///
    /// To be called inside a tokio runtime with time enabled.
    ///
    /// # Errors
    /// - The kind of the loader's own error, which is the source.
    /// - [`ErrorKind::NotFound`]: a loader found nothing within the
    ///   [negative time to live](super::CacheBuilder::negative_ttl).
    /// - [`ErrorKind::Timeout`]: the [deadline](super::CacheBuilder::load_deadline) passed; others may wait on.
    /// - [`ErrorKind::Unexpected`]: the loader panicked.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop at any time: others who wait take the load over.
    pub async fn get_with(
        &self,
        key: K,
        loader: impl Future<Output = Result<V>> + Send + 'static,
    ) -> Result<V> {
        self.get_with_options(key, InsertOptions::default(), loader)
            .await
    }

    /// Returns the value of `key` as [`get_with`](Self::get_with) does, and stores what is loaded with `options`.
    ///
    /// # Errors
    /// As [`get_with`](Self::get_with).
    ///
    /// # Cancel safety
    ///
    /// Safe to drop at any time: others who wait take the load over.
    pub async fn get_with_options(
        &self,
        key: K,
        options: InsertOptions,
        loader: impl Future<Output = Result<V>> + Send + 'static,
    ) -> Result<V> {
        let inner = &self.inner;
        let mut gone = Gone::new();
        let answer = inner.ask(key, options, loader, &mut gone);
        inner.tell(&gone);
        drop(gone);
        match answer {
            Answer::Value(stored) => inner.read(stored),
            Answer::Stale(stored, refresh) => {
                if let Some(load) = refresh {
                    inner.refresh(load);
                }
                inner.read(stored)
            }
            Answer::Absent => Err(Error::new(
                ErrorKind::NotFound,
                "cache.load",
                "nothing was found a moment ago",
            )),
            Answer::Wait(load, fallback) => {
                let deadline = inner.rules.deadline;
                let loaded = tokio::time::timeout(deadline, load).await;
                let error = match loaded {
                    Ok(Ok(value)) => return Ok(value),
                    Ok(Err(error)) => told(error),
                    Err(_) => late(deadline),
                };
                match fallback {
                    Some((hash, stored)) if error.is_retryable() => {
                        let mut shard = inner.shard(hash);
                        shard.counts.misses -= 1;
                        shard.counts.stale += 1;
                        drop(shard);
                        inner.read(stored)
                    }
                    _ => Err(error),
                }
            }
        }
    }
}

impl<K, V> Inner<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn ask(
        self: &Arc<Self>,
        key: K,
        options: InsertOptions,
        loader: impl Future<Output = Result<V>> + Send + 'static,
        gone: &mut Gone<K, V>,
    ) -> Answer<V> {
        let hash = self.hash(&key);
        let mut shard = self.shard(hash);
        let fallback = match shard.look(hash, &key, &self.rules, &self.barriers, gone) {
            Seen::Fresh(stored) => {
                shard.counts.hits += 1;
                return Answer::Value(stored);
            }
            Seen::Stale(stored, past) if past < nanos(self.rules.while_revalidating) => {
                shard.counts.stale += 1;
                let load = match self.join(&shard, &key) {
                    Some(_) => None,
                    None => Some(self.begin(&mut shard, hash, key, options, loader)),
                };
                return Answer::Stale(stored, load);
            }
            Seen::Stale(stored, past) if past < nanos(self.rules.if_error) => Some((hash, stored)),
            _ => None,
        };
        if self.is_absent(&mut shard, &key) {
            shard.counts.absent += 1;
            return Answer::Absent;
        }
        shard.counts.misses += 1;
        let load = match self.join(&shard, &key) {
            Some(load) => {
                shard.counts.joined += 1;
                load
            }
            None => self.begin(&mut shard, hash, key, options, loader),
        };
        Answer::Wait(load, fallback)
    }

    /// Whether a loader found nothing for `key` lately.
    fn is_absent(&self, shard: &mut Shard<K, V>, key: &K) -> bool {
        let Some(absence) = shard.absent.get(key).copied() else {
            return false;
        };
        let path = self.rules.path(key);
        let holds =
            self.rules.now() < absence.until && !self.barriers.bars_load(absence.born, &[], path);
        if !holds {
            shard.absent.pop(key);
        }
        holds
    }

    /// The load of `key` that is on its way, if its result will be good for who asks now.
    fn join(&self, shard: &Shard<K, V>, key: &K) -> Option<Load<V>> {
        let flight = shard.flights.get(key)?;
        let age = self.rules.now().saturating_sub(flight.began);
        let path = self.rules.path(key);
        let good = age < nanos(self.rules.deadline)
            && !self.barriers.bars_load(flight.born, &flight.tags, path);
        good.then(|| flight.load.upgrade()).flatten()
    }

    fn begin(
        self: &Arc<Self>,
        shard: &mut Shard<K, V>,
        hash: u64,
        key: K,
        options: InsertOptions,
        loader: impl Future<Output = Result<V>> + Send + 'static,
    ) -> Load<V> {
        shard.counts.loads += 1;
        let id = shard.flights.next_id();
        let born = self.barriers.epoch();
        let tags = options.tags.as_slice().into();
        let ticket = Ticket {
            cache: Arc::downgrade(self),
            hash,
            key: key.clone(),
            id,
            born,
            used: false,
        };
        let flying = async move {
            let loaded = loader.await;
            ticket.land(options, loaded)
        };
        let load: Load<V> = AssertUnwindSafe(flying)
            .catch_unwind()
            .map(|landed| landed.unwrap_or_else(|_| Err(Arc::new(panicked()))))
            .boxed()
            .shared();
        if let Some(weak) = load.downgrade() {
            let began = self.rules.now();
            let flight = Flight {
                id,
                began,
                born,
                tags,
                load: weak,
            };
            shard.flights.begin(key, flight);
        }
        load
    }

    /// Drives a load in the background, if there is room for one more.
    fn refresh(&self, load: Load<V>) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let mut refreshes = self
            .refreshes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while refreshes.try_join_next().is_some() {}
        if refreshes.len() < REFRESHES {
            let deadline = self.rules.deadline;
            let drive = async move {
                // Its result is in the cache, or is counted there as failed.
                _ = tokio::time::timeout(deadline, load).await;
            };
            refreshes.spawn_on(drive, &runtime);
        } else {
            drop(refreshes);
            drop(load);
        }
    }

    fn read(&self, stored: Stored<V>) -> Result<V> {
        self.open(stored).ok_or_else(|| {
            let message = "a stored value cannot be read";
            Error::new(ErrorKind::Corrupt, "cache.load", message)
        })
    }
}

/// The right of a load to store what it brings; given back when the load is dropped.
struct Ticket<K: Clone + Eq + Hash + Send + Sync + 'static, V: Clone + Send + Sync + 'static> {
    cache: Weak<Inner<K, V>>,
    hash: u64,
    key: K,
    id: u64,
    born: u64,
    used: bool,
}

impl<K, V> Ticket<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn land(mut self, options: InsertOptions, loaded: Result<V>) -> Result<V, Arc<Error>> {
        if let Some(cache) = self.cache.upgrade() {
            let mut gone = Gone::new();
            match &loaded {
                Ok(value) => self.keep(&cache, options, value.clone(), &mut gone),
                Err(error) => self.fail(&cache, error.kind(), &mut gone),
            }
            self.used = true;
            cache.tell(&gone);
        }
        loaded.map_err(Arc::new)
    }

    fn keep(&self, cache: &Inner<K, V>, options: InsertOptions, value: V, gone: &mut Gone<K, V>) {
        let (item, weight) = cache.prepare(self.key.clone(), value, options, self.born);
        let path = cache.rules.path(&self.key);
        // One that comes between this question and the lock is no harm: the entry is older than it, and says so.
        let barred = cache.barriers.bars_load(self.born, item.tags(), path);
        let mut shard = cache.shard(self.hash);
        if shard.flights.end(&self.key, self.id) && !barred {
            cache.store(&mut shard, self.hash, item, weight, gone);
        } else {
            shard.counts.refused += 1;
        }
    }

    fn fail(&self, cache: &Inner<K, V>, kind: ErrorKind, gone: &mut Gone<K, V>) {
        let mut shard = cache.shard(self.hash);
        shard.counts.failed_loads += 1;
        if !shard.flights.end(&self.key, self.id) || kind != ErrorKind::NotFound {
            return;
        }
        // What is known to be gone is not served past its time.
        shard.remove(self.hash, &self.key, gone);
        if let Some(ttl) = cache.rules.negative {
            let until = cache.rules.now().saturating_add(nanos(ttl));
            let absence = Absence {
                born: self.born,
                until,
            };
            shard.absent.put(self.key.clone(), absence);
        }
    }
}

impl<K, V> Drop for Ticket<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        if !self.used
            && let Some(cache) = self.cache.upgrade()
        {
            let mut shard = cache.shard(self.hash);
            shard.flights.end(&self.key, self.id);
            shard.counts.failed_loads += 1;
        }
    }
}

/// An error for one of those who waited; the loader's own is its source.
fn told(cause: Arc<Error>) -> Error {
    let error = Error::new(cause.kind(), "cache.load", cause.message());
    let error = match cause.retry_after() {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    };
    error.with_source(cause)
}

fn panicked() -> Error {
    Error::new(ErrorKind::Unexpected, "cache.load", "the loader panicked")
}

fn late(deadline: Duration) -> Error {
    let message = "the loader did not answer in time";
    Error::new(ErrorKind::Timeout, "cache.load", message)
        .with_context("seconds", deadline.as_secs_f64())
}
