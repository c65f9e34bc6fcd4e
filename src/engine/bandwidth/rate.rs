//! Bytes a second.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rate in whole bytes a second.
///
/// # Example
///
/// ```
/// use garland::bandwidth::Rate;
///
/// assert_eq!(Rate::megabytes(8), Rate::bytes(8_000_000));
/// assert_eq!(Rate::bytes(1_500_000).to_string(), "1.5 MB/s");
/// ```
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Rate(u64);

impl Rate {
    /// Nothing at all.
    pub const ZERO: Self = Self(0);

    /// So many bytes a second.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many megabytes, of 1,000,000 bytes, a second; saturates.
    #[must_use]
    pub const fn megabytes(megabytes: u64) -> Self {
        Self(megabytes.saturating_mul(1_000_000))
    }

    /// Returns the bytes a second.
    #[must_use]
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "rates that a link can have are far below 2^53"
    )]
    pub(super) fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// Rounds down; what is no number a rate can have becomes the nearest that is.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates"
    )]
    pub(super) fn from_f64(rate: f64) -> Self {
        Self(rate as u64)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [
            (1_000_000_000.0, "GB/s"),
            (1_000_000.0, "MB/s"),
            (1_000.0, "kB/s"),
        ];
        let rate = self.as_f64();
        match units.into_iter().find(|(size, _)| rate >= *size) {
            Some((size, unit)) => write!(f, "{} {unit}", (rate / size * 10.0).round() / 10.0),
            None => write!(f, "{} B/s", self.0),
        }
    }
}
