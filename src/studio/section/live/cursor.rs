//! Where a subscriber stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{from_hex, to_hex};
use crate::error::{Error, ErrorKind, Result};

/// What a subscriber was told last: of which revision, of which instant, and a digest of the whole of it.
///
/// Given with the next subscription, it makes that one go on from there. It is text for the client to keep; it holds no
/// names and no contents, and it fits nobody else's view.
///
/// # Example
///
/// ```
/// use garland::section::Cursor;
///
/// let cursor: Cursor = "1.7.1781949600000.000102030405060708090a0b0c0d0e0f".parse()?;
/// assert_eq!(cursor.revision(), 7);
/// assert!("7".parse::<Cursor>().is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    pub(super) revision: u64,
    pub(super) at: Timestamp,
    pub(super) digest: [u8; 16],
}

impl Cursor {
    /// Returns the revision that was told: the number of an entry of the organization's main journal. A client that has
    /// written something sees it once this is not below the revision of its write.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = to_hex(&self.digest);
        write!(f, "1.{}.{}.{digest}", self.revision, self.at.as_millis())
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        read(text).ok_or_else(|| {
            let message = "this is no cursor of a subscription to sections";
            Error::new(ErrorKind::InvalidInput, "section.cursor", message)
        })
    }
}

fn read(text: &str) -> Option<Cursor> {
    let mut parts = text.split('.');
    let (form, revision, at, digest) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let cursor = Cursor {
        revision: revision.parse().ok()?,
        at: Timestamp::from_millis(at.parse().ok()?),
        digest: from_hex(digest)?.try_into().ok()?,
    };
    // One way to write it, and no other.
    (form == "1" && parts.next().is_none() && cursor.to_string() == text).then_some(cursor)
}

impl TryFrom<String> for Cursor {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_written_in_one_way() {
        let cursor = Cursor {
            revision: u64::MAX,
            at: Timestamp::from_millis(-1),
            digest: [0xab; 16],
        };
        let text = cursor.to_string();
        assert_eq!(text.parse::<Cursor>().unwrap(), cursor);
        let upper = text.to_uppercase();
        for wrong in [
            "",
            "1",
            "1.1.1",
            "2.1.1.00",
            &upper,
            &format!("{text}."),
            &text.replace("1.18", "1.+18"),
        ] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
    }
}
