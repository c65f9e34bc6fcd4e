//! What working out rates holds: nothing but the tree, however often and whatever the capacity.

use garland::bandwidth::{Class, Node, Policy, Tree};

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Runs alone in its program: memory is counted for all of it.
#[test]
fn solves_hold_nothing_more() {
    let transfer = |n: usize| {
        let leaf = Node::leaf(format!("t{n}")).with_class(Class::ALL[n % 5]);
        leaf.with_min(f64::from(u32::try_from(n % 7).unwrap()))
    };
    let platform = |n: usize| Node::group(format!("p{n}"), (0..10).map(|t| transfer(n * 10 + t)));
    let organization = |n: usize| {
        let platforms = (0..5).map(|p| platform(n * 5 + p));
        Node::group(format!("o{n}"), platforms).with_min(100.0)
    };
    let root = Node::group("root", (0..20).map(organization));
    let mut tree = Tree::new(root, &Policy::strict()).unwrap();
    // Too little for the guarantees, just enough, and more than that: every way through it once.
    let capacities = [0.0, 10.0, 1_500.0, 2_000.0, 1e9];
    let mut solve_all = || {
        let total = |capacity: f64| tree.allocate(capacity).unwrap().total();
        capacities.map(total)
    };
    let held = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let first = solve_all();
    for _ in 0..100 {
        assert_eq!(solve_all(), first);
    }
    assert_eq!(MEMORY.current_usage(), held);
    assert_eq!(MEMORY.peak_usage(), held);
}
