//! The pure allocator: a tree of transfers, and what each gets of a capacity.

use std::collections::HashMap;

use crate::error::Result;

use super::arena::{Arena, Spec};
use super::check::{Bounds, check_node, check_promises, check_rate, wrong};
use super::class::Policy;
use super::node::{Children, Node};

/// A checked tree that shares a capacity: guarantees first, then weighted max-min within tiers.
///
/// A pure function of capacity and tree: no clock, no memory of earlier solves. Room for the work is made with the tree,
/// so that solves allocate nothing. One tree is for one direction of a link.
///
/// What a node holds counts towards its share, what it does not use is lent to its siblings, and guarantees that do
/// not all fit are paid by tiers, then in proportion. Rates are exact to 1e-9 of the capacity.
///
/// # Example
///
/// ```
/// use garland::bandwidth::{Class, Node, Policy, Tree};
///
/// let acme = Node::group("acme", [Node::leaf("film").with_class(Class::Normal)]).with_weight(2);
/// let bella = Node::group("bella", [
///     Node::leaf("vows").with_class(Class::WeddingDay).with_cap(20.0),
///     Node::leaf("archive").with_class(Class::Background),
/// ]);
/// let mut tree = Tree::new(Node::group("uplink", [acme, bella]), &Policy::default())?;
/// let shares = tree.allocate(90.0)?;
/// assert_eq!(shares.rate("film"), Some(60.0));
/// assert_eq!(shares.rate("vows"), Some(20.0));
/// assert_eq!(shares.rate("archive"), Some(10.0));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Debug)]
pub struct Tree {
    arena: Arena,
    ids: Vec<String>,
    places: HashMap<String, usize>,
    caps: Vec<Option<f64>>,
}

impl Tree {
    /// Checks a tree and takes it in. `policy` says what classes are worth.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), naming the node: a weight below 1, a rate that is negative or not finite, a
    /// guarantee above the limit of the same node, an id that stands twice, a transfer with tier and class, a group
    /// with what belongs to transfers.
    pub fn new(root: Node, policy: &Policy) -> Result<Self> {
        let mut tree = Self {
            arena: Arena::default(),
            ids: Vec::new(),
            places: HashMap::new(),
            caps: Vec::new(),
        };
        // Groups that are not done, by what is left of their children; a deep tree needs no deep stack.
        let mut open = Vec::new();
        let mut next = Some(root);
        loop {
            if let Some(node) = next.take() {
                if let Some(children) = tree.take(node, policy)? {
                    open.push(children.into_iter());
                }
            } else if open.pop().is_some() {
                tree.arena.close();
            }
            match open.last_mut() {
                Some(children) => next = children.next(),
                None => break,
            }
        }
        tree.arena.reserve();
        Ok(tree)
    }

    fn take(&mut self, node: Node, policy: &Policy) -> Result<Option<Vec<Node>>> {
        check_node(&node)?;
        if self.places.contains_key(&node.id) {
            return Err(wrong(&node.id, "the id stands twice"));
        }
        let standing = node.class.map(|class| policy.standing(class));
        let multiplier = standing.map_or(1, |standing| standing.multiplier());
        let spec = Spec {
            weight: f64::from(node.weight) * f64::from(multiplier),
            min: node.min,
            cap: node.cap.unwrap_or(f64::INFINITY),
        };
        let place = if node.children.is_some() {
            self.arena.group(spec)
        } else {
            let tier = standing.map(|standing| standing.tier()).or(node.tier);
            let demand = node.demand.unwrap_or(f64::INFINITY);
            self.arena.leaf(spec, demand, tier.unwrap_or(0))
        };
        self.ids.push(node.id.clone());
        self.places.insert(node.id, place);
        self.caps.push(node.cap);
        Ok(node.children.map(Children::into_vec))
    }

    /// Checks that all guarantees can be kept at once at `capacity`. Sharing does not ask for it: what cannot be kept is
    /// then told by [`Allocation::overcommitted`].
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded), naming the node: its children are guaranteed more together than it is itself, than
    /// its limit, or, at the root, than the capacity. [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): `capacity` is negative or not finite.
    pub fn admit(&self, capacity: f64) -> Result<()> {
        check_rate("capacity", "capacity", capacity)?;
        let slots = self.arena.slots();
        let mut asked = vec![0.0; slots.len()];
        for (place, slot) in slots.iter().enumerate().rev() {
            let below = asked.get(place).copied().unwrap_or(0.0);
            let min = slot.spec().min;
            if let (false, Some(id)) = (slot.is_leaf(), self.ids.get(place)) {
                let cap = self.caps.get(place).copied().flatten();
                let capacity = (place == 0).then_some(capacity);
                check_promises(id, below, Bounds { min, cap }, capacity)?;
            }
            if let Some(sum) = asked.get_mut(slot.parent()) {
                *sum += min.unwrap_or(below);
            }
        }
        Ok(())
    }

    /// Shares `capacity`, in bytes a second.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): `capacity` is negative or not finite.
    pub fn allocate(&mut self, capacity: f64) -> Result<Allocation<'_>> {
        check_rate("capacity", "capacity", capacity)?;
        self.arena.solve(capacity);
        Ok(Allocation { tree: self })
    }
}

/// What everyone in a [`Tree`] gets. Rates are in bytes a second.
#[derive(Clone, Copy, Debug)]
pub struct Allocation<'a> {
    tree: &'a Tree,
}

/// A node whose children are guaranteed more than it was granted.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Overcommit<'a> {
    /// The node.
    pub node: &'a str,
    /// What its children are guaranteed together, each at most what it can use.
    pub asked: f64,
    /// What there was for that.
    pub granted: f64,
}

impl<'a> Allocation<'a> {
    /// Returns what a transfer gets, or all of a group together; nothing if there is no such node.
    #[must_use]
    pub fn rate(&self, id: &str) -> Option<f64> {
        let place = self.tree.places.get(id)?;
        self.tree.arena.slots().get(*place).map(|slot| slot.rate())
    }

    /// Returns what all get together.
    #[must_use]
    pub fn total(&self) -> f64 {
        let root = self.tree.arena.slots().first();
        root.map_or(0.0, |slot| slot.rate())
    }

    /// Returns every transfer with what it gets, in the order of the tree.
    pub fn rates(&self) -> impl Iterator<Item = (&'a str, f64)> + use<'a> {
        let nodes = self.tree.ids.iter().zip(self.tree.arena.slots());
        nodes
            .filter(|(_, slot)| slot.is_leaf())
            .map(|(id, slot)| (id.as_str(), slot.rate()))
    }

    /// Returns the nodes whose guarantees do not fit, parents first.
    pub fn overcommitted(&self) -> impl Iterator<Item = Overcommit<'a>> + use<'a> {
        let tree = self.tree;
        tree.arena.short().iter().filter_map(|short| {
            Some(Overcommit {
                node: tree.ids.get(short.index)?,
                asked: short.asked,
                granted: short.granted,
            })
        })
    }

    /// Returns every transfer with its rate in whole bytes a second, in the order of the tree: rounded down, then the
    /// bytes that are missing handed out one each, the largest remainder first, ties by id.
    #[must_use]
    pub fn whole_rates(&self) -> Vec<(&'a str, u64)> {
        let exact: Vec<_> = self.rates().map(|(id, rate)| (id, settled(rate))).collect();
        let mut whole: Vec<_> = exact.iter().map(|(id, rate)| (*id, whole(*rate))).collect();
        let given: u64 = whole
            .iter()
            .fold(0, |sum, (_, rate)| sum.saturating_add(*rate));
        let missing = self::whole(settled(self.total())).saturating_sub(given);
        let mut order: Vec<usize> = (0..exact.len()).collect();
        let key = |at: &usize| exact.get(*at).map_or((0.0, ""), |(id, r)| (r.fract(), *id));
        order.sort_unstable_by(|one, other| {
            let ((one, first), (other, second)) = (key(one), key(other));
            other.total_cmp(&one).then(first.cmp(second))
        });
        let missing = usize::try_from(missing).unwrap_or(usize::MAX);
        for at in order.into_iter().take(missing) {
            if let Some((_, rate)) = whole.get_mut(at) {
                *rate = rate.saturating_add(1);
            }
        }
        whole
    }
}

/// Takes a rate that rounding has moved off a whole number for that number.
fn settled(rate: f64) -> f64 {
    let near = rate.round();
    if (rate - near).abs() <= (near * 1e-12).clamp(1e-9, 1e-3) {
        near
    } else {
        rate
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is not negative, and the cast saturates"
)]
fn whole(rate: f64) -> u64 {
    rate as u64
}
