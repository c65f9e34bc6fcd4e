//! `cache/expected.json`: access traces replayed through the cache, one shard and exact capacity (`cache/README.md`).
//!
//! The traces are other people's and are not part of this project; without the folder that has them, the list is not run.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;

use flate2::read::GzDecoder;
use garland::cache::Cache;
use lru::LruCache;
use serde_json::Value;

use crate::runner::{self, Check};

pub(crate) const LISTS: [(&str, Check); 1] = [("cache/expected.json", check)];

/// What `moka` 0.12 finds in these traces, in percent, measured beside ours by `scripts/peers cache --traces`.
const MOKA: [(&str, u64, f64); 12] = [
    ("arc-oltp", 1_000, 34.18),
    ("arc-oltp", 2_000, 39.87),
    ("arc-oltp", 5_000, 48.01),
    ("arc-oltp", 10_000, 53.87),
    ("corda-vaultservice", 512, 2.70),
    ("corda-vaultservice", 2_048, 3.26),
    ("corda-vaultservice", 8_192, 5.78),
    ("cache2k-orm-busy-300k", 500, 47.69),
    ("cache2k-orm-busy-300k", 2_000, 59.47),
    ("arc-p3-60k", 5_000, 1.73),
    ("arc-p3-60k", 20_000, 12.34),
    ("arc-p3-60k", 80_000, 36.24),
];

/// The mean share of the best peer there, `foyer` with S3-FIFO.
const BEST_PEER: f64 = 0.771;

/// Replays all traces: the LRU reference must be exact, and ours must hold its bars.
fn check(text: &str) -> Result<(), String> {
    let expected: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let (mut shares, mut wrong) = (Vec::new(), Vec::new());
    for (name, capacity, moka) in MOKA {
        let row = &expected[name]["capacities"][capacity.to_string()];
        let number = |field: &str| {
            row[field]
                .as_u64()
                .ok_or_else(|| format!("{name}: no {field}"))
        };
        let (lru, best) = (number("lru_hits")?, number("opt_hits")?);
        let keys = trace(name).map_err(|error| format!("{name}: {error}"))?;
        let found = replay_lru(capacity, &keys);
        if found != lru {
            wrong.push(format!("{name} {capacity}: LRU finds {found}, not {lru}"));
        }
        let ours = replay(capacity, &keys);
        let all = keys.len() as f64;
        let reference = (lru as f64).max(moka / 100.0 * all);
        let (share, beside) = (ours as f64 / best as f64, ours as f64 / reference);
        println!(
            "{name} {capacity}: {ours} hits, {:.2} %, {share:.3} of the best, {beside:.3} of the better of LRU and moka",
            100.0 * ours as f64 / all,
        );
        let mut bar = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!(
                    "{name} {capacity}: {what}: {ours} hits, LRU {lru}, best {best}"
                ));
            }
        };
        bar(beside >= 0.75, "below 0.75 of the better of LRU and moka");
        match (name, capacity) {
            ("arc-oltp", 5_000) => bar(share >= 0.79, "below 0.79 of the best"),
            ("corda-vaultservice", 512) => {
                bar(ours as f64 >= 0.85 * lru as f64, "below 0.85 of LRU");
            }
            ("arc-p3-60k", 20_000) => bar(ours >= 4 * lru, "below four times LRU"),
            _ => {}
        }
        shares.push(share);
    }
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    println!("mean share of the best: {mean:.4}");
    if mean < BEST_PEER {
        wrong.push(format!("mean share {mean:.4} is below {BEST_PEER}"));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

fn replay(capacity: u64, keys: &[u64]) -> u64 {
    let cache = Cache::builder(capacity).shards(1).build().unwrap();
    for key in keys {
        if cache.get(key).is_none() {
            cache.insert(*key, ());
        }
    }
    let stats = cache.stats();
    assert!(stats.weight <= capacity, "{stats:?}");
    assert_eq!(stats.hits + stats.misses, keys.len() as u64, "{stats:?}");
    stats.hits
}

fn replay_lru(capacity: u64, keys: &[u64]) -> u64 {
    let capacity = usize::try_from(capacity).ok().and_then(NonZeroUsize::new);
    let mut cache = LruCache::new(capacity.unwrap());
    let hits = keys.iter().filter(|key| cache.put(**key, ()).is_some());
    hits.count() as u64
}

/// Reads a trace: a key on each line, or a first key and how many follow.
fn trace(name: &str) -> io::Result<Vec<u64>> {
    let folder = runner::folder().join("cache");
    let keys = folder.join(format!("{name}.keys.gz"));
    let path = if keys.is_file() {
        keys
    } else {
        folder.join(format!("{name}.ranges.gz"))
    };
    let text = io::read_to_string(GzDecoder::new(File::open(path)?))?;
    let number = |word: &str| word.parse::<u64>().map_err(io::Error::other);
    let mut keys = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.split_once(' ') {
            Some((start, count)) => {
                let start = number(start)?;
                keys.extend(start..start + number(count)?);
            }
            None => keys.push(number(line)?),
        }
    }
    Ok(keys)
}
