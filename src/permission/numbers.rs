//! Numbers of JSON, by value.

use serde_json::Number;

/// Whether two numbers are the same, as `8` and `8.0` are.
pub(crate) fn same_number(one: &Number, other: &Number) -> bool {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.as_f64() == other.as_f64(),
        _ => false,
    }
}

/// The whole number that this is, as `8` and `8.0` are; nothing for a fraction or what 128 bits do not hold.
pub(crate) fn whole(number: &Number) -> Option<i128> {
    let integer = number.as_i64().map(i128::from);
    integer
        .or_else(|| number.as_u64().map(i128::from))
        .or_else(|| number.as_f64().and_then(whole_float))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a whole number below 10^38 fits into 128 bits"
)]
fn whole_float(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() < 1e38).then_some(number as i128)
}
