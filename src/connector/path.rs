//! Paths inside an account.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The name of a file within one account: relative, UTF-8, components joined by `/`.
///
/// A value of this type cannot leave its root: no component is empty, `.` or `..`, and none holds a
/// NUL, so a hostile listing cannot name anything outside. Which further characters a platform
/// takes is a matter of its [`NameRules`](crate::connector::NameRules). Ordered by bytes.
///
/// # Example
///
/// ```
/// use garland::connector::FilePath;
///
/// let path: FilePath = "ceremony/IMG_0001.jpg".parse()?;
/// assert_eq!(path.name(), "IMG_0001.jpg");
/// assert_eq!(path.parent(), Some("ceremony"));
/// assert!("../etc/passwd".parse::<FilePath>().is_err());
/// assert!("/etc/passwd".parse::<FilePath>().is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(Arc<str>);

impl FilePath {
    /// Checks `text` and makes it a path.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: empty, absolute, a trailing `/`, an empty, `.` or `..`
    /// component, or a NUL.
    pub fn parse(text: impl AsRef<str> + Into<Arc<str>>) -> Result<Self> {
        match fault(text.as_ref()) {
            None => Ok(Self(text.into())),
            Some(fault) => Err(
                Error::new(ErrorKind::InvalidInput, "file_path.parse", fault)
                    .with_context("path", text.as_ref()),
            ),
        }
    }

    /// Returns the path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last component.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// Returns everything before the last component, or `None` at the top.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Returns the components from the top down.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Appends `below`.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        Self(format!("{}/{}", self.0, below.0).into())
    }

    /// Tells whether the path is garland's own: in a folder `.garland`, in any case, at the root.
    ///
    /// Recovered files and unfinished uploads live there. It is never listed.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        let top = self.components().next();
        top.is_some_and(|top| top.eq_ignore_ascii_case(".garland"))
    }

    /// Tells whether the path lies inside `folder`.
    #[must_use]
    pub fn is_inside(&self, folder: &str) -> bool {
        self.0
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
    }
}

fn fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("a path cannot be empty");
    }
    if text.contains('\0') {
        return Some("a path cannot hold a NUL");
    }
    text.split('/').find_map(|component| match component {
        "" => Some("a path cannot begin or end with `/` or have an empty component"),
        "." | ".." => Some("a path cannot have `.` or `..` as a component"),
        _ => None,
    })
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for FilePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for FilePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for FilePath {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(text)
    }
}

impl From<FilePath> for String {
    fn from(path: FilePath) -> Self {
        path.0.as_ref().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_leaves_the_root_is_a_path() {
        for text in [
            "", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\0b",
        ] {
            let error = FilePath::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text:?}");
        }
        for text in [
            "a",
            "a/b",
            "...",
            ".hidden",
            "a/..b",
            "ä/é.jpg",
            " ",
            "a\\b",
        ] {
            assert_eq!(FilePath::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn garlands_own_folder_is_told_without_case() {
        let is_internal = |text: &str| FilePath::parse(text.to_owned()).unwrap().is_internal();
        assert!(is_internal(".garland/recovered/x"));
        assert!(is_internal(".Garland"));
        assert!(!is_internal(".garlands/x"));
        assert!(!is_internal("a/.garland/x"));
    }

    #[test]
    fn inside_means_below() {
        let path = FilePath::parse(".garland/x").unwrap();
        assert!(path.is_inside(".garland"));
        assert!(!path.is_inside(".gar"));
        assert!(!path.is_inside(".garland/x"));
    }
}
