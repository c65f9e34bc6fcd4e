//! Whom personal data are about.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Names a person by the host's id: best one that says nothing by itself, as it stands in journals.
///
/// 1 to 256 bytes of UTF-8 without control characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubjectId(Box<str>);

impl SubjectId {
    /// Longest id in bytes.
    pub const MAX: usize = 256;

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SubjectId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if (1..=Self::MAX).contains(&text.len()) && !text.contains(char::is_control) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "subject_id.parse",
            "a subject's id has 1 to 256 bytes and no control characters",
        )
        .with_context("length", text.len()))
    }
}

impl TryFrom<String> for SubjectId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<SubjectId> for String {
    fn from(id: SubjectId) -> Self {
        id.0.into()
    }
}
