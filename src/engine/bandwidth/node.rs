//! What a caller says about the tree that shares a link.

use super::class::Class;

/// A node of a [`Tree`](super::Tree): a transfer, or a group of them.
///
/// Rates are in bytes a second. What is wrong with a node is told when the tree is made.
#[derive(Clone, Debug)]
pub struct Node {
    pub(super) id: String,
    pub(super) weight: u32,
    pub(super) min: Option<f64>,
    pub(super) cap: Option<f64>,
    pub(super) demand: Option<f64>,
    pub(super) tier: Option<u32>,
    pub(super) class: Option<Class>,
    /// Nothing for a leaf.
    pub(super) children: Option<Children>,
}

/// What is below a group. It is let go of without a deep stack, however deep it goes.
#[derive(Clone, Debug, Default)]
pub(super) struct Children(Vec<Node>);

impl Children {
    pub(super) fn into_vec(mut self) -> Vec<Node> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        let mut left = std::mem::take(&mut self.0);
        while let Some(mut node) = left.pop() {
            if let Some(children) = node.children.take() {
                left.extend(children.into_vec());
            }
        }
    }
}

impl Node {
    /// Makes a transfer: weight 1, no guarantee, no limit, tier 0, and able to use whatever it gets.
    #[must_use]
    pub fn leaf(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            weight: 1,
            min: None,
            cap: None,
            demand: None,
            tier: None,
            class: None,
            children: None,
        }
    }

    /// Makes a group: weight 1, guaranteed what its children are, no limit.
    #[must_use]
    pub fn group(id: impl Into<String>, children: impl IntoIterator<Item = Self>) -> Self {
        Self {
            children: Some(Children(children.into_iter().collect())),
            ..Self::leaf(id)
        }
    }

    /// Sets its share against its siblings, at least 1.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Sets the rate it is guaranteed. That of a group is shared by its children, whatever they are guaranteed.
    #[must_use]
    pub fn with_min(mut self, min: f64) -> Self {
        self.min = Some(min);
        self
    }

    /// Sets the most it may have.
    #[must_use]
    pub fn with_cap(mut self, cap: f64) -> Self {
        self.cap = Some(cap);
        self
    }

    /// Sets the rate that a transfer can use now.
    #[must_use]
    pub fn with_demand(mut self, demand: f64) -> Self {
        self.demand = Some(demand);
        self
    }

    /// Sets the tier of a transfer, instead of a class: it is lent nothing while one with a lower number can take it.
    #[must_use]
    pub fn with_tier(mut self, tier: u32) -> Self {
        self.tier = Some(tier);
        self
    }

    /// Sets the class of a transfer, instead of a tier. The policy says its tier and what its weight is multiplied by.
    #[must_use]
    pub fn with_class(mut self, class: Class) -> Self {
        self.class = Some(class);
        self
    }
}
