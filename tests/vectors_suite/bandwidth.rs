//! `bandwidth/alloc.jsonl`: a capacity, a tree, and what each transfer gets (`bandwidth.md` §10).

use std::collections::{BTreeMap, BTreeSet};

use garland::bandwidth::{Class, Node, Policy, Tree};
use serde::Deserialize;

use super::runner::Check;

/// Every list of `bandwidth/` and what checks it.
pub(crate) const LISTS: &[(&str, Check)] = &[("bandwidth/alloc.jsonl", allocation)];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    #[serde(rename = "kind")]
    _kind: String,
    capacity: f64,
    root: Given,
    #[serde(default)]
    policy: BTreeMap<String, (u32, u32)>,
    expected: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    id: String,
    weight: Option<u32>,
    min: Option<f64>,
    cap: Option<f64>,
    demand: Option<f64>,
    tier: Option<u32>,
    class: Option<String>,
    children: Option<Vec<Self>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    alloc: BTreeMap<String, String>,
    total: String,
    overcommitted: BTreeSet<String>,
}

fn allocation(line: &str) -> Result<(), String> {
    let case: Case = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
    compare(&case).map_err(|message| format!("{}: {message}\n  of {line}", case.id))
}

fn compare(case: &Case) -> Result<(), String> {
    let mut tree = Tree::new(node(&case.root)?, &policy(&case.policy)?).map_err(print)?;
    let got = tree.allocate(case.capacity).map_err(print)?;
    let rates: BTreeMap<_, _> = got.rates().collect();
    let close = |rate: f64, exact: &str| {
        Ok::<_, String>((rate - fraction(exact)?).abs() <= 1e-9 * case.capacity.max(1.0))
    };
    if rates.len() != case.expected.alloc.len() {
        return Err(format!("{} transfers got a rate", rates.len()));
    }
    for (id, exact) in &case.expected.alloc {
        let rate = rates.get(id.as_str()).ok_or("a transfer got none")?;
        if !close(*rate, exact)? {
            return Err(format!("`{id}` gets {rate}, expected {exact}"));
        }
    }
    if !close(got.total(), &case.expected.total)? {
        return Err(format!("all get {}", got.total()));
    }
    let short: BTreeSet<_> = got.overcommitted().map(|o| o.node.to_owned()).collect();
    if short != case.expected.overcommitted {
        return Err(format!("overcommitted: {short:?}"));
    }
    whole(case, &got.whole_rates().into_iter().collect())
}

/// Holds whole rates against the rule: every one is its exact rate rounded down, or one more, and together they are all
/// that was given.
fn whole(case: &Case, rates: &BTreeMap<&str, u64>) -> Result<(), String> {
    for (id, exact) in &case.expected.alloc {
        let rate = *rates.get(id.as_str()).ok_or("a transfer got none")?;
        if (float(rate) - fraction(exact)?).abs() > 1.0 {
            return Err(format!("`{id}` gets {rate} in whole bytes of {exact}"));
        }
    }
    let sum = float(rates.values().sum());
    let total = fraction(&case.expected.total)?;
    if sum <= total && sum > total - 1.0 {
        return Ok(());
    }
    Err(format!("all get {sum} in whole bytes"))
}

fn policy(given: &BTreeMap<String, (u32, u32)>) -> Result<Policy, String> {
    let mut classes = given.iter();
    classes.try_fold(Policy::default(), |policy, (name, (tier, multiplier))| {
        let class: Class = name.parse().map_err(print)?;
        policy.with(class, *tier, *multiplier).map_err(print)
    })
}

fn node(given: &Given) -> Result<Node, String> {
    let mut node = match &given.children {
        Some(children) => {
            let children: Result<Vec<_>, _> = children.iter().map(node).collect();
            Node::group(&given.id, children?)
        }
        None => Node::leaf(&given.id),
    };
    if let Some(weight) = given.weight {
        node = node.with_weight(weight);
    }
    if let Some(min) = given.min {
        node = node.with_min(min);
    }
    if let Some(cap) = given.cap {
        node = node.with_cap(cap);
    }
    if let Some(demand) = given.demand {
        node = node.with_demand(demand);
    }
    if let Some(tier) = given.tier {
        node = node.with_tier(tier);
    }
    if let Some(class) = &given.class {
        node = node.with_class(class.parse().map_err(print)?);
    }
    Ok(node)
}

/// Reads `n` or `n/d`. Both may have more digits than any integer has here; what rounding takes from them is far finer
/// than what is compared.
fn fraction(text: &str) -> Result<f64, String> {
    let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
    let number = |text: &str| {
        text.parse::<f64>()
            .map_err(|error| format!("{error}: {text}"))
    };
    Ok(number(numerator)? / number(denominator)?)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rates of the list are below 2^53"
)]
fn float(rate: u64) -> f64 {
    rate as f64
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` has it")]
fn print(error: garland::Error) -> String {
    error.to_string()
}
