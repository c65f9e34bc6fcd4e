//! What a token may allow.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

use super::denied::DenyReason;

/// Names something that may be allowed, as the host calls it: `files:read`.
///
/// 1 to 64 visible ASCII characters without quotes and backslashes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Permission(Arc<str>);

impl Permission {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Permission {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\' | b'`');
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "permission.parse",
            "a permission has 1 to 64 visible ASCII characters without quotes",
        )
        .with_context("permission", text))
    }
}

impl TryFrom<String> for Permission {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.0.as_ref().into()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Every permission there is. A token that grants any other is refused whole.
///
/// # Example
///
/// ```
/// use garland::crypto::tokens::KnownPermissions;
///
/// let known = KnownPermissions::parse(["files:read", "files:write"])?;
/// assert!(known.contains("files:read"));
/// assert!(!known.contains("files:*"));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct KnownPermissions(Arc<[Permission]>);

impl KnownPermissions {
    /// Names them all.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: one is not a [`Permission`].
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut known = names
            .into_iter()
            .map(str::parse)
            .collect::<Result<Vec<Permission>>>()?;
        known.sort_unstable();
        known.dedup();
        Ok(Self(known.into()))
    }

    /// Tells whether there is a permission of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub(super) fn find(&self, name: &str) -> Option<&Permission> {
        let at = self
            .0
            .binary_search_by(|known| known.as_str().cmp(name))
            .ok()?;
        self.0.get(at)
    }

    /// Finds all of them, or says that one is not known.
    pub(super) fn all<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<Vec<Permission>, DenyReason> {
        let found = |name| self.find(name).cloned().ok_or(DenyReason::Permission);
        names.into_iter().map(found).collect()
    }
}
