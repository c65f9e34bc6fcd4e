//! Cost of sharing a link, of taking from it, and of joining and leaving. `scripts/peers shaping` compares how exactly
//! rates are held, and at what cost, with other limiters.

use divan::counter::ItemsCount;
use futures_util::FutureExt as _;
use garland::bandwidth::{Bandwidth, Class, Node, Policy, Rate, Stream, Tree};
use tokio::runtime::Builder;

const TAKES: usize = 10_000;
const PAIRS: usize = 1_000;

fn main() {
    divan::main();
}

/// Three levels: organizations of five platforms, and transfers of all classes with guarantees, limits and demands here
/// and there.
fn tree(leaves: usize, policy: &Policy) -> Tree {
    let organizations = (leaves / 25).max(1);
    let transfer = |organization: usize, platform: usize, n: usize| {
        let number = organization * 25 + platform * 5 + n;
        let mut node = Node::leaf(format!("t{number}")).with_class(Class::ALL[number % 5]);
        if number.is_multiple_of(7) {
            node = node.with_min(1_000.0);
        }
        // Everyone can be satisfied, so that what is left reaches the last tier.
        node = if number.is_multiple_of(4) {
            node.with_demand(20_000.0)
        } else {
            node.with_cap(50_000.0)
        };
        let weight = u32::try_from(number % 9 + 1).unwrap_or(1);
        node.with_weight(weight)
    };
    let platform = |organization: usize, platform: usize| {
        let children = (0..5).map(|n| transfer(organization, platform, n));
        Node::group(format!("p{organization}-{platform}"), children)
    };
    let organization = |organization: usize| {
        let children = (0..5).map(|number| platform(organization, number));
        Node::group(format!("o{organization}"), children).with_min(20_000.0)
    };
    let root = Node::group("root", (0..organizations).map(organization));
    Tree::new(root, policy).unwrap()
}

#[divan::bench(args = [1_000, 10_000])]
fn solve_five_tiers(bencher: divan::Bencher<'_, '_>, leaves: u32) {
    solve(bencher, leaves, &Policy::strict());
}

#[divan::bench(args = [1_000, 10_000])]
fn solve_default_policy(bencher: divan::Bencher<'_, '_>, leaves: u32) {
    solve(bencher, leaves, &Policy::default());
}

fn solve(bencher: divan::Bencher<'_, '_>, leaves: u32, policy: &Policy) {
    let mut tree = tree(usize::try_from(leaves).unwrap_or(0), policy);
    let capacity = f64::from(leaves) * 40_000.0;
    bencher.counter(ItemsCount::new(leaves)).bench_local(|| {
        tree.allocate(capacity)
            .map(|shares| shares.total())
            .unwrap()
    });
}

/// What nothing bounds.
#[divan::bench]
fn take_free(bencher: divan::Bencher<'_, '_>) {
    let bandwidth = Bandwidth::builder().build().unwrap();
    take(bencher, &bandwidth);
}

/// What is bounded so high that it never waits.
#[divan::bench]
fn take_paced(bencher: divan::Bencher<'_, '_>) {
    let bandwidth = Bandwidth::builder()
        .upload(Rate::bytes(1 << 52))
        .build()
        .unwrap();
    take(bencher, &bandwidth);
}

fn take(bencher: divan::Bencher<'_, '_>, bandwidth: &Bandwidth) {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let lane = bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap();
    runtime.block_on(lane.take(1));
    let _inside = runtime.enter();
    bencher.counter(ItemsCount::new(TAKES)).bench_local(|| {
        (0..TAKES)
            .filter(|_| lane.take(65_536).now_or_never().is_some())
            .count()
    });
}

/// Joins and leaves beside so many others, while a thread works rates out.
#[divan::bench(args = [10, 1_000, 10_000])]
fn join_and_leave(bencher: divan::Bencher<'_, '_>, others: usize) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let bandwidth = Bandwidth::builder()
        .upload(Rate::megabytes(100))
        .build()
        .unwrap();
    let stream = |n: usize| {
        let stream = Stream::upload(format!("studio-{}", n % 40), format!("p{}", n % 5));
        stream.with_class(Class::ALL[n % 5])
    };
    let _others: Vec<_> = (0..others)
        .map(|n| bandwidth.join(&stream(n)).unwrap())
        .collect();
    let streams: Vec<_> = (0..PAIRS).map(stream).collect();
    bencher.counter(ItemsCount::new(PAIRS)).bench_local(|| {
        for stream in &streams {
            drop(bandwidth.join(stream).unwrap());
        }
    });
}
