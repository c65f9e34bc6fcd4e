//! How many entries a second the planner takes; an entry is one path on one replica.

use std::fmt::Write as _;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use garland::Timestamp;
use garland::connector::{FilePath, FileVersion, HashAlgorithm, Hashes};
use garland::sync::{ConflictStrategy, Inventory, Planner, Relation, Replica, World};

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

fn main() {
    if std::env::args().any(|argument| argument == "--bench") {
        tell_memory();
    }
    divan::main();
}

fn tell_memory() {
    let world = world(1_000_000, 0);
    let inventories = world
        .replicas()
        .iter()
        .flat_map(|it| [&it.listing, &it.base]);
    let bytes: usize = inventories.map(Inventory::memory).sum();
    println!(
        "two replicas with base, 1,000,000 files: {} MiB",
        bytes >> 20
    );
}

/// Nothing has changed since all agreed.
#[divan::bench(args = SIZES)]
fn in_sync(bencher: Bencher<'_, '_>, files: usize) {
    plan(bencher, Relation::Peers, &world(files, 0), files * 2);
}

/// One file of a hundred has been edited on one replica.
#[divan::bench(args = SIZES)]
fn one_percent_changed(bencher: Bencher<'_, '_>, files: usize) {
    plan(bencher, Relation::Peers, &world(files, 100), files * 2);
}

/// The same, from a source to its target.
#[divan::bench(args = SIZES)]
fn mirror_one_percent_changed(bencher: Bencher<'_, '_>, files: usize) {
    plan(bencher, Relation::Mirror, &world(files, 100), files * 2);
}

/// A first sync: everything is on one replica only, and the other ignores case.
#[divan::bench(args = SIZES)]
fn first_sync(bencher: Bencher<'_, '_>, files: usize) {
    let full = Replica::new("card").with_listing(inventory(files, 0));
    let mut empty = Replica::new("archive");
    empty.names.case_sensitive = false;
    let world = World::new(vec![full, empty]).unwrap();
    plan(bencher, Relation::Peers, &world, files);
}

/// Building a listing that comes in order.
#[divan::bench(args = SIZES)]
fn build_in_order(bencher: Bencher<'_, '_>, files: usize) {
    let listed: Vec<_> = (0..files).map(|n| (path(n), version(n, false))).collect();
    bencher
        .counter(ItemsCount::new(files))
        .bench_local(|| build(listed.iter()));
}

/// Building a listing that comes in no order.
#[divan::bench(args = SIZES)]
fn build_shuffled(bencher: Bencher<'_, '_>, files: usize) {
    let place = |n: usize| n.wrapping_mul(7_919) % files;
    let listed: Vec<_> = (0..files)
        .map(|n| (path(place(n)), version(n, false)))
        .collect();
    bencher
        .counter(ItemsCount::new(files))
        .bench_local(|| build(listed.iter()));
}

fn plan(bencher: Bencher<'_, '_>, relation: Relation, world: &World, entries: usize) {
    let planner = Planner::new(relation, ConflictStrategy::NewerWins);
    bencher
        .counter(ItemsCount::new(entries))
        .bench_local(|| planner.plan(black_box(world)).unwrap());
}

/// Two replicas that agreed on `files` files; of each `nth` (0: none) one has another version now.
fn world(files: usize, nth: usize) -> World {
    let base = inventory(files, 0);
    let replica = |name: &str, nth: usize| {
        Replica::new(name)
            .with_listing(inventory(files, nth))
            .with_base(inventory(files, 0))
            .with_source_base(base.clone())
    };
    World::new(vec![replica("card", nth), replica("archive", 0)]).unwrap()
}

fn inventory(files: usize, nth: usize) -> Inventory {
    let listed = (0..files).map(|n| (path(n), version(n, nth > 0 && n % nth == 0)));
    let mut builder = Inventory::builder();
    for (path, version) in listed {
        builder.push(&path, version.as_ref());
    }
    builder.finish().unwrap()
}

fn build<'a>(listed: impl Iterator<Item = &'a (FilePath, FileVersion)>) -> Inventory {
    let mut builder = Inventory::builder();
    for (path, version) in listed {
        builder.push(path, version.as_ref());
    }
    builder.finish().unwrap()
}

/// Photos as a studio files them: a thousand to a folder.
fn path(n: usize) -> FilePath {
    let mut path = String::new();
    let (wedding, photo) = (n / 1_000, n % 1_000);
    let _ = write!(
        path,
        "2025/wedding-{wedding:04}/ceremony/IMG_{photo:04}.CR3"
    );
    FilePath::parse(path).unwrap()
}

fn version(n: usize, edited: bool) -> FileVersion {
    let mut digest = [0; 32];
    let word = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(edited);
    for part in digest.chunks_mut(8) {
        part.copy_from_slice(&word.to_le_bytes());
    }
    let millis = 1_750_000_000_000 + n as i64 * 3_000 + i64::from(edited);
    FileVersion::new(24_000_000 + word % 1_000_000)
        .with_modified(Timestamp::from_millis(millis))
        .with_hashes(Hashes::new().with(HashAlgorithm::Blake3, &digest))
}
