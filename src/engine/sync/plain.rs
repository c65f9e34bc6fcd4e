//! Words and numbers for people.

use std::fmt::{self, Write as _};

use crate::connector::FilePath;

/// A path in which nothing can move the cursor or break the line.
pub(super) struct Plain<'p>(pub(super) &'p FilePath);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_str().chars().try_for_each(|c| {
            if c.is_control() {
                write!(f, "{}", c.escape_default())
            } else {
                f.write_char(c)
            }
        })
    }
}

/// A number of bytes in the unit a person would choose.
pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] = [
            (1_000_000_000_000, "TB"),
            (1_000_000_000, "GB"),
            (1_000_000, "MB"),
            (1_000, "kB"),
        ];
        match UNITS.into_iter().find(|(unit, _)| self.0 >= *unit) {
            Some((unit, name)) => {
                let tenths = u128::from(self.0) * 10 / u128::from(unit);
                write!(f, "{}.{} {name}", tenths / 10, tenths % 10)
            }
            None => write!(f, "{} B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        let shown = [0, 999, 1_000, 1_550_000, 5_000_000_000_000_000].map(|n| Bytes(n).to_string());
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "1.5 MB", "5000.0 TB"]);
    }
}
