//! The properties of the definition (`bandwidth.md` §5), each over any tree.

use proptest::prelude::*;

use super::given::{Given, capacity, flat, noise, share, share_node, trees};

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// 1 and 2: nobody gets more than it can use or may have, and nothing is left that somebody could use.
    #[test]
    fn all_is_given_and_nobody_gets_too_much(root in trees(), capacity in capacity()) {
        let shares = share(&root, capacity);
        let eps = noise(capacity);
        for node in root.all() {
            let rate = shares.rates[&node.id];
            prop_assert!(rate >= 0.0);
            prop_assert!(rate <= node.bounds(capacity).wants + eps, "{}: {rate}", node.id);
            prop_assert!(node.cap.is_none_or(|cap| rate <= f64::from(cap) + eps));
        }
        let sum: f64 = root.leaves().iter().map(|leaf| shares.rates[&leaf.id]).sum();
        prop_assert!((sum - root.bounds(capacity).wants).abs() <= eps);
        prop_assert!((sum - shares.rates["root"]).abs() <= eps);
    }

    /// 3: guarantees are kept where they can be.
    #[test]
    fn guarantees_hold_where_nothing_is_overcommitted(root in trees(), capacity in capacity()) {
        let shares = share(&root, capacity);
        if shares.short.is_empty() {
            for node in root.all() {
                let promised = node.bounds(capacity).promised;
                prop_assert!(shares.rates[&node.id] >= promised - noise(capacity), "{}", node.id);
            }
        }
    }

    /// 4: in one flat tier, who has more for its weight has it by guarantee, or the other cannot use more.
    #[test]
    fn one_flat_tier_is_weighted_max_min(mut root in flat(), capacity in capacity()) {
        root.each(&mut |node| node.tier = 0);
        let shares = share(&root, capacity);
        prop_assume!(shares.short.is_empty());
        let eps = noise(capacity);
        for one in root.leaves() {
            for other in root.leaves() {
                let (x, y) = (shares.rates[&one.id], shares.rates[&other.id]);
                let (v, w) = (f64::from(one.weight), f64::from(other.weight));
                if x / v > y / w + eps {
                    let held = (x - one.bounds(capacity).promised).abs() <= eps;
                    let full = (y - other.bounds(capacity).wants).abs() <= eps;
                    prop_assert!(held || full, "{} {x} beside {} {y}", one.id, other.id);
                }
            }
        }
    }

    /// 5: beyond guarantees, a tier gets nothing while one before it has room. Only the root lends here.
    #[test]
    fn a_later_tier_waits_for_those_before_it(mut root in trees(), capacity in capacity()) {
        root.each(&mut |node| if node.children.is_some() { node.min = None });
        let shares = share(&root, capacity);
        prop_assume!(shares.short.is_empty());
        let eps = noise(capacity);
        let lent = root.leaves().into_iter().filter(|leaf| {
            shares.rates[&leaf.id] > leaf.bounds(capacity).promised + eps
        });
        if let Some(last) = lent.map(|leaf| leaf.tier).max() {
            for leaf in root.leaves().into_iter().filter(|leaf| leaf.tier < last) {
                let full = shares.rates[&leaf.id] >= leaf.bounds(capacity).wants - eps;
                let held = root.all().into_iter().any(|node| {
                    let above = leaf.id.starts_with(&format!("{}.", node.id));
                    above && node.cap.is_some_and(|cap| shares.rates[&node.id] >= f64::from(cap) - eps)
                });
                prop_assert!(full || held, "{} has room before tier {last}", leaf.id);
            }
        }
    }

    /// 6: the order of children says nothing.
    #[test]
    fn the_order_of_children_does_not_matter(root in trees(), capacity in capacity(), turn in 0..7_usize) {
        let mut turned = root.clone();
        turned.each(&mut |node| {
            if let Some(children) = &mut node.children {
                let by = turn % children.len();
                children.rotate_left(by);
                if turn % 2 == 1 {
                    children.reverse();
                }
            }
        });
        same(&root, &share(&root, capacity), &share(&turned, capacity), 1.0, capacity)?;
    }

    /// 7: twice as much of everything gives twice as much to everyone.
    #[test]
    fn rates_scale_with_everything(root in trees(), capacity in capacity(), by in 1..1_000_u32) {
        let by = f64::from(by) / 8.0;
        let scaled = share_node(root.scaled(by), &root, capacity * by);
        same(&root, &share(&root, capacity), &scaled, by, capacity * by)?;
    }

    /// 8: only the ratio of weights counts.
    #[test]
    fn weights_count_against_each_other(root in trees(), capacity in capacity(), by in 1..50_u32) {
        let mut heavier = root.clone();
        heavier.each(&mut |node| {
            // Another factor among each group of siblings.
            let factor = by + u32::try_from(node.id.len()).unwrap();
            for child in node.children.iter_mut().flatten() {
                child.weight *= factor;
            }
        });
        same(&root, &share(&root, capacity), &share(&heavier, capacity), 1.0, capacity)?;
    }

    /// The same tree solved again, in the room of another solve, gives the same.
    #[test]
    fn nothing_is_remembered_between_solves(root in trees(), first in capacity(), second in capacity()) {
        let mut tree = garland::bandwidth::Tree::new(root.node(), &garland::bandwidth::Policy::default()).unwrap();
        let fresh: Vec<_> = tree.allocate(second).unwrap().rates().map(|(_, rate)| rate).collect();
        tree.allocate(first).unwrap();
        let again: Vec<_> = tree.allocate(second).unwrap().rates().map(|(_, rate)| rate).collect();
        prop_assert_eq!(fresh, again);
    }
}

fn same(
    root: &Given,
    one: &super::given::Shares,
    other: &super::given::Shares,
    by: f64,
    capacity: f64,
) -> Result<(), TestCaseError> {
    for node in root.all() {
        let (x, y) = (one.rates[&node.id] * by, other.rates[&node.id]);
        prop_assert!((x - y).abs() <= noise(capacity), "{}: {x} and {y}", node.id);
    }
    prop_assert_eq!(&one.short, &other.short);
    Ok(())
}
