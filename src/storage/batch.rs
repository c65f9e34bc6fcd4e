//! What is written at once.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};

use super::names::{CollectionName, IndexKey, IndexName, JournalName, Json, RecordId};
use super::record::{Collection, Version};

/// What must be true of a record for its batch to be committed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Precondition {
    /// Nothing.
    #[default]
    Any,
    /// There is no such record.
    Absent,
    /// It is at this version.
    At(Version),
}

impl Precondition {
    /// Checks it against the version that was `found`, `None` where there is no record. Backends
    /// word a conflict through it.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: it does not hold.
    pub fn verify(
        self,
        collection: &CollectionName,
        id: &RecordId,
        found: Option<Version>,
    ) -> Result<()> {
        let message = match (self, found) {
            (Self::Any, _) | (Self::Absent, None) => return Ok(()),
            (Self::At(wanted), Some(found)) if wanted == found => return Ok(()),
            (Self::Absent, Some(_)) => "the record exists already",
            (Self::At(_), Some(_)) => "the record was changed by somebody else",
            (Self::At(_), None) => "the record is gone",
        };
        let mut error = Error::new(ErrorKind::Conflict, "storage.commit", message)
            .with_context("collection", collection)
            .with_context("id", id);
        if let Self::At(wanted) = self {
            error = error.with_context("wanted", wanted.get());
        }
        if let Some(found) = found {
            error = error.with_context("found", found.get());
        }
        Err(error)
    }
}

/// One step of a [`Batch`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Write {
    /// Makes or replaces a record and its entries in indexes.
    Put {
        /// Its collection.
        collection: CollectionName,
        /// Its id.
        id: RecordId,
        /// What it will hold.
        value: Json,
        /// Its entries, at most one an index; those it had before are gone.
        indexes: Vec<(IndexName, IndexKey)>,
        /// What must be true of it before.
        precondition: Precondition,
    },
    /// Removes a record and its entries in indexes; one that is not there is no error.
    Delete {
        /// Its collection.
        collection: CollectionName,
        /// Its id.
        id: RecordId,
        /// What must be true of it before.
        precondition: Precondition,
    },
    /// Writes nothing, but holds the batch to a precondition.
    Check {
        /// The record's collection.
        collection: CollectionName,
        /// The record's id.
        id: RecordId,
        /// What must be true of it.
        precondition: Precondition,
    },
    /// Appends to a journal.
    Append {
        /// The journal.
        journal: JournalName,
        /// The event.
        event: Json,
    },
}

impl Write {
    /// Returns the record it is about and what must be true of that; `None` for an append.
    #[must_use]
    pub fn target(&self) -> Option<(&CollectionName, &RecordId, Precondition)> {
        match self {
            Self::Put {
                collection,
                id,
                precondition,
                ..
            }
            | Self::Delete {
                collection,
                id,
                precondition,
            }
            | Self::Check {
                collection,
                id,
                precondition,
            } => Some((collection, id, *precondition)),
            Self::Append { .. } => None,
        }
    }
}

/// Records and journal events that are written together or not at all.
///
/// At most [`Batch::MAX`] steps (DynamoDB's bound on a transaction), and no record twice.
///
/// # Example
///
/// ```
/// use garland::Timestamp;
/// use garland::storage::{Batch, Collection};
///
/// const PLACES: Collection<String> = Collection::new("places");
/// let mut batch = Batch::new(Timestamp::from_millis(0));
/// batch.put(&PLACES, "venue".parse()?, &"Old Mill".to_owned())?;
/// assert_eq!(batch.writes().len(), 1);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batch {
    at: Timestamp,
    writes: Vec<Write>,
}

impl Batch {
    /// Most steps of one batch.
    pub const MAX: usize = 100;

    /// Begins an empty batch whose journal events happened `at` this moment.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self {
            at,
            writes: Vec::new(),
        }
    }

    /// Returns when its journal events happened.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns its steps.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Takes its steps out.
    #[must_use]
    pub fn into_writes(self) -> Vec<Write> {
        self.writes
    }

    /// Tells whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Tells whether `more` steps still fit.
    #[must_use]
    pub fn has_room(&self, more: usize) -> bool {
        self.writes.len().saturating_add(more) <= Self::MAX
    }

    /// Adds any step.
    pub fn push(&mut self, write: Write) -> &mut Self {
        self.writes.push(write);
        self
    }

    /// Makes or replaces a record without index entries.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the value cannot be JSON.
    pub fn put<T: Serialize>(
        &mut self,
        collection: &Collection<T>,
        id: RecordId,
        value: &T,
    ) -> Result<&mut Self> {
        self.put_with(collection, id, value, Precondition::Any, Vec::new())
    }

    /// Makes or replaces a record.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the value cannot be JSON.
    pub fn put_with<T: Serialize>(
        &mut self,
        collection: &Collection<T>,
        id: RecordId,
        value: &T,
        precondition: Precondition,
        indexes: Vec<(IndexName, IndexKey)>,
    ) -> Result<&mut Self> {
        let (collection, value) = (collection.name().clone(), Json::of(value)?);
        Ok(self.push(Write::Put {
            collection,
            id,
            value,
            indexes,
            precondition,
        }))
    }

    /// Removes a record.
    pub fn delete<T>(
        &mut self,
        collection: &Collection<T>,
        id: RecordId,
        precondition: Precondition,
    ) -> &mut Self {
        self.push(Write::Delete {
            collection: collection.name().clone(),
            id,
            precondition,
        })
    }

    /// Holds the batch to a precondition on a record it does not write.
    pub fn check<T>(
        &mut self,
        collection: &Collection<T>,
        id: RecordId,
        precondition: Precondition,
    ) -> &mut Self {
        self.push(Write::Check {
            collection: collection.name().clone(),
            id,
            precondition,
        })
    }

    /// Appends an event to a journal.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the event cannot be JSON.
    pub fn append(
        &mut self,
        journal: JournalName,
        event: &(impl Serialize + ?Sized),
    ) -> Result<&mut Self> {
        let event = Json::of(event)?;
        Ok(self.push(Write::Append { journal, event }))
    }

    /// Checks what every backend asks of a batch. Backends call it first.
    ///
    /// # Errors
    /// - [`ErrorKind::LimitExceeded`]: more than [`Batch::MAX`] steps.
    /// - [`ErrorKind::InvalidInput`]: a record or an index of it twice.
    pub fn validate(&self) -> Result<()> {
        let invalid =
            |message: &str| Error::new(ErrorKind::InvalidInput, "batch.validate", message);
        if !self.has_room(0) {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "batch.validate",
                "a batch has at most 100 steps",
            )
            .with_context("steps", self.writes.len()));
        }
        let mut seen = BTreeSet::new();
        for write in &self.writes {
            let Some((collection, id, _)) = write.target() else {
                continue;
            };
            if !seen.insert((collection, id)) {
                return Err(invalid("a batch names one record twice")
                    .with_context("collection", collection)
                    .with_context("id", id));
            }
            if let Write::Put { indexes, .. } = write {
                let names: BTreeSet<_> = indexes.iter().map(|(name, _)| name).collect();
                if names.len() < indexes.len() {
                    return Err(invalid("a record has two entries in one index")
                        .with_context("collection", collection)
                        .with_context("id", id));
                }
            }
        }
        Ok(())
    }
}

/// What a commit gave.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Committed {
    /// The new version of each put, in the order of the batch.
    pub versions: Vec<Version>,
    /// The sequence number of each append, in the order of the batch.
    pub sequences: Vec<u64>,
}
