//! A person, under all the ids that the host knows them by.

use serde_json::Value;

use crate::engine::audit::SubjectId;

/// A person: one id that stands for them, and others under which records may know them, as that in a
/// CRM or the address they log in with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subject {
    ids: Vec<SubjectId>,
}

impl Subject {
    /// Names a person.
    #[must_use]
    pub fn new(id: SubjectId) -> Self {
        Self { ids: vec![id] }
    }

    /// Adds another id of the same person.
    #[must_use]
    pub fn also(mut self, id: SubjectId) -> Self {
        if !self.ids.contains(&id) {
            self.ids.push(id);
        }
        self
    }

    /// Returns all ids, the one that stands for them first.
    #[must_use]
    pub fn ids(&self) -> &[SubjectId] {
        &self.ids
    }

    /// Tells whether `text` is one of the ids.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.ids.iter().any(|id| id.as_str() == text)
    }

    /// Tells whether one of the ids stands anywhere in a JSON value.
    pub(super) fn stands_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.is(text),
            Value::Number(number) => self.is(&number.to_string()),
            Value::Array(items) => items.iter().any(|item| self.stands_in(item)),
            Value::Object(fields) => fields
                .iter()
                .any(|(name, item)| self.is(name) || self.stands_in(item)),
            _ => false,
        }
    }
}

impl From<SubjectId> for Subject {
    fn from(id: SubjectId) -> Self {
        Self::new(id)
    }
}
