//! Trees as tests write them, what the definition says about their nodes, and any of them.

use std::collections::BTreeMap;

use garland::bandwidth::{Node, Policy, Tree};
use proptest::prelude::*;

/// A node in whole bytes a second. Ids are made from places, so that they are never the same.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) id: String,
    pub(crate) weight: u32,
    pub(crate) min: Option<u32>,
    pub(crate) cap: Option<u32>,
    pub(crate) demand: Option<u32>,
    pub(crate) tier: u32,
    pub(crate) children: Option<Vec<Self>>,
}

/// What follows from the definition (§2) for one node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// D.
    pub(crate) wants: f64,
    /// G.
    pub(crate) promised: f64,
}

impl Given {
    pub(crate) fn node(&self) -> Node {
        self.scaled(1.0)
    }

    /// The same with every rate multiplied.
    pub(crate) fn scaled(&self, by: f64) -> Node {
        let mut node = match &self.children {
            Some(children) => Node::group(&self.id, children.iter().map(|child| child.scaled(by))),
            None => Node::leaf(&self.id).with_tier(self.tier),
        };
        if let Some(min) = self.min {
            node = node.with_min(f64::from(min) * by);
        }
        if let Some(cap) = self.cap {
            node = node.with_cap(f64::from(cap) * by);
        }
        if let Some(demand) = self.demand.filter(|_| self.children.is_none()) {
            node = node.with_demand(f64::from(demand) * by);
        }
        node.with_weight(self.weight)
    }

    pub(crate) fn bounds(&self, capacity: f64) -> Bounds {
        let limit = self
            .cap
            .map_or(capacity, |cap| f64::from(cap).min(capacity));
        let min = self.min.map(f64::from);
        let Some(children) = &self.children else {
            let wants = self
                .demand
                .map_or(limit, |demand| f64::from(demand).min(limit));
            let promised = min.unwrap_or(0.0).min(wants);
            return Bounds { wants, promised };
        };
        let below: Vec<_> = children
            .iter()
            .map(|child| child.bounds(capacity))
            .collect();
        let wants = below.iter().map(|b| b.wants).sum::<f64>().min(limit);
        let asked = below.iter().map(|b| b.promised).sum::<f64>();
        let promised = min.unwrap_or(asked).min(wants);
        Bounds { wants, promised }
    }

    /// This node and all below it.
    pub(crate) fn all(&self) -> Vec<&Self> {
        let below = self.children.iter().flatten().flat_map(Self::all);
        std::iter::once(self).chain(below).collect()
    }

    pub(crate) fn leaves(&self) -> Vec<&Self> {
        let all = self.all().into_iter();
        all.filter(|node| node.children.is_none()).collect()
    }

    pub(crate) fn each(&mut self, change: &mut impl FnMut(&mut Self)) {
        change(self);
        for child in self.children.iter_mut().flatten() {
            child.each(change);
        }
    }

    fn name(&mut self, id: String) {
        for (at, child) in (0..).zip(self.children.iter_mut().flatten()) {
            child.name(format!("{id}.{at}"));
        }
        self.id = id;
    }
}

/// Rates of all nodes, and which are overcommitted.
pub(crate) struct Shares {
    pub(crate) rates: BTreeMap<String, f64>,
    pub(crate) short: Vec<String>,
}

pub(crate) fn share(given: &Given, capacity: f64) -> Shares {
    share_node(given.node(), given, capacity)
}

pub(crate) fn share_node(node: Node, given: &Given, capacity: f64) -> Shares {
    let mut tree = Tree::new(node, &Policy::default()).unwrap();
    let got = tree.allocate(capacity).unwrap();
    let rates = given.all().into_iter().map(|node| {
        let rate = got.rate(&node.id).unwrap();
        (node.id.clone(), rate)
    });
    let mut short: Vec<_> = got.overcommitted().map(|o| o.node.to_owned()).collect();
    short.sort();
    Shares {
        rates: rates.collect(),
        short,
    }
}

/// How far two rates may be apart that are the same.
pub(crate) fn noise(capacity: f64) -> f64 {
    1e-9 * capacity.max(1.0)
}

fn rate() -> impl Strategy<Value = u32> + Clone {
    prop_oneof![Just(0), 1..100_u32, 1..100_000_u32]
}

pub(crate) fn capacity() -> impl Strategy<Value = f64> {
    rate().prop_map(f64::from)
}

fn numbers() -> impl Strategy<Value = Given> + Clone {
    let weight = prop_oneof![Just(1_u32), 1..10_u32, Just(100)];
    let maybe = || prop::option::of(rate());
    (weight, maybe(), maybe(), maybe(), 0..4_u32).prop_map(|(weight, min, cap, demand, tier)| {
        let min = match (min, cap) {
            (Some(min), Some(cap)) => Some(min.min(cap)),
            (min, _) => min,
        };
        Given {
            id: String::new(),
            weight,
            min,
            cap,
            demand,
            tier,
            children: None,
        }
    })
}

/// Any tree of up to four levels below its root.
pub(crate) fn trees() -> impl Strategy<Value = Given> {
    let inner = numbers().prop_recursive(4, 40, 6, |below| {
        (numbers(), prop::collection::vec(below, 1..6)).prop_map(|(mut node, children)| {
            node.children = Some(children);
            node
        })
    });
    rooted(inner)
}

/// Any root whose children are all transfers.
pub(crate) fn flat() -> impl Strategy<Value = Given> {
    rooted(numbers())
}

fn rooted(children: impl Strategy<Value = Given>) -> impl Strategy<Value = Given> {
    (numbers(), prop::collection::vec(children, 1..8)).prop_map(|(mut root, children)| {
        root.children = Some(children);
        root.min = None;
        root.name("root".to_owned());
        root
    })
}
