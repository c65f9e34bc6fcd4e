//! What a tree must hold to before it shares anything.

use crate::error::{Error, ErrorKind, Result};

use super::node::Node;

/// Checks the numbers of one node.
pub(super) fn check_node(node: &Node) -> Result<()> {
    let rates = [
        ("min", node.min),
        ("cap", node.cap),
        ("demand", node.demand),
    ];
    for (name, rate) in rates {
        if let Some(rate) = rate {
            check_rate(&node.id, name, rate)?;
        }
    }
    if node.weight < 1 {
        return Err(wrong(&node.id, "a weight is at least 1"));
    }
    check_bounds(&node.id, node.min, node.cap)?;
    if node.tier.is_some() && node.class.is_some() {
        return Err(wrong(
            &node.id,
            "a transfer has a tier or a class, not both",
        ));
    }
    let of_leaf = node.demand.is_some() || node.tier.is_some() || node.class.is_some();
    if node.children.is_some() && of_leaf {
        return Err(wrong(
            &node.id,
            "demand, tier and class belong to transfers, not to groups",
        ));
    }
    Ok(())
}

/// Refuses a guarantee above the limit of the same node.
pub(super) fn check_bounds(node: &str, min: Option<f64>, cap: Option<f64>) -> Result<()> {
    match (min, cap) {
        (Some(min), Some(cap)) if min > cap => {
            let error = wrong(node, "the guarantee is above the limit");
            Err(error.with_context("min", min).with_context("cap", cap))
        }
        _ => Ok(()),
    }
}

/// Refuses what is no rate.
pub(super) fn check_rate(node: &str, name: &'static str, rate: f64) -> Result<()> {
    if rate.is_finite() && rate >= 0.0 {
        return Ok(());
    }
    Err(wrong(node, "a rate is a number from 0").with_context(name, rate))
}

/// What is said of a node that can never be right.
pub(super) fn wrong(node: &str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, "bandwidth.configure", message).with_context("node", node)
}

/// What bounds the guarantees of a node's children.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) min: Option<f64>,
    pub(super) cap: Option<f64>,
}

/// Refuses guarantees of children, `asked` together, that a node cannot keep. `capacity` bounds the root.
pub(super) fn check_promises(
    node: &str,
    asked: f64,
    bounds: Bounds,
    capacity: Option<f64>,
) -> Result<()> {
    let bounds = [
        (bounds.min, "its children are guaranteed more than it is"),
        (
            bounds.cap,
            "its children are guaranteed more than its limit",
        ),
        (capacity, "more is guaranteed than the link carries"),
    ];
    for (bound, message) in bounds {
        if let Some(bound) = bound.filter(|bound| asked > *bound) {
            return Err(
                Error::new(ErrorKind::LimitExceeded, "bandwidth.admit", message)
                    .with_context("node", node)
                    .with_context("asked", asked)
                    .with_context("bound", bound),
            );
        }
    }
    Ok(())
}
