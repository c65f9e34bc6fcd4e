//! When two values of JSON are the same.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::permission::numbers::same_number;

/// Whether two values are the same: the order of keys means nothing, numbers are compared by value.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

/// Whether two lists have the same elements; anything that is no list is compared as it is.
pub(super) fn same_set(one: &Value, other: &Value) -> bool {
    let (Value::Array(one), Value::Array(other)) = (one, other) else {
        return same(one, other);
    };
    match (texts(one), texts(other)) {
        (Some(one), Some(other)) => one == other,
        _ => within(one, other) && within(other, one),
    }
}

fn texts(items: &[Value]) -> Option<BTreeSet<&str>> {
    items.iter().map(Value::as_str).collect()
}

fn within(items: &[Value], of: &[Value]) -> bool {
    items
        .iter()
        .all(|item| of.iter().any(|other| same(item, other)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        assert!(same(&json!({"a": [8, 1]}), &json!({"a": [8.0, 1]})));
        assert!(same(&json!(-0.0), &json!(0)));
        assert!(!same(&json!(8), &json!(8.5)));
        // Beyond 2^53 a conversion to a float would take neighbours for one another.
        assert!(!same(
            &json!(9_007_199_254_740_993_u64),
            &json!(9_007_199_254_740_992.0)
        ));
        assert!(same(&json!(1e300), &json!(1e300)));
        assert!(!same(&json!(1e300), &json!(1)));
    }

    #[test]
    fn only_lists_are_sets() {
        assert!(same_set(&json!(["a", "b", "a"]), &json!(["b", "a"])));
        assert!(same_set(&json!([1, "a"]), &json!(["a", 1.0])));
        assert!(!same_set(&json!([1]), &json!([1, 2])) && !same_set(&json!([1, 2]), &json!([1])));
        assert!(!same_set(&json!(["a"]), &json!("a")));
        assert!(!same_set(&json!([]), &json!(null)));
        assert!(!same(&json!(["a", "b"]), &json!(["b", "a"])));
    }
}
