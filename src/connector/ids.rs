//! Names that a platform gives, keys that garland gives, and pages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Makes a type for a platform's own text, which nobody but its connector reads.
macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Debug, serde::Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize,
        )]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Takes the platform's own text.
            #[must_use]
            pub fn new(text: impl Into<Box<str>>) -> Self {
                Self(text.into())
            }

            /// Returns the platform's own text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

pub(super) use opaque;

opaque! {
    /// A place in a paged answer. Opaque; made and read by one connector, for the call it came from.
    PageCursor;
}

/// A part of an answer that may be long.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// What is on it. May be empty though more follows.
    pub items: Vec<T>,
    /// Where to go on; `None` on the last page.
    pub next: Option<PageCursor>,
}

impl<T> Page<T> {
    /// Makes a last page.
    #[must_use]
    pub fn new(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// Sets [`Page::next`].
    #[must_use]
    pub fn with_next(mut self, next: impl Into<Option<PageCursor>>) -> Self {
        self.next = next.into();
        self
    }
}

/// The caller's name for one act, so that the act happens once however often it is asked for.
///
/// 1 to 64 characters of `A–Z a–z 0–9 - _ .`, what every platform with such keys takes. The same key
/// with another request is an error of kind [`ErrorKind::Conflict`].
///
/// # Example
///
/// ```
/// use garland::connector::IdempotencyKey;
///
/// let key: IdempotencyKey = "campaign-7.post-2".parse()?;
/// assert_eq!(key.as_str(), "campaign-7.post-2");
/// assert!("".parse::<IdempotencyKey>().is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for IdempotencyKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "idempotency_key.parse",
            "an idempotency key has 1 to 64 characters of A–Z, a–z, 0–9, `-`, `_`, `.`",
        )
        .with_context("key", text))
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> Self {
        key.0.into()
    }
}
