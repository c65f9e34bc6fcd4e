//! Names of what a backend keeps, and the values it keeps.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};

macro_rules! snake_name {
    ($(#[$doc:meta])* $name:ident, $area:literal, $what:literal) => {
        $(#[$doc])*
        ///
        /// 1 to 64 characters of `a–z 0–9 _`, so that any database takes it as it is.
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// Makes a constant name.
            ///
            /// # Panics
            /// If the name is not allowed; in a `const` that is an error of compilation.
            #[must_use]
            pub const fn new(name: &'static str) -> Self {
                assert!(is_snake(name.as_bytes()), $what);
                Self(Cow::Borrowed(name))
            }

            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                text.to_owned().try_into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                if is_snake(text.as_bytes()) {
                    return Ok(Self(Cow::Owned(text)));
                }
                Err(Error::new(ErrorKind::InvalidInput, $area, $what).with_context("name", text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into_owned()
            }
        }
    };
}

snake_name! {
    /// Names a collection of records: `sync_operations`, `messaging_threads`.
    CollectionName, "collection_name.parse", "a collection's name has 1 to 64 of a–z, 0–9, `_`"
}

snake_name! {
    /// Names an index of a collection.
    IndexName, "index_name.parse", "an index's name has 1 to 64 of a–z, 0–9, `_`"
}

const fn is_snake(name: &[u8]) -> bool {
    let mut rest = name;
    while let [first, tail @ ..] = rest {
        if !(first.is_ascii_lowercase() || first.is_ascii_digit() || *first == b'_') {
            return false;
        }
        rest = tail;
    }
    !name.is_empty() && name.len() <= 64
}

macro_rules! key {
    ($(#[$doc:meta])* $name:ident, $area:literal, $what:literal) => {
        $(#[$doc])*
        ///
        /// 1 to 900 bytes of UTF-8 without NUL; ordered by bytes.
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Longest key in bytes. With the organization and the collection before it, it fits
            /// DynamoDB's 1,024.
            pub const MAX: usize = 900;

            /// Checks `text` and makes it a key.
            ///
            /// # Errors
            /// [`ErrorKind::InvalidInput`]: empty, too long, or with a NUL.
            pub fn parse(text: impl AsRef<str> + Into<Box<str>>) -> Result<Self> {
                let checked = text.as_ref();
                if (1..=Self::MAX).contains(&checked.len()) && !checked.contains('\0') {
                    return Ok(Self(text.into()));
                }
                Err(Error::new(ErrorKind::InvalidInput, $area, $what)
                    .with_context("length", checked.len()))
            }

            /// Returns the key as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(key: $name) -> Self {
                key.0.into()
            }
        }
    };
}

key! {
    /// Names a record within its collection.
    RecordId, "record_id.parse", "a record id has 1 to 900 bytes and no NUL"
}

key! {
    /// What an index orders a record by.
    IndexKey, "index_key.parse", "an index key has 1 to 900 bytes and no NUL"
}

key! {
    /// Names a journal of an organization: `main`, `thread/0192…`.
    JournalName, "journal_name.parse", "a journal's name has 1 to 900 bytes and no NUL"
}

impl JournalName {
    /// The journal of every change of an organization: `main`.
    #[must_use]
    pub fn main() -> Self {
        Self("main".into())
    }
}

/// One JSON text, as it is stored.
///
/// Within other JSON it stands as the value it is, to the byte.
///
/// # Example
///
/// ```
/// use garland::storage::Json;
///
/// let value = Json::of(&[1, 2])?;
/// assert_eq!(value.as_str(), "[1,2]");
/// assert_eq!(value.read::<Vec<u8>>()?, [1, 2]);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Json(Box<str>);

impl Json {
    /// Writes `value` as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it cannot be JSON, such as a map with keys that are not text.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Self> {
        serde_json::to_string(value)
            .map(|text| Self(text.into()))
            .map_err(|cause| {
                Error::new(
                    ErrorKind::InvalidInput,
                    "json.write",
                    "value cannot be written as JSON",
                )
                .with_source(cause)
            })
    }

    /// Checks that `text` is one JSON value and keeps it as it is, but on one line: breaks between
    /// its parts become spaces.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: it is not.
    pub fn parse(text: impl Into<Box<str>>) -> Result<Self> {
        let json = Self(text.into());
        json.read::<serde::de::IgnoredAny>()?;
        if json.0.contains(['\n', '\r']) {
            // Within a string JSON has no raw breaks, so these stand between parts.
            return Ok(Self(json.0.replace(['\n', '\r'], " ").into()));
        }
        Ok(json)
    }

    /// Keeps what a backend has stored before, unchecked; [`read`](Json::read) finds what is wrong with it.
    #[must_use]
    pub fn stored(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Reads it as a `T`.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: it is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.0).map_err(|cause| {
            Error::new(
                ErrorKind::Corrupt,
                "json.read",
                "stored value is not what it should be",
            )
            .with_source(cause)
        })
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_within_json_stays_as_it_is() {
        let text = r#"[{"b": 1.50, "a":"\u00e9"}]"#;
        let values: Vec<Json> = serde_json::from_str(text).unwrap();
        assert_eq!(values[0].as_str(), r#"{"b": 1.50, "a":"\u00e9"}"#);
        assert_eq!(serde_json::to_string(&values).unwrap(), text);
    }

    #[test]
    fn json_is_one_line() {
        let json = Json::parse("{\r\n\"a\":\n\"\\n\"}").unwrap();
        assert_eq!(json.as_str(), "{  \"a\": \"\\n\"}");
        assert!(Json::parse("\"a\nb\"").is_err());
    }

    #[test]
    fn names_are_what_every_database_takes() {
        assert!("sync_operations".parse::<CollectionName>().is_ok());
        for name in ["", "A", "a-b", "a b", "ä", &"a".repeat(65)] {
            assert!(name.parse::<CollectionName>().is_err(), "{name:?}");
        }
        assert!("a\0".parse::<RecordId>().is_err());
        assert!("".parse::<RecordId>().is_err());
        assert!(RecordId::parse("x".repeat(RecordId::MAX)).is_ok());
        assert!(RecordId::parse("x".repeat(RecordId::MAX + 1)).is_err());
    }
}
