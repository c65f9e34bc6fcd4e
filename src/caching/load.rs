//! Loading what is not there, once for all who ask.

use std::future::Future;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::error::{Error, ErrorKind, Result};

use super::course::Load;
use super::entry::{Absence, Gone, Seen, Stored};
use super::flight::{Ended, Flight};
use super::handle::{Cache, Inner};
use super::options::InsertOptions;
use super::rules::nanos;
use super::shard::Shard;

/// The least time between a refresh that failed and the next of its key.
const PAUSE: Duration = Duration::from_secs(1);

/// What a question comes to, before anything is waited for.
enum Answer<K, V> {
    Value(Stored<V>),
    /// A value past its time, and the load that will replace it, if it was begun by this question.
    Stale(Stored<V>, Option<(Load<V>, Room)>),
    Absent,
    /// A load to wait for, and the hash and key of a value that may stand in for it.
    Wait(Load<V>, Option<(u64, K)>),
}

/// Where one load may run in the background.
struct Room {
    runtime: Handle,
    permit: OwnedSemaphorePermit,
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
    /// To be called inside a tokio runtime with time enabled. A loader that asks for its own key waits for itself,
    /// until the deadline.
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
    /// What is loaded carries the tags of all who asked for it, and the time to live of the one who began the load.
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
                if let Some((load, room)) = refresh {
                    inner.refresh(load, room);
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
                    Some((hash, key)) => inner.stand_in(hash, &key, error),
                    None => Err(error),
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
    ) -> Answer<K, V> {
        let hash = self.hash(&key);
        // They outlive the lock: neither a value nor a load is dropped under it.
        let (seen, joined);
        let mut shard = self.shard(hash);
        seen = shard.look(hash, &key, &self.rules, &self.barriers, gone);
        let fallback = match seen {
            Seen::Fresh(stored) => {
                shard.asked.hits += 1;
                return Answer::Value(stored);
            }
            Seen::Stale(stored, past) if past < nanos(self.rules.while_revalidating) => {
                shard.counts.stale += 1;
                joined = self.join(&mut shard, &key, &options.tags);
                let room = match joined {
                    None if !shard.flights.is_paused(&key, self.rules.now()) => self.room(),
                    _ => None,
                };
                // Not in a closure: what is not needed of the question is dropped after the lock then.
                let refresh = match room {
                    Some(room) => {
                        let load = self.begin(&mut shard, hash, key, options, loader, true);
                        Some((load, room))
                    }
                    None => None,
                };
                return Answer::Stale(stored, refresh);
            }
            Seen::Stale(_, past) if past < nanos(self.rules.if_error) => Some((hash, key.clone())),
            _ => None,
        };
        if self.is_absent(&mut shard, &key) {
            shard.counts.absent += 1;
            return Answer::Absent;
        }
        shard.asked.misses += 1;
        let load = match self.join(&mut shard, &key, &options.tags) {
            Some(load) => {
                shard.counts.joined += 1;
                load
            }
            None => self.begin(&mut shard, hash, key, options, loader, false),
        };
        Answer::Wait(load, fallback)
    }

    /// What `key` has when its load failed, if that may be returned: the entry may have left or changed meanwhile.
    fn stand_in(&self, hash: u64, key: &K, error: Error) -> Result<V> {
        let mut gone = Gone::new();
        let mut shard = self.shard(hash);
        let seen = shard.look(hash, key, &self.rules, &self.barriers, &mut gone);
        let found = match seen {
            Seen::Fresh(stored) => {
                shard.asked.hits += 1;
                Ok(stored)
            }
            Seen::Stale(stored, past)
                if past < nanos(self.rules.if_error) && error.is_retryable() =>
            {
                shard.counts.stale += 1;
                Ok(stored)
            }
            Seen::Stale(stored, _) => Err(Some(stored)),
            Seen::Nothing => Err(None),
        };
        if found.is_ok() {
            // The question was counted as a miss when the load was waited for.
            shard.asked.misses -= 1;
        }
        drop(shard);
        self.tell(&gone);
        match found {
            Ok(stored) => self.read(stored),
            Err(_) => Err(error),
        }
    }

    /// Whether a loader found nothing for `key` lately.
    fn is_absent(&self, shard: &mut Shard<K, V>, key: &K) -> bool {
        let Some(absence) = shard.absent.get(key) else {
            return false;
        };
        let path = self.rules.path(key);
        let holds = self.rules.now() < absence.until
            && !self.barriers.bars_load(absence.born, &absence.tags, path);
        if !holds {
            shard.absent.pop(key);
        }
        holds
    }

    /// The load of `key` that is on its way, if its result will be good for who asks now; it gets their tags too.
    fn join(&self, shard: &mut Shard<K, V>, key: &K, tags: &[Arc<str>]) -> Option<Load<V>> {
        let flight = shard.flights.get_mut(key)?;
        let age = self.rules.now().saturating_sub(flight.began);
        let path = self.rules.path(key);
        let bars = |tags, path| self.barriers.bars_load(flight.born, tags, path);
        if age >= nanos(self.rules.deadline) || bars(&flight.tags, path) || bars(tags, None) {
            return None;
        }
        let load = flight.load.upgrade()?;
        for tag in tags {
            if !flight.tags.contains(tag) {
                flight.tags.push(Arc::clone(tag));
            }
        }
        Some(load)
    }

    fn begin(
        self: &Arc<Self>,
        shard: &mut Shard<K, V>,
        hash: u64,
        key: K,
        options: InsertOptions,
        loader: impl Future<Output = Result<V>> + Send + 'static,
        is_refresh: bool,
    ) -> Load<V> {
        shard.counts.loads += 1;
        let id = shard.flights.next_id();
        let (began, born) = (self.rules.now(), self.barriers.epoch());
        let tags = options.tags.clone();
        let ticket = Ticket {
            cache: Arc::downgrade(self),
            hash,
            key: key.clone(),
            id,
            born,
            is_refresh,
            used: false,
        };
        let flying = async move {
            let loaded = AssertUnwindSafe(loader).catch_unwind().await;
            ticket.land(options, loaded.unwrap_or_else(|_| Err(panicked())))
        };
        let load = Load::new(flying.boxed());
        let flight = Flight {
            id,
            began,
            born,
            tags,
            load: load.downgrade(),
        };
        shard.flights.begin(key, flight);
        load
    }

    /// Room for a load in the background, if there is a runtime to run it and not too many do already.
    fn room(&self) -> Option<Room> {
        let runtime = Handle::try_current().ok()?;
        let permit = Arc::clone(&self.rooms).try_acquire_owned().ok()?;
        Some(Room { runtime, permit })
    }

    /// Drives a load in the background.
    fn refresh(&self, load: Load<V>, room: Room) {
        let Room { runtime, permit } = room;
        let deadline = self.rules.deadline;
        // The load is handed over outside of the lock: a runtime that has ended drops its task as soon as it gets it.
        let (hand_over, handed_over) = oneshot::channel();
        let drive = async move {
            let Ok(load) = handed_over.await else { return };
            // Its result is in the cache, or is counted there as failed.
            _ = tokio::time::timeout(deadline, load).await;
            drop(permit);
        };
        let mut refreshes = self
            .refreshes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while refreshes.try_join_next().is_some() {}
        refreshes.spawn_on(drive, &runtime);
        drop(refreshes);
        // Given back if nobody takes it, and dropped here.
        drop(hand_over.send(load));
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
    is_refresh: bool,
    used: bool,
}

impl<K, V> Ticket<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Stores what was loaded. What the weigher, the expiry or the listener throws meanwhile is nothing to those who
    /// wait: they get what was loaded.
    fn land(mut self, options: InsertOptions, loaded: Result<V>) -> Ended<V> {
        let Some(cache) = self.cache.upgrade() else {
            self.used = true;
            return (loaded.map_err(Arc::new), None);
        };
        let landing = || {
            let mut gone = Gone::new();
            match &loaded {
                Ok(value) => self.keep(&cache, options, value.clone(), &mut gone),
                Err(error) => self.fail(&cache, error.kind(), &mut gone),
            }
            self.used = true;
            cache.tell(&gone);
        };
        let thrown = catch_unwind(AssertUnwindSafe(landing)).err();
        (loaded.map_err(Arc::new), thrown)
    }

    fn keep(&self, cache: &Inner<K, V>, options: InsertOptions, value: V, gone: &mut Gone<K, V>) {
        let mut arrival = cache.prepare(self.key.clone(), value, options, self.born);
        let mut shard = cache.shard(self.hash);
        shard.counts.loaded += 1;
        let flight = shard.flights.end(&self.key, self.id);
        let tags = flight.map(|flight| flight.tags);
        let path = cache.rules.path(&self.key);
        // Under the lock, as a sweep must not come in between: it forgets what it was about.
        let good = |tags: &Vec<_>| !cache.barriers.bars_load(self.born, tags, path);
        if let Some(tags) = tags.filter(good) {
            arrival.set_tags(tags);
            cache.store(&mut shard, self.hash, arrival, gone);
        } else {
            shard.counts.refused += 1;
            drop(shard);
            drop(arrival);
        }
    }

    fn fail(&self, cache: &Inner<K, V>, kind: ErrorKind, gone: &mut Gone<K, V>) {
        let mut shard = cache.shard(self.hash);
        shard.counts.failed_loads += 1;
        let Some(flight) = shard.flights.end(&self.key, self.id) else {
            return;
        };
        if kind != ErrorKind::NotFound {
            self.pause(cache, &mut shard);
            return;
        }
        let now = cache.rules.now();
        let path = cache.rules.path(&self.key);
        if cache.barriers.bars_load(self.born, &flight.tags, path) {
            return;
        }
        // What is known to be gone is not served past its time.
        shard.remove(self.hash, &self.key, gone);
        if let Some(ttl) = cache.rules.negative {
            let absence = Absence {
                born: self.born,
                until: now.saturating_add(nanos(ttl)),
                tags: flight.tags.into(),
            };
            shard.absent.put(self.key.clone(), absence);
        }
    }

    /// Keeps the next refresh from beginning at once, if this was one.
    fn pause(&self, cache: &Inner<K, V>, shard: &mut Shard<K, V>) {
        if self.is_refresh {
            let pause = PAUSE.min(cache.rules.while_revalidating);
            let until = cache.rules.now().saturating_add(nanos(pause));
            shard.flights.pause(self.key.clone(), until);
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
            shard.counts.failed_loads += 1;
            if shard.flights.end(&self.key, self.id).is_some() {
                self.pause(&cache, &mut shard);
            }
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
