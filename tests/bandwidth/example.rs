//! The worked example of the definition (`bandwidth.md` §9), in MB/s.

use garland::bandwidth::{Class, Node, Policy, Tree};

fn tree(casa: bool) -> Tree {
    let leaf = |id: &str, class| Node::leaf(id).with_class(class);
    let gdrive = Node::group(
        "gdrive",
        [leaf("a1", Class::Normal), leaf("a2", Class::Background)],
    );
    let a3 = leaf("a3", Class::Interactive)
        .with_demand(4.0)
        .with_min(2.0);
    let s3 = Node::group("s3", [a3, leaf("a4", Class::Normal)]);
    let acme = Node::group("acme", [gdrive.with_cap(25.0), s3])
        .with_weight(2)
        .with_min(30.0);
    let b2 = leaf("b2", Class::Background).with_min(1.0);
    let bella = Node::group("bella", [leaf("b1", Class::WeddingDay), b2])
        .with_min(10.0)
        .with_cap(60.0);
    let mut organizations = vec![acme, bella];
    if casa {
        let c1 = leaf("c1", Class::Emergency).with_demand(12.0);
        organizations.push(Node::group("casa", [c1]).with_min(10.0));
    }
    Tree::new(Node::group("root", organizations), &Policy::default()).unwrap()
}

#[track_caller]
fn gives(capacity: f64, casa: bool, expected: &[(&str, f64)], overcommitted: &[&str]) {
    let mut tree = tree(casa);
    let got = tree.allocate(capacity).unwrap();
    for (id, rate) in expected {
        let found = got.rate(id).unwrap();
        assert!((found - rate).abs() < 1e-9, "{id}: {found}, not {rate}");
    }
    let short: Vec<_> = got.overcommitted().map(|short| short.node).collect();
    assert_eq!(short, overcommitted);
}

#[test]
fn all_three_at_100() {
    let rates = [
        ("a1", 20.0),
        ("a2", 5.0),
        ("a3", 4.0),
        ("a4", 89.0 / 3.0),
        ("b1", 1408.0 / 51.0),
        ("b2", 88.0 / 51.0),
        ("c1", 12.0),
        ("acme", 176.0 / 3.0),
        ("bella", 88.0 / 3.0),
        ("casa", 12.0),
        ("gdrive", 25.0),
    ];
    gives(100.0, true, &rates, &[]);
}

#[test]
fn two_at_100_share_two_to_one() {
    let rates = [
        ("a1", 20.0),
        ("a2", 5.0),
        ("a3", 4.0),
        ("a4", 113.0 / 3.0),
        ("b1", 1600.0 / 51.0),
        ("b2", 100.0 / 51.0),
        ("acme", 200.0 / 3.0),
        ("bella", 100.0 / 3.0),
    ];
    gives(100.0, false, &rates, &[]);
}

#[test]
fn at_60_a_guarantee_holds_the_archive() {
    let rates = [
        ("a1", 12.8),
        ("a2", 3.2),
        ("a3", 4.0),
        ("a4", 12.0),
        ("b1", 15.0),
        ("b2", 1.0),
        ("c1", 12.0),
    ];
    gives(60.0, true, &rates, &[]);
    let rates = [
        ("a1", 16.0),
        ("a2", 4.0),
        ("a3", 4.0),
        ("a4", 16.0),
        ("b1", 320.0 / 17.0),
        ("b2", 20.0 / 17.0),
    ];
    gives(60.0, false, &rates, &[]);
}

#[test]
fn at_40_the_emergency_keeps_its_guarantee_and_the_rest_is_shared_by_guarantees() {
    let rates = [
        ("a1", 9.0),
        ("a2", 2.25),
        ("a3", 4.0),
        ("a4", 7.25),
        ("b1", 6.5),
        ("b2", 1.0),
        ("c1", 10.0),
        ("acme", 22.5),
        ("bella", 7.5),
    ];
    gives(40.0, true, &rates, &["root"]);
    let rates = [
        ("a1", 12.0),
        ("a2", 3.0),
        ("a3", 4.0),
        ("a4", 11.0),
        ("b1", 9.0),
        ("b2", 1.0),
    ];
    gives(40.0, false, &rates, &[]);
}

#[test]
fn whole_rates_hand_the_missing_bytes_to_the_largest_remainders() {
    let mut tree = tree(true);
    let whole = tree.allocate(100.0).unwrap().whole_rates();
    // 27.6, 29.67 and 1.73 rounded down leave two bytes: the largest remainders are those of b2 and a4.
    let expected = [
        ("a1", 20),
        ("a2", 5),
        ("a3", 4),
        ("a4", 30),
        ("b1", 27),
        ("b2", 2),
        ("c1", 12),
    ];
    assert_eq!(whole, expected);
}

#[test]
fn whole_rates_break_ties_by_id() {
    let leaves = ["c", "a", "b"].map(Node::leaf);
    let mut tree = Tree::new(Node::group("root", leaves), &Policy::default()).unwrap();
    let whole = tree.allocate(11.0).unwrap().whole_rates();
    assert_eq!(whole, [("c", 3), ("a", 4), ("b", 4)]);
}

#[test]
fn a_group_lends_its_guarantee_within_itself_before_others_get_it() {
    // The guarantee of `own` is lent to its background before the emergency of `other` is served from the root.
    let own = Node::group("own", [Node::leaf("late").with_class(Class::Background)]).with_min(30.0);
    let other = Node::leaf("now").with_class(Class::Emergency);
    let mut tree = Tree::new(Node::group("root", [own, other]), &Policy::default()).unwrap();
    let got = tree.allocate(100.0).unwrap();
    assert_eq!(
        (got.rate("late"), got.rate("now")),
        (Some(30.0), Some(70.0))
    );
}
