//! Speed of the content hashes, alone and in company, over a file that does not fit the caches of a core.

use divan::counter::BytesCount;
use garland::connector::{ContentHasher, HashAlgorithm};

const LENGTH: usize = 16 * 1024 * 1024;

const SETS: [&str; 12] = [
    "blake3",
    "sha512",
    "sha256",
    "dropbox",
    "sha1",
    "md5",
    "quickxor",
    "crc64nvme",
    "crc32c",
    "blake3+sha256",
    "md5+sha256+quickxor",
    "blake3+sha512+sha256+dropbox+sha1+md5+quickxor+crc64nvme+crc32c",
];

fn main() {
    divan::main();
}

#[divan::bench(args = SETS, sample_count = 20)]
fn hash(bencher: divan::Bencher<'_, '_>, set: &str) {
    let algorithms: Vec<HashAlgorithm> = set.split('+').map(|name| name.parse().unwrap()).collect();
    let content: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
    bencher.counter(BytesCount::new(LENGTH)).bench_local(|| {
        let mut hasher = ContentHasher::new(algorithms.iter().copied());
        hasher.update(divan::black_box(&content));
        hasher.finish()
    });
}

/// How much the size of the updates matters: BLAKE3 is a tree and likes whole subtrees.
#[divan::bench(args = [4096, 60_000, 65_536, 1_000_000, 1_048_576], sample_count = 20)]
fn blake3_cut(bencher: divan::Bencher<'_, '_>, size: usize) {
    let content: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
    bencher.counter(BytesCount::new(LENGTH)).bench_local(|| {
        let mut hasher = ContentHasher::new([HashAlgorithm::Blake3]);
        for piece in divan::black_box(&content).chunks(size) {
            hasher.update(piece);
        }
        hasher.finish()
    });
}
