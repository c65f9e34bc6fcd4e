//! What is refused, and that the node is named.

use garland::ErrorKind;
use garland::bandwidth::{Class, Node, Policy, Tree};

#[track_caller]
fn refused(node: Node, says: &str) {
    let name = match Tree::new(Node::group("root", [node]), &Policy::default()) {
        Ok(_) => panic!("`{says}` was not refused"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            error.to_string()
        }
    };
    assert!(name.contains(says) && name.contains("node `x`"), "{name}");
}

#[test]
fn wrong_nodes_are_refused_by_name() {
    let x = || Node::leaf("x");
    refused(x().with_weight(0), "a weight is at least 1");
    for rate in [-1.0, f64::NAN, f64::INFINITY] {
        refused(x().with_min(rate), "a rate is a number from 0");
        refused(x().with_cap(rate), "a rate is a number from 0");
        refused(x().with_demand(rate), "a rate is a number from 0");
    }
    refused(
        x().with_min(2.0).with_cap(1.0),
        "the guarantee is above the limit",
    );
    refused(
        x().with_tier(1).with_class(Class::Normal),
        "a tier or a class",
    );
    refused(
        Node::group("x", [Node::leaf("y")]).with_tier(1),
        "belong to transfers",
    );
    refused(Node::group("y", [x(), x()]), "the id stands twice");
}

#[test]
fn classes_and_capacities_that_are_none_are_refused() {
    assert!("urgent".parse::<Class>().is_err());
    assert!(Policy::default().with(Class::Normal, 1, 0).is_err());
    let mut tree = Tree::new(Node::leaf("x"), &Policy::default()).unwrap();
    for capacity in [-1.0, f64::NAN, f64::INFINITY] {
        let kind = tree.allocate(capacity).unwrap_err().kind();
        assert_eq!(kind, ErrorKind::InvalidInput);
        assert!(tree.admit(capacity).is_err());
    }
}

#[track_caller]
fn not_admitted(root: Node, capacity: f64, node: &str) {
    let tree = Tree::new(root, &Policy::default()).unwrap();
    let error = tree.admit(capacity).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(
        error.to_string().contains(&format!("node `{node}`")),
        "{error}"
    );
}

#[test]
fn guarantees_that_cannot_be_kept_are_not_admitted() {
    let pair = || [Node::leaf("a").with_min(6.0), Node::leaf("b").with_min(5.0)];
    let inside = |group: Node| Node::group("root", [group]);
    not_admitted(inside(Node::group("g", pair()).with_min(10.0)), 100.0, "g");
    not_admitted(inside(Node::group("g", pair()).with_cap(10.0)), 100.0, "g");
    not_admitted(inside(Node::group("g", pair())), 10.0, "root");
    // What a group asks for when it has no guarantee of its own is what its children do.
    not_admitted(
        inside(Node::group("g", pair())).with_cap(10.0),
        100.0,
        "root",
    );

    let fits = Tree::new(
        inside(Node::group("g", pair()).with_min(11.0)),
        &Policy::default(),
    );
    fits.unwrap().admit(11.0).unwrap();
}

#[test]
fn a_tree_may_be_deep() {
    let deep = (0..2_000).fold(Node::leaf("leaf"), |node, depth| {
        Node::group(depth.to_string(), [node])
    });
    let mut tree = Tree::new(deep, &Policy::default()).unwrap();
    assert_eq!(tree.allocate(7.0).unwrap().rate("leaf"), Some(7.0));
}

#[test]
fn a_deep_tree_is_refused_without_a_deep_stack() {
    let deep = |wrong: usize| {
        (0..100_000).fold(Node::leaf("leaf"), |node, depth| {
            let weight = u32::from(depth != wrong);
            Node::group(depth.to_string(), [node]).with_weight(weight)
        })
    };
    for wrong in [99_999, 50_000] {
        let refused = Tree::new(deep(wrong), &Policy::default()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
    drop(deep(0));
}

#[test]
fn groups_without_children_get_nothing() {
    let root = Node::group(
        "root",
        [Node::group("idle", []).with_min(5.0), Node::leaf("a")],
    );
    let mut tree = Tree::new(root, &Policy::default()).unwrap();
    let got = tree.allocate(10.0).unwrap();
    assert_eq!((got.rate("idle"), got.rate("a")), (Some(0.0), Some(10.0)));
}
