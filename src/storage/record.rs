//! Records, and how they are asked for.

use std::marker::PhantomData;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::names::{CollectionName, IndexKey, IndexName, Json, RecordId};

/// Counts the changes of one record: 1 when it is made, one more with each change. A record that
/// is deleted and made again starts anew.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// Makes a version from its number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One stored record.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// Its name within the collection.
    pub id: RecordId,
    /// How often it was written.
    pub version: Version,
    /// What it holds.
    pub value: Json,
}

impl Record {
    /// Makes a record as a backend has it.
    #[must_use]
    pub fn new(id: RecordId, version: Version, value: Json) -> Self {
        Self { id, version, value }
    }
}

/// A value with the version it was read at.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Versioned<T> {
    /// Its name within the collection.
    pub id: RecordId,
    /// The version to give as a precondition when it is written back.
    pub version: Version,
    /// What it holds.
    pub value: T,
}

impl<T> Versioned<T> {
    pub(crate) fn new(id: RecordId, version: Version, value: T) -> Self {
        Self { id, version, value }
    }
}

/// A collection whose records hold a `T`.
///
/// # Example
///
/// ```
/// use garland::storage::Collection;
///
/// const PLACES: Collection<Vec<String>> = Collection::new("places");
/// assert_eq!(PLACES.name().as_str(), "places");
/// ```
#[derive(Debug)]
pub struct Collection<T> {
    name: CollectionName,
    value: PhantomData<fn() -> T>,
}

impl<T> Collection<T> {
    /// Names a collection.
    ///
    /// # Panics
    /// If the name is not a [`CollectionName`]; in a `const` that is an error of compilation.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name: CollectionName::new(name),
            value: PhantomData,
        }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &CollectionName {
        &self.name
    }
}

/// One page of the records of a collection, in the order of their ids or of an index.
///
/// # Example
///
/// ```
/// use garland::storage::{CollectionName, Query};
///
/// let query = Query::all(CollectionName::new("places")).prefix("venue/").with_limit(50);
/// assert_eq!(query.limit, 50);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Query {
    /// The collection.
    pub collection: CollectionName,
    /// The index to go by; the ids if none. A record without a key in the index is not found by it.
    pub index: Option<IndexName>,
    /// Where the keys begin.
    pub from: Bound<Box<str>>,
    /// Where the keys end.
    pub to: Bound<Box<str>>,
    /// Goes from the last to the first.
    pub descending: bool,
    /// Goes on after an earlier page.
    pub after: Option<QueryCursor>,
    /// At most this many records, 1 to [`Query::MAX_LIMIT`].
    pub limit: usize,
}

impl Query {
    /// Most records of one page.
    pub const MAX_LIMIT: usize = 10_000;

    /// A page, of records or of a journal, ends early once its values hold this many bytes, so that
    /// memory stays bounded whatever the values are. It has at least one.
    pub const PAGE_BYTES: usize = 4 << 20;

    /// Asks for a collection's first 1,000 records by id.
    #[must_use]
    pub fn all(collection: CollectionName) -> Self {
        Self {
            collection,
            index: None,
            from: Bound::Unbounded,
            to: Bound::Unbounded,
            descending: false,
            after: None,
            limit: 1_000,
        }
    }

    /// Goes by an index instead of the ids.
    #[must_use]
    pub fn by(mut self, index: IndexName) -> Self {
        self.index = Some(index);
        self
    }

    /// Only keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.from = Bound::Included(prefix.into());
        self.to = after_prefix(prefix).map_or(Bound::Unbounded, Bound::Excluded);
        self
    }

    /// Only keys between two bounds.
    #[must_use]
    pub fn between(mut self, from: Bound<Box<str>>, to: Bound<Box<str>>) -> Self {
        (self.from, self.to) = (from, to);
        self
    }

    /// Sets [`Query::descending`].
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// Sets [`Query::after`].
    #[must_use]
    pub fn with_after(mut self, cursor: impl Into<Option<QueryCursor>>) -> Self {
        self.after = cursor.into();
        self
    }

    /// Sets [`Query::limit`], held between 1 and [`Query::MAX_LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, Self::MAX_LIMIT);
        self
    }
}

/// The first text behind everything that begins with `prefix`, if there is one.
fn after_prefix(prefix: &str) -> Option<Box<str>> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // Rust's order of text is the order of code points, without the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

/// Where a page ended: the key and the id of its last record.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryCursor {
    /// The key in the index; `None` when the query goes by id.
    pub key: Option<IndexKey>,
    /// The id.
    pub id: RecordId,
}

impl QueryCursor {
    /// Makes a cursor behind one record.
    #[must_use]
    pub fn new(key: Option<IndexKey>, id: RecordId) -> Self {
        Self { key, id }
    }
}

/// The answer to a [`Query`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RecordPage {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where to go on; `None` at the end. A page may be short and yet not the last.
    pub next: Option<QueryCursor>,
}

impl RecordPage {
    /// Makes a page.
    #[must_use]
    pub fn new(records: Vec<Record>, next: Option<QueryCursor>) -> Self {
        Self { records, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_the_next_text_begins() {
        assert_eq!(after_prefix("a/").as_deref(), Some("a0"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
        assert_eq!(after_prefix(""), None);
    }
}
