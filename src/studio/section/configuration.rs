//! A configuration as it is stored.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};

use super::group::Group;

/// The configuration of one section, as a record of JSON: `sections.md` §1.
///
/// It holds whatever is stored, also what is malformed: [`permission::Section`](crate::permission::Section) reads it
/// strictly, and denies what it cannot read.
///
/// # Example
///
/// ```
/// use garland::section::Configuration;
/// use serde_json::json;
///
/// let stored = json!({ "id": "c1", "organizationId": "studio", "sectionType": "timeline" });
/// let configuration = Configuration::try_from(stored)?;
/// assert_eq!(configuration.id(), Some("c1"));
/// assert_eq!(configuration.wedding(), None);
/// assert!(Configuration::try_from(json!("timeline")).is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Configuration(Map<String, Value>);

impl Configuration {
    /// The largest that is worth storing, in bytes of compact JSON.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// Takes a record as it is.
    #[must_use]
    pub const fn new(record: Map<String, Value>) -> Self {
        Self(record)
    }

    /// Returns its id, if that is text.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.text("id")
    }

    /// Returns the organization it belongs to, if that is text.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.text("organizationId")
    }

    /// Returns the wedding it is for, if that is text; nothing if it is for the whole organization.
    #[must_use]
    pub fn wedding(&self) -> Option<&str> {
        self.text("weddingId")
    }

    /// Returns what the section is, if that is text.
    #[must_use]
    pub fn section_type(&self) -> Option<&str> {
        self.text("sectionType")
    }

    /// Whether it says that it is for a wedding, readable or not.
    pub(super) fn is_of_wedding(&self) -> bool {
        self.0.get("weddingId").is_some_and(|id| !id.is_null())
    }

    /// Returns the fields of a group, if there are any.
    #[must_use]
    pub fn group(&self, group: Group) -> Option<&Map<String, Value>> {
        self.0.get(group.as_str())?.as_object()
    }

    /// Returns its size in bytes of compact JSON, to be held against [`Configuration::MAX_BYTES`].
    #[must_use]
    pub fn size(&self) -> usize {
        serde_json::to_string(&self.0).map_or(usize::MAX, |text| text.len())
    }

    /// Returns the record.
    #[must_use]
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns the record as a value of JSON.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }
}

impl TryFrom<Value> for Configuration {
    type Error = Error;

    /// Takes any object.
    fn try_from(record: Value) -> Result<Self> {
        match record {
            Value::Object(record) => Ok(Self(record)),
            _ => Err(Error::new(
                ErrorKind::InvalidInput,
                "section.read",
                "a configuration is an object",
            )),
        }
    }
}
