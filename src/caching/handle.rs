//! The cache.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher as _, Hash};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::error::{Error, ErrorKind, Result};

use super::barriers::Barriers;
use super::builder::CacheBuilder;
use super::entry::{Arrival, Gone, Item, Marks, Rare, Seen, Stored};
use super::hashing::Folding;
use super::options::{InsertOptions, Insertion};
use super::rules::{NEVER, Rules};
use super::shard::Shard;
use super::stats::CacheStats;

/// How many keys are remembered to have nothing, in all shards.
const ABSENT: usize = 4_096;

/// How many loads run in the background at once.
const REFRESHES: usize = 64;

/// Holds values by key, of at most a given weight together, and loads each once for all who ask at the same time.
///
/// Clones are handles of one cache. Values are cloned out of it: large ones belong in an [`Arc`] or in `Bytes`.
///
/// - **What leaves** when room is needed is chosen by how often and how lately it was used, by a policy that does not
///   lose its grip on scans, on loops or on pure recency, and learns the balance while it runs.
/// - **Loads** ([`get_with`](Self::get_with)) are single: who asks while a value is loaded waits for that load, and
///   drives it. A caller that goes away leaves it to the others.
/// - **Invalidation** by key, tag and prefix takes the same time however much is held, but for a [`sweep`](Self::sweep)
///   in every 4,096; what it met is let go of when it is read, or bit by bit. It wins over loads that began before it.
/// - **Locks** are held for some tens of nanoseconds on the whole, never over an `await`, and never while the weigher,
///   the expiry, the listener or a loader runs, or a value or a loader is dropped. What looks at all that a shard holds
///   locks that shard for longer: an insertion that makes it hold more than ever, when what finds its entries doubles,
///   one that comes when ten uses for each entry were counted, when the counts are halved, and a
///   [`sweep`](Self::sweep). More shards make each of these shorter. Keys are hashed, compared, cloned and dropped and
///   values cloned under a lock, and prefixes and the clock are asked there: none of them may ask the cache in turn.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use garland::cache::{Cache, InsertOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let previews: Cache<String, Vec<u8>> = Cache::builder(64 << 20)
///     .weigher(|path: &String, bytes: &Vec<u8>| (path.len() + bytes.len()) as u64)
///     .ttl(Duration::from_secs(600))
///     .prefixes_of(|path: &String| path.as_str())
///     .build()?;
///
/// let bytes = previews.get_with("zoë/1.jpg".into(), async { Ok(vec![1, 2, 3]) }).await?;
/// assert_eq!(previews.get("zoë/1.jpg"), Some(bytes));
///
/// let tagged = InsertOptions::default().with_tag("gallery 7");
/// previews.insert_with("zoë/2.jpg".into(), vec![4], tagged);
/// previews.invalidate_tag("gallery 7");
/// assert_eq!(previews.get("zoë/2.jpg"), None);
/// previews.invalidate_prefix("zoë/")?;
/// assert_eq!(previews.get("zoë/1.jpg"), None);
/// # Ok(())
/// # }
/// ```
pub struct Cache<K, V> {
    pub(super) inner: Arc<Inner<K, V>>,
}

/// A shard and its lock. It shares no line of the processor's cache with others, nor a pair of lines, which are fetched
/// together: who writes to one shard does not slow down who reads another.
#[repr(align(128))]
struct Part<K, V>(Mutex<Shard<K, V>>);

/// What the handles share.
pub(super) struct Inner<K, V> {
    hasher: Folding,
    first: Part<K, V>,
    others: Box<[Part<K, V>]>,
    pub(super) rules: Rules<K, V>,
    pub(super) barriers: Barriers,
    /// Loads in the background; they end with the cache.
    pub(super) refreshes: Mutex<JoinSet<()>>,
    /// For how many of them there is room.
    pub(super) rooms: Arc<Semaphore>,
    /// Held by who sweeps because of many invalidations.
    sweeping: Mutex<()>,
}

impl<K, V> Cache<K, V> {
    /// Begins a cache that holds entries of at most `max_weight` together.
    #[must_use]
    pub fn builder(max_weight: u64) -> CacheBuilder<K, V> {
        CacheBuilder::new(max_weight)
    }
}

impl<K: Eq + Hash, V> Cache<K, V> {
    pub(super) fn new(max: u64, shards: usize, quota: u64, rules: Rules<K, V>) -> Self {
        let count = shards as u64;
        let absent = NonZeroUsize::new(ABSENT / shards).unwrap_or(NonZeroUsize::MIN);
        let quota = rules.tenant.is_some().then(|| quota.div_ceil(count));
        let shard = |at: u64| {
            let max = max / count + u64::from(at < max % count);
            Part(Mutex::new(Shard::new(max, quota, absent)))
        };
        let inner = Inner {
            hasher: Folding::new(),
            first: shard(0),
            others: (1..count).map(shard).collect(),
            rules,
            barriers: Barriers::default(),
            refreshes: Mutex::new(JoinSet::new()),
            rooms: Arc::new(Semaphore::new(REFRESHES)),
            sweeping: Mutex::new(()),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns the fresh value of `key`, and counts the use.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
        V: Clone,
    {
        let inner = &*self.inner;
        let hash = inner.hash(key);
        let mut gone = Gone::new();
        let mut shard = inner.shard(hash);
        let seen = shard.look(hash, key, &inner.rules, &inner.barriers, &mut gone);
        let Seen::Fresh(stored) = seen else {
            shard.asked.misses += 1;
            drop(shard);
            inner.tell(&gone);
            return None;
        };
        shard.asked.hits += 1;
        drop(shard);
        inner.open(stored)
    }

    /// Tells whether `key` has a fresh value. Counts as no use.
    #[must_use]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let inner = &*self.inner;
        let hash = inner.hash(key);
        let mut shard = inner.shard(hash);
        shard.contains(hash, key, &inner.rules, &inner.barriers)
    }

    /// Stores a value, in place of an older one.
    ///
    /// A load of the key that is on its way is not stored any more.
    pub fn insert(&self, key: K, value: V) -> Insertion {
        self.put(key, value, InsertOptions::default())
    }

    /// Stores a value with its own time to live or tags, as [`insert`](Self::insert) does.
    pub fn insert_with(&self, key: K, value: V, options: InsertOptions) -> Insertion {
        self.put(key, value, options)
    }

    #[inline]
    fn put(&self, key: K, value: V, options: InsertOptions) -> Insertion {
        let inner = &*self.inner;
        let hash = inner.hash(&key);
        let arrival = inner.prepare(key, value, options, inner.barriers.epoch());
        let mut gone = Gone::new();
        let mut shard = inner.shard(hash);
        shard.outdate(&arrival.item.key);
        let insertion = inner.store(&mut shard, hash, arrival, &mut gone);
        drop(shard);
        inner.tell(&gone);
        insertion
    }

    /// Removes the entry of `key`; `true` if there was one. A load of it that is on its way is not stored any more.
    pub fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let inner = &*self.inner;
        let hash = inner.hash(key);
        let mut gone = Gone::new();
        let removed = inner.shard(hash).remove(hash, key, &mut gone);
        inner.tell(&gone);
        removed
    }

    /// Invalidates all entries with this tag, those included that are being loaded with it.
    pub fn invalidate_tag(&self, tag: &str) {
        let too_many = self.inner.barriers.tag(tag);
        self.sweep_if(too_many);
    }

    /// Invalidates all entries whose key begins with `prefix`, those included that are being loaded.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`]: the cache was built without [`prefixes_of`](CacheBuilder::prefixes_of).
    pub fn invalidate_prefix(&self, prefix: &str) -> Result<()> {
        if self.inner.rules.path.is_none() {
            let message = "the cache was built without prefixes";
            return Err(Error::new(
                ErrorKind::Unsupported,
                "cache.invalidate",
                message,
            ));
        }
        let too_many = self.inner.barriers.prefix(prefix);
        self.sweep_if(too_many);
        Ok(())
    }

    /// Invalidates everything, what is being loaded included.
    pub fn invalidate_all(&self) {
        self.inner.barriers.all();
    }

    /// Lets go of all entries that are past their time or invalidated, in time that grows with what is held.
    ///
    /// Never needed for correct answers; it frees their room at once and not bit by bit. The cache does so itself
    /// when 4,096 different tags and prefixes were invalidated since the last time, in the invalidation that is one
    /// too many: others go on meanwhile. That is one look at each entry in 4,096 invalidations.
    pub fn sweep(&self) {
        let inner = &*self.inner;
        let epoch = inner.barriers.epoch();
        for shard in inner.shards() {
            let mut gone = Gone::new();
            let mut shard = lock(shard);
            shard.sweep(&inner.rules, &inner.barriers, &mut gone);
            drop(shard);
            inner.tell(&gone);
        }
        inner.barriers.forget(epoch);
    }

    /// Sweeps because of too many notes, unless somebody does.
    fn sweep_if(&self, too_many: bool) {
        if too_many {
            match self.inner.sweeping.try_lock() {
                Err(TryLockError::WouldBlock) => {}
                // Nothing is guarded by it but the turn.
                Ok(_) | Err(TryLockError::Poisoned(_)) => self.sweep(),
            }
        }
    }

    /// Returns what the cache has done, and what it holds.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let mut all = CacheStats::default();
        for shard in self.inner.shards() {
            all.add(&lock(shard).stats());
        }
        all
    }
}

impl<K: Eq + Hash, V> Inner<K, V> {
    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The shard of a hash, by bits that nothing else in it goes by.
    #[inline]
    pub(super) fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<K, V>> {
        let at = usize::try_from(hash >> 51).unwrap_or(0) & self.others.len();
        let other = at.checked_sub(1).and_then(|at| self.others.get(at));
        lock(&other.unwrap_or(&self.first).0)
    }

    fn shards(&self) -> impl Iterator<Item = &Mutex<Shard<K, V>>> {
        let shards = std::iter::once(&self.first).chain(&self.others);
        shards.map(|shard| &shard.0)
    }

    /// The entry and its weight: all that can be known outside of the lock.
    #[inline]
    pub(super) fn prepare(
        &self,
        key: K,
        value: V,
        options: InsertOptions,
        born: u64,
    ) -> Arrival<K, V> {
        let rules = &self.rules;
        let fresh_until = rules.fresh_until(&key, &value, options.ttl);
        let packing = rules.packing.as_ref();
        let smaller = packing.and_then(|packing| packing.pack(&value));
        let packed = smaller.is_some();
        let value = smaller.unwrap_or(value);
        let stored = Stored { value, packed };
        let weight = rules.weigh(&key, &stored.value);
        let plain = options.tags.is_empty() && rules.tenant.is_none() && rules.idle.is_none();
        let rare = (!plain).then(|| {
            Box::new(Rare {
                tags: options.tags.into(),
                tenant: rules.tenant.as_ref().map_or(0, |of| of(&key)),
                used: rules.idle.map_or(0, |_| rules.now()),
            })
        });
        let usual = born == 0 && fresh_until == NEVER && rare.is_none();
        let marks = (!usual).then_some(Marks {
            born,
            fresh_until,
            rare,
        });
        Arrival {
            item: Item { key, stored },
            marks,
            weight,
        }
    }

    #[inline]
    pub(super) fn store(
        &self,
        shard: &mut Shard<K, V>,
        hash: u64,
        arrival: Arrival<K, V>,
        gone: &mut Gone<K, V>,
    ) -> Insertion {
        // Nothing can be dead where nothing has a time and nothing was invalidated.
        if arrival.marks.is_some() {
            shard.sweep_some(&self.rules, &self.barriers, gone);
        }
        shard.insert(hash, arrival, gone)
    }

    /// The value of a stored form; `None` if it cannot be read any more, which is as good as not there.
    pub(super) fn open(&self, stored: Stored<V>) -> Option<V> {
        match &self.rules.packing {
            Some(packing) if stored.packed => packing.unpack(&stored.value).ok(),
            _ => Some(stored.value),
        }
    }

    /// Tells who listens of what left.
    pub(super) fn tell(&self, gone: &Gone<K, V>) {
        if let Some(heard) = &self.rules.listener {
            gone.iter().for_each(|(key, cause)| heard(key, cause));
        }
    }
}

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("rules", &self.inner.rules)
            .finish_non_exhaustive()
    }
}

/// A shard is whole after every step, so that a panic of the host's code leaves it usable.
fn lock<K, V>(shard: &Mutex<Shard<K, V>>) -> MutexGuard<'_, Shard<K, V>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
