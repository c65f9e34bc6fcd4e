//! What an event carries instead of personal data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::connector::{from_hex, to_hex};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Json;

/// Points from an event to its sealed side record and commits to what that says.
///
/// Both parts are random to whoever lacks the subject's key: they tell nothing of the value, not even
/// whether two are the same, and nothing of the subject. Prints and serializes as
/// `side:<32 digits>:<64 digits>`, in hexadecimal.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SideRef {
    id: [u8; 16],
    commitment: [u8; 32],
}

impl SideRef {
    pub(super) fn new(id: [u8; 16], commitment: [u8; 32]) -> Self {
        Self { id, commitment }
    }

    /// Returns the id of the record, in hexadecimal.
    #[must_use]
    pub fn id(&self) -> String {
        to_hex(&self.id)
    }

    pub(super) fn id_bytes(&self) -> &[u8; 16] {
        &self.id
    }

    pub(super) fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }

    /// Finds the references in an event, in the order in which they stand there.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: not JSON.
    pub fn find(event: &Json) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        collect(&event.read()?, &mut found);
        Ok(found)
    }
}

fn collect(value: &serde_json::Value, found: &mut Vec<SideRef>) {
    match value {
        serde_json::Value::String(text) => found.extend(text.parse::<SideRef>()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        serde_json::Value::Object(fields) => {
            fields.values().for_each(|item| collect(item, found));
        }
        _ => {}
    }
}

impl fmt::Display for SideRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "side:{}:{}", self.id(), to_hex(&self.commitment))
    }
}

impl FromStr for SideRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let (id, commitment) = text.strip_prefix("side:")?.split_once(':')?;
            Some(Self {
                id: from_hex(id)?.try_into().ok()?,
                commitment: from_hex(commitment)?.try_into().ok()?,
            })
        };
        read()
            .filter(|found| found.to_string() == text)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidInput,
                    "side_ref.parse",
                    "not a reference to a side record",
                )
                .with_context("length", text.len())
            })
    }
}

impl TryFrom<String> for SideRef {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<SideRef> for String {
    fn from(side: SideRef) -> Self {
        side.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_wherever_they_stand() {
        let one = SideRef::new([1; 16], [2; 32]);
        let two = SideRef::new([3; 16], [4; 32]);
        let event = Json::of(&serde_json::json!({
            "a": [{"b": one.to_string()}, "side:", "side:00:00", 7],
            "c": two.to_string(),
            "d": one.to_string().to_uppercase(),
        }))
        .unwrap();
        assert_eq!(SideRef::find(&event).unwrap(), [one, two]);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<SideRef>(&text).unwrap(), one);
    }
}
