//! What each collection has to do with people.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{CollectionName, IndexKey, IndexName, Json};

use super::builtin;
use super::field::FieldPath;

/// How the records about a person are found: each way is tried, for each of the person's ids.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Finder {
    /// The record's id is the person's.
    Id,
    /// The record's id is what this makes of the person's: a digest of it, or with more around it.
    IdFrom(fn(&str) -> String),
    /// The record's id begins with the person's and this text, as `/`.
    IdPrefix(Cow<'static, str>),
    /// The key in this index is the person's id.
    Index(IndexName),
    /// The key in this index begins with the person's id and this text.
    IndexPrefix(IndexName, Cow<'static, str>),
    /// The person's id stands in this field. Reads the whole collection.
    Field(FieldPath),
}

/// What becomes of the records about a person who is erased.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OnErasure {
    /// They are removed.
    Delete,
    /// They stay without what is personal in them.
    Redact(Redaction),
    /// Their key is destroyed and they are removed, by the part of garland that sealed them.
    Shred,
    /// They stay, as the law or a contract demands: the reason stands in the plan.
    Keep(Cow<'static, str>),
    /// Another part has to remove them, as they belong to something that is not in the database: give it
    /// as a [`PersonalSource`](super::PersonalSource). While there are any, an erasure is refused.
    Elsewhere(Cow<'static, str>),
}

impl OnErasure {
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Redact(_) => "redact",
            Self::Shred => "shred",
            Self::Keep(_) => "keep",
            Self::Elsewhere(_) => "elsewhere",
        }
    }
}

/// The keys of a record in the indexes of its collection.
type Indexes = dyn Fn(&Json) -> Result<Vec<(IndexName, IndexKey)>> + Send + Sync;

/// Takes out of a record what is personal: fields become `null`. Behind a `*` only the elements are cleared
/// in which one of the person's ids stands, so that others in the same list stay as they are.
///
/// One of the fields has to be the one by which the record is found, or it would be found for ever.
#[derive(Clone)]
pub struct Redaction {
    pub(super) fields: Vec<FieldPath>,
    pub(super) indexes: Option<Arc<Indexes>>,
}

impl Redaction {
    /// Clears these fields of records without index entries.
    #[must_use]
    pub fn new(fields: Vec<FieldPath>) -> Self {
        Self {
            fields,
            indexes: None,
        }
    }

    /// Gives the index entries that the cleared record has: those it had before are gone.
    #[must_use]
    pub fn with_indexes(
        mut self,
        indexes: impl Fn(&Json) -> Result<Vec<(IndexName, IndexKey)>> + Send + Sync + 'static,
    ) -> Self {
        self.indexes = Some(Arc::new(indexes));
        self
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("fields", &self.fields)
            .field("indexes", &self.indexes.is_some())
            .finish()
    }
}

/// Says what one collection has to do with people.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PersonalData {
    /// The collection.
    pub collection: CollectionName,
    /// How records about a person are found; none if it has none.
    pub finders: Vec<Finder>,
    /// What becomes of them at an erasure.
    pub erasure: OnErasure,
    /// Whether they stand in what a person is given about themselves. Default: yes.
    pub exported: bool,
    /// The field with the time from which a record's age counts, in milliseconds since 1970. Of no use to
    /// collections under [`OnErasure::Shred`] and [`OnErasure::Elsewhere`]: their records do not go by age.
    pub time: Option<FieldPath>,
    /// What it holds, or why it holds nothing about people.
    pub note: Cow<'static, str>,
}

impl PersonalData {
    /// Says that a collection holds nothing that belongs to one person, and why.
    #[must_use]
    pub fn none(collection: CollectionName, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            collection,
            finders: Vec::new(),
            erasure: OnErasure::Keep(Cow::Borrowed("it is about nobody")),
            exported: true,
            time: None,
            note: why.into(),
        }
    }

    /// Says that a collection holds records about people, and what. They are removed at an erasure unless
    /// [`with_erasure`](PersonalData::with_erasure) says otherwise.
    #[must_use]
    pub fn found_by(
        collection: CollectionName,
        finder: Finder,
        what: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            finders: vec![finder],
            erasure: OnErasure::Delete,
            ..Self::none(collection, what)
        }
    }

    /// Adds a way to find records.
    #[must_use]
    pub fn or_by(mut self, finder: Finder) -> Self {
        self.finders.push(finder);
        self
    }

    /// Sets [`PersonalData::erasure`].
    #[must_use]
    pub fn with_erasure(mut self, erasure: OnErasure) -> Self {
        self.erasure = erasure;
        self
    }

    /// Sets [`PersonalData::time`].
    #[must_use]
    pub fn with_time(mut self, field: FieldPath) -> Self {
        self.time = Some(field);
        self
    }

    /// Leaves it out of what a person is given: what would harm somebody else, or is not theirs to know.
    #[must_use]
    pub fn not_exported(mut self) -> Self {
        self.exported = false;
        self
    }
}

/// All collections, each with what it has to do with people: garland's own, and those that the host adds.
///
/// # Example
///
/// ```
/// use garland::privacy::{Coverage, Finder, PersonalData};
/// use garland::storage::CollectionName;
///
/// const GUESTS: CollectionName = CollectionName::new("guests");
/// let guests = PersonalData::found_by(GUESTS, Finder::Id, "who comes, and what they eat");
/// let coverage = Coverage::garland()?.with(guests)?;
/// assert!(coverage.of(&GUESTS).is_some());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Coverage(BTreeMap<CollectionName, PersonalData>);

impl Coverage {
    /// Covers the collections of garland itself.
    ///
    /// # Errors
    /// None that a caller could bring about.
    pub fn garland() -> Result<Self> {
        let mut coverage = Self(BTreeMap::new());
        for data in builtin::collections()? {
            coverage = coverage.with(data)?;
        }
        Ok(coverage)
    }

    /// Covers one more collection.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`]: it is covered already.
    pub fn with(mut self, data: PersonalData) -> Result<Self> {
        if self.0.contains_key(&data.collection) {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "coverage.with",
                "the collection is covered already",
            )
            .with_context("collection", &data.collection));
        }
        self.0.insert(data.collection.clone(), data);
        Ok(self)
    }

    /// Returns what is said of a collection.
    #[must_use]
    pub fn of(&self, collection: &CollectionName) -> Option<&PersonalData> {
        self.0.get(collection)
    }

    /// Returns all that is said, by the names of the collections.
    pub fn all(&self) -> impl Iterator<Item = &PersonalData> {
        self.0.values()
    }
}
