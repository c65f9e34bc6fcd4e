//! Garland's cache beside `lru` (behind a lock), `moka`, `quick_cache` and `foyer`: time an operation, and the part of what an
//! all-knowing cache would have found in the access traces of the shared vectors.
//!
//! Caches of 100,000 entries, numbers to numbers; keys by Zipf's law (0.99) over a million. Slices of the contestants are
//! interleaved, and the least of each counts.
//!   cache                   speed, sixty rounds
//!   cache --rounds 9        fewer
//!   cache --traces FOLDER   hit rates instead, over the folder `cache` of the shared vectors

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use foyer_memory::{CacheBuilder, EvictionConfig, LfuConfig, S3FifoConfig};
use garland_peers::measure::{figure, ratio};
use garland_peers::{Arguments, Result};

const CAPACITY: u64 = 100_000;
const KEYS: u64 = 1_000_000;
const SLICE: usize = 20_000;

/// What every contestant can do.
trait Contestant: Send + Sync {
    fn get(&self, key: u64) -> bool;
    fn put(&self, key: u64);
    /// Does what it put off.
    fn settle(&self) {}
}

struct Ours(garland::cache::Cache<u64, u64>);

impl Contestant for Ours {
    fn get(&self, key: u64) -> bool {
        black_box(self.0.get(&key)).is_some()
    }

    fn put(&self, key: u64) {
        self.0.insert(key, key);
    }
}

struct Lru(Mutex<lru::LruCache<u64, u64>>);

impl Contestant for Lru {
    fn get(&self, key: u64) -> bool {
        let mut cache = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        black_box(cache.get(&key)).is_some()
    }

    fn put(&self, key: u64) {
        let mut cache = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        cache.put(key, key);
    }
}

struct Moka(moka::sync::Cache<u64, u64>);

impl Contestant for Moka {
    fn get(&self, key: u64) -> bool {
        black_box(self.0.get(&key)).is_some()
    }

    fn put(&self, key: u64) {
        self.0.insert(key, key);
    }

    fn settle(&self) {
        self.0.run_pending_tasks();
    }
}

struct Quick(quick_cache::sync::Cache<u64, u64>);

impl Contestant for Quick {
    fn get(&self, key: u64) -> bool {
        black_box(self.0.get(&key)).is_some()
    }

    fn put(&self, key: u64) {
        self.0.insert(key, key);
    }
}

struct Foyer(foyer_memory::Cache<u64, u64>);

impl Contestant for Foyer {
    fn get(&self, key: u64) -> bool {
        black_box(self.0.get(&key)).is_some()
    }

    fn put(&self, key: u64) {
        self.0.insert(key, key);
    }
}

type Entrants = Vec<(&'static str, Arc<dyn Contestant>)>;

/// All of them; with `one`, in one part each, so that the capacity is exact.
fn entrants(capacity: u64, one: bool) -> Result<Entrants> {
    let size = usize::try_from(capacity)?;
    let shards = if one { 1 } else { 16 };
    let foyer = |config: EvictionConfig| {
        let builder = CacheBuilder::new(size).with_shards(shards);
        Foyer(builder.with_eviction_config(config).build())
    };
    let quick = quick_cache::OptionsBuilder::new()
        .estimated_items_capacity(size)
        .weight_capacity(capacity)
        .shards(if one { 1 } else { 16 })
        .build()?;
    Ok(vec![
        (
            "garland",
            Arc::new(Ours(garland::cache::Cache::builder(capacity).shards(shards).build()?)),
        ),
        (
            "lru",
            Arc::new(Lru(Mutex::new(lru::LruCache::new(
                NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN),
            )))),
        ),
        ("moka", Arc::new(Moka(moka::sync::Cache::new(capacity)))),
        (
            "quick_cache",
            Arc::new(Quick(quick_cache::sync::Cache::with_options(
                quick,
                quick_cache::UnitWeighter,
                quick_cache::DefaultHashBuilder::default(),
                quick_cache::sync::DefaultLifecycle::default(),
            ))),
        ),
        ("foyer-s3fifo", Arc::new(foyer(S3FifoConfig::default().into()))),
        ("foyer-lfu", Arc::new(foyer(LfuConfig::default().into()))),
    ])
}

fn main() -> Result<()> {
    let arguments = Arguments::of_process();
    if let Some(folder) = arguments.value("--traces") {
        return traces(folder);
    }
    let rounds = arguments.number("--rounds", 60)?;
    hits(rounds)?;
    misses(rounds)?;
    zipf(rounds, 1)?;
    zipf(rounds, 2)
}

/// Keys that are all there, in an order that no processor foresees.
fn hits(rounds: usize) -> Result<()> {
    let entrants = entrants(CAPACITY, false)?;
    let half = CAPACITY / 2;
    for (_, cache) in &entrants {
        for _ in 0..2 {
            (0..half).for_each(|key| {
                cache.put(key);
                cache.get(key);
            });
        }
        cache.settle();
    }
    let keys: Vec<u64> = (0..SLICE as u64).map(|n| mix(n) % half).collect();
    compare("cache-get-hit", rounds, &entrants, |cache, _| {
        let found = keys.iter().filter(|key| cache.get(**key)).count();
        assert!(found * 100 > keys.len() * 95, "{found} of {}", keys.len());
    });
    Ok(())
}

/// Keys that are never there, and are put in.
fn misses(rounds: usize) -> Result<()> {
    let entrants = entrants(CAPACITY, false)?;
    for (_, cache) in &entrants {
        (0..CAPACITY * 2).for_each(|key| cache.put(key));
    }
    compare("cache-miss-insert", rounds, &entrants, |cache, round| {
        let from = (10 + round as u64) * KEYS;
        for key in from..from + SLICE as u64 {
            if !cache.get(key) {
                cache.put(key);
            }
        }
    });
    Ok(())
}

fn zipf(rounds: usize, threads: usize) -> Result<()> {
    let entrants = entrants(CAPACITY, false)?;
    let law = Zipf::new(KEYS, 0.99);
    let keys: Vec<u64> = (0..100 * SLICE as u64).map(|n| law.draw(n)).collect();
    for (_, cache) in &entrants {
        for key in &keys {
            if !cache.get(*key) {
                cache.put(*key);
            }
        }
    }
    let name = format!("cache-zipf-{threads}t");
    compare(&name, rounds, &entrants, |cache, round| {
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let from = (round * threads + thread) % 100 * SLICE;
                let keys = keys.get(from..from + SLICE).unwrap_or_default();
                scope.spawn(move || {
                    for key in keys {
                        if !cache.get(*key) {
                            cache.put(*key);
                        }
                    }
                });
            }
        });
    });
    Ok(())
}

fn compare(
    name: &str,
    rounds: usize,
    entrants: &Entrants,
    run: impl Fn(&dyn Contestant, usize),
) {
    let mut best = vec![Duration::MAX; entrants.len()];
    for round in 0..rounds {
        for ((_, cache), best) in entrants.iter().zip(&mut best) {
            #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
            let begun = Instant::now();
            run(&**cache, round);
            *best = (*best).min(begun.elapsed());
        }
    }
    let of = |wanted: &str| {
        let mut all = entrants.iter().zip(&best);
        all.find(|((own, _), _)| *own == wanted).map(|(_, best)| *best)
    };
    for ((own, _), best) in entrants.iter().zip(&best) {
        figure(&format!("{name}-{own}"), best.as_secs_f64() * 1e9 / SLICE as f64, "ns");
    }
    if let Some(ours) = of("garland") {
        for peer in ["quick_cache", "moka", "lru", "foyer-s3fifo"] {
            if let Some(theirs) = of(peer) {
                ratio(&format!("{name}-of-{peer}"), ours.as_secs_f64() / theirs.as_secs_f64());
            }
        }
    }
}

/// Replays the traces, and prints each hit rate as a part of what an all-knowing cache would have had.
fn traces(folder: &str) -> Result<()> {
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(format!("{folder}/expected.json"))?)?;
    let traces = [
        ("arc-oltp", "arc-oltp.keys.gz"),
        ("corda-vaultservice", "corda-vaultservice.keys.gz"),
        ("cache2k-orm-busy-300k", "cache2k-orm-busy-300k.keys.gz"),
        ("arc-p3-60k", "arc-p3-60k.ranges.gz"),
    ];
    let mut shares: Vec<(&str, Vec<f64>)> = Vec::new();
    for (name, file) in traces {
        let keys = trace(&format!("{folder}/{file}"))?;
        let rows = expected[name]["capacities"].as_object().ok_or("no capacities")?;
        for (capacity, row) in rows {
            let best = row["opt_hits"].as_f64().ok_or("no opt_hits")?;
            let entrants = entrants(capacity.parse()?, true)?;
            let mut line = format!("# {name} {capacity}:");
            for (at, (own, cache)) in entrants.iter().enumerate() {
                let hits = keys.iter().filter(|key| replay(&**cache, **key)).count();
                line += &format!(" {own} {:.2}", 100.0 * hits as f64 / keys.len() as f64);
                if shares.len() <= at {
                    shares.push((own, Vec::new()));
                }
                if let Some((_, shares)) = shares.get_mut(at) {
                    shares.push(hits as f64 / best);
                }
            }
            println!("{line}");
        }
    }
    for (own, shares) in &shares {
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        figure(&format!("cache-share-of-best-{own}"), 100.0 * mean, "%");
    }
    Ok(())
}

fn replay(cache: &dyn Contestant, key: u64) -> bool {
    let hit = cache.get(key);
    if !hit {
        cache.put(key);
    }
    cache.settle();
    hit
}

fn trace(path: &str) -> Result<Vec<u64>> {
    let text = std::io::read_to_string(GzDecoder::new(std::fs::File::open(path)?))?;
    let mut keys = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.split_once(' ') {
            Some((start, count)) => {
                let start: u64 = start.parse()?;
                keys.extend(start..start + count.parse::<u64>()?);
            }
            None => keys.push(line.parse()?),
        }
    }
    Ok(keys)
}

/// Numbers by Zipf's law, by a table of sums.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(keys: u64, exponent: f64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=keys).map(|rank| {
            sum += 1.0 / (rank as f64).powf(exponent);
            sum
        });
        Self(sums.collect())
    }

    fn draw(&self, n: u64) -> u64 {
        let unit = (mix(n) >> 11) as f64 / 9_007_199_254_740_992.0;
        let all = self.0.last().copied().unwrap_or(1.0);
        mix(self.0.partition_point(|sum| *sum < unit * all) as u64)
    }
}

fn mix(n: u64) -> u64 {
    let mut word = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
