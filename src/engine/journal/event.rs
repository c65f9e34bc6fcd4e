//! What happened, in the words that every reader of a journal understands.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::permission::{Actor, Resource};
use crate::storage::Json;

/// One event: who did what to what.
///
/// When is told by the entry it stands in. Personal data belongs in a record that can be erased,
/// not here: what is in a journal stays.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// Who did it. Default: the host.
    #[serde(default)]
    pub actor: Actor,
    /// What it was done to, if it is one thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Resource>,
    /// What else belongs to it, as its kind says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
}

impl Event {
    /// Makes an event that the host itself caused, without subject and data.
    #[must_use]
    pub fn new(kind: EventKind) -> Self {
        Self {
            kind,
            actor: Actor::default(),
            subject: None,
            data: None,
        }
    }

    /// Sets [`Event::actor`].
    #[must_use]
    pub fn by(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// Sets [`Event::subject`].
    #[must_use]
    pub fn about(mut self, subject: Resource) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Sets [`Event::data`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it cannot be JSON.
    pub fn with_data(mut self, data: &(impl Serialize + ?Sized)) -> Result<Self> {
        self.data = Some(Json::of(data)?);
        Ok(self)
    }
}

/// Names what happened, as `area.happened`: `sync.started`, `section.changed`.
///
/// 1 to 64 characters of `a–z 0–9 _ .`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventKind(Cow<'static, str>);

impl EventKind {
    /// Makes a constant kind.
    ///
    /// # Panics
    /// If the name is not allowed; in a `const` that is an error of compilation.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert!(
            is_kind(name.as_bytes()),
            "a kind has 1 to 64 of a–z, 0–9, `_`, `.`"
        );
        Self(Cow::Borrowed(name))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_kind(name: &[u8]) -> bool {
    let mut rest = name;
    while let [first, tail @ ..] = rest {
        if !matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.') {
            return false;
        }
        rest = tail;
    }
    !name.is_empty() && name.len() <= 64
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EventKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for EventKind {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        if is_kind(text.as_bytes()) {
            return Ok(Self(Cow::Owned(text)));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "event_kind.parse",
            "a kind of event has 1 to 64 of a–z, 0–9, `_`, `.`",
        )
        .with_context("kind", text))
    }
}

impl From<EventKind> for String {
    fn from(kind: EventKind) -> Self {
        kind.0.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_short_when_little_is_to_say() {
        let event = Event::new(EventKind::new("sync.started"));
        let text = Json::of(&event).unwrap();
        assert_eq!(text.as_str(), r#"{"kind":"sync.started","actor":"host"}"#);
        assert_eq!(text.read::<Event>().unwrap(), event);
    }

    #[test]
    fn an_event_comes_back_as_it_was() {
        let event = Event::new(EventKind::new("section.changed"))
            .by(Actor::User("zoë".into()))
            .about(Resource::new("section", "7"))
            .with_data(&[1.5, 2.0])
            .unwrap();
        let text = Json::of(&event).unwrap();
        assert_eq!(
            text.as_str(),
            r#"{"kind":"section.changed","actor":{"user":"zoë"},"subject":{"kind":"section","id":"7"},"data":[1.5,2.0]}"#
        );
        assert_eq!(text.read::<Event>().unwrap(), event);
    }

    #[test]
    fn a_kind_is_one_word() {
        for text in ["", "A", "a b", "ä", &"a".repeat(65)] {
            assert!(text.parse::<EventKind>().is_err(), "{text:?}");
        }
    }
}
