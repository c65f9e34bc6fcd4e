//! What a cache counts.

use crate::telemetry::{CACHE_ENTRIES, CACHE_LOADS, CACHE_QUESTIONS, CACHE_WEIGHT, Label, Metrics};

use super::options::RemovalCause;

/// What a cache has done since it was made, and what it holds.
///
/// `inserted` is always `entries` and all that left together: `evicted`, `over_quota`, `expired`, `invalidated`,
/// `removed` and `replaced`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Questions answered by a fresh entry.
    pub hits: u64,
    /// Questions that no entry answered.
    pub misses: u64,
    /// Questions answered by an entry past its time, while it was loaded again or because that failed.
    pub stale: u64,
    /// Questions answered by the memory that there is nothing.
    pub absent: u64,
    /// Loads that began.
    pub loads: u64,
    /// Loads that brought a value. Those that began and are neither here nor among the failed are on their way.
    pub loaded: u64,
    /// Loads that ended without a value, those given up by all who waited included.
    pub failed_loads: u64,
    /// Questions that waited for a load begun by another.
    pub joined: u64,
    /// Entries taken in.
    pub inserted: u64,
    /// Entries refused: too heavy, or loaded while their key, tag or prefix was written or invalidated. Those not
    /// admitted are counted as inserted and evicted.
    pub refused: u64,
    /// Entries that left because others needed the room.
    pub evicted: u64,
    /// Entries that left because their tenant was over its quota.
    pub over_quota: u64,
    /// Entries that left because their time was over.
    pub expired: u64,
    /// Entries that left because a tag, a prefix or all was invalidated.
    pub invalidated: u64,
    /// Entries that were removed by their key.
    pub removed: u64,
    /// Entries whose value was replaced.
    pub replaced: u64,
    /// Entries held. Some may be past their time, and leave when they are met.
    pub entries: u64,
    /// What they weigh together.
    pub weight: u64,
    /// The most they may weigh together.
    pub max_weight: u64,
    /// Questions about the sample of keys that [`twice_hit_rate`](Self::twice_hit_rate) rests on.
    pub sampled: u64,
    /// Those of them that a cache of twice the weight would have answered.
    pub sampled_hits: u64,
}

impl CacheStats {
    /// Sets gauges to what is counted here: `garland_cache_questions` by answer, `garland_cache_loads` by outcome,
    /// `garland_cache_entries` and `garland_cache_weight`, all of them of the cache that is called `name`.
    ///
    /// # Example
    ///
    /// ```
    /// use garland::cache::Cache;
    /// use garland::telemetry::Registry;
    ///
    /// let cache: Cache<u32, u32> = Cache::builder(10).build()?;
    /// cache.insert(1, 2);
    /// cache.get(&1);
    /// let registry = Registry::new();
    /// cache.stats().tell("previews", &registry);
    /// let hits = [("cache", "previews"), ("answer", "hit")];
    /// assert_eq!(registry.snapshot().gauge("garland_cache_questions", &hits), Some(1.0));
    /// # Ok::<(), garland::Error>(())
    /// ```
    pub fn tell(&self, name: &'static str, metrics: &dyn Metrics) {
        let set = |gauge, label: Option<Label>, value: u64| {
            let labels = [Some(("cache", name)), label];
            let labels: Vec<Label> = labels.into_iter().flatten().collect();
            #[expect(clippy::cast_precision_loss, reason = "for people to look at")]
            metrics.set(gauge, &labels, value as f64);
        };
        for (answer, count) in [
            ("hit", self.hits),
            ("miss", self.misses),
            ("stale", self.stale),
            ("absent", self.absent),
        ] {
            set(CACHE_QUESTIONS, Some(("answer", answer)), count);
        }
        set(CACHE_LOADS, Some(("outcome", "loaded")), self.loaded);
        set(CACHE_LOADS, Some(("outcome", "failed")), self.failed_loads);
        set(CACHE_ENTRIES, None, self.entries);
        set(CACHE_WEIGHT, None, self.weight);
    }

    /// Returns the part of all questions that a fresh entry answered, 0 to 1; `None` before the first.
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        let asked = self.hits + self.misses + self.stale + self.absent;
        part(self.hits, asked)
    }

    /// Returns the hit rate that twice the weight would have given, estimated from one key in 64. It knows nothing of
    /// times and invalidations.
    ///
    /// `None` before the first question about such a key, and in caches that hold too few entries to tell: where a
    /// shard holds less than some 512 of the weight that is usual in it.
    #[must_use]
    pub fn twice_hit_rate(&self) -> Option<f64> {
        part(self.sampled_hits, self.sampled)
    }

    pub(super) fn count(&mut self, cause: RemovalCause) {
        let counter = match cause {
            RemovalCause::Evicted => &mut self.evicted,
            RemovalCause::OverQuota => &mut self.over_quota,
            RemovalCause::Expired => &mut self.expired,
            RemovalCause::Invalidated => &mut self.invalidated,
            RemovalCause::Removed => &mut self.removed,
            RemovalCause::Replaced => &mut self.replaced,
        };
        *counter += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.stale += other.stale;
        self.absent += other.absent;
        self.loads += other.loads;
        self.loaded += other.loaded;
        self.failed_loads += other.failed_loads;
        self.joined += other.joined;
        self.inserted += other.inserted;
        self.refused += other.refused;
        self.evicted += other.evicted;
        self.over_quota += other.over_quota;
        self.expired += other.expired;
        self.invalidated += other.invalidated;
        self.removed += other.removed;
        self.replaced += other.replaced;
        self.entries += other.entries;
        self.weight += other.weight;
        self.max_weight += other.max_weight;
        self.sampled += other.sampled;
        self.sampled_hits += other.sampled_hits;
    }
}

fn part(of: u64, all: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let part = of as f64 / all as f64;
    (all > 0).then_some(part)
}
