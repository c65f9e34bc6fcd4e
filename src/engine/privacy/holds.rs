//! Legal holds: what may not be erased or deleted at present, whatever else is asked for.

use std::collections::{BTreeSet, HashSet};

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::engine::audit::{SubjectId, SubjectVault};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{
    Batch, Collection, CollectionName, Precondition, Query, RecordId, Store, Versioned,
};

use super::coverage::PersonalData;
use super::find;
use super::subject::Subject;

/// The collection of legal holds.
pub const LEGAL_HOLDS: Collection<LegalHold> = Collection::new("legal_holds");

/// The collection of the one record whose version changes whenever a hold is placed or lifted, so that
/// no deletion is committed that has not seen it.
pub const LEGAL_HOLD_MARKS: Collection<Timestamp> = Collection::new("legal_hold_marks");

/// What is held.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HoldScope {
    /// Everything about a person.
    Subject(SubjectId),
    /// A whole collection.
    Collection(CollectionName),
    /// One record.
    Record {
        /// Its collection.
        collection: CollectionName,
        /// Its id.
        id: RecordId,
    },
}

/// One hold.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LegalHold {
    /// What is held.
    pub scope: HoldScope,
    /// Why, for people: a file number. It stands in no journal.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// All holds there are at one moment. There are few.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds {
    subjects: BTreeSet<SubjectId>,
    collections: BTreeSet<CollectionName>,
    records: BTreeSet<(CollectionName, RecordId)>,
    /// The ids of holds, and whom they hold.
    names: Vec<(RecordId, HoldScope)>,
    mark: Precondition,
}

impl Holds {
    pub(super) async fn load(store: &Store) -> Result<Self> {
        // The mark first: a hold placed after it was read makes the commit fail.
        let mark = mark(store).await?;
        let query = Query::all(LEGAL_HOLDS.name().clone());
        let all: Vec<Versioned<LegalHold>> = store.all(&LEGAL_HOLDS, query).try_collect().await?;
        let mut holds = Self {
            mark,
            ..Self::default()
        };
        for hold in all {
            match hold.value.scope.clone() {
                HoldScope::Subject(subject) => _ = holds.subjects.insert(subject),
                HoldScope::Collection(name) => _ = holds.collections.insert(name),
                HoldScope::Record { collection, id } => _ = holds.records.insert((collection, id)),
            }
            holds.names.push((hold.id, hold.value.scope));
        }
        Ok(holds)
    }

    /// Tells whether none was placed or lifted since.
    pub(super) async fn are_current(&self, store: &Store) -> Result<bool> {
        Ok(mark(store).await? == self.mark)
    }

    /// Tells whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Holds a batch of deletions to the condition that no hold was placed since.
    pub(super) fn guard(&self, batch: &mut Batch) -> Result<()> {
        batch.check(&LEGAL_HOLD_MARKS, mark_id()?, self.mark);
        Ok(())
    }

    /// Adds the change of the mark to a batch that places or lifts a hold.
    pub(super) fn change(&self, batch: &mut Batch, now: Timestamp) -> Result<()> {
        batch.put_with(&LEGAL_HOLD_MARKS, mark_id()?, &now, self.mark, Vec::new())?;
        Ok(())
    }

    /// Tells whether a whole collection is held.
    pub(super) fn holds_all(&self, collection: &CollectionName) -> bool {
        self.collections.contains(collection)
    }

    /// The ids of the holds on a person.
    pub(super) fn on(&self, subject: &Subject) -> Vec<String> {
        let ours = self.names.iter().filter(
            |(_, scope)| matches!(scope, HoldScope::Subject(id) if subject.is(id.as_str())),
        );
        ours.map(|(id, _)| id.to_string()).collect()
    }

    /// Refuses if one is on a person.
    pub(super) fn free(&self, subject: &Subject) -> Result<()> {
        let on = self.on(subject);
        if on.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Refused,
            "privacy.erase",
            "a legal hold is on the person",
        )
        .with_context("holds", on.join(", ")))
    }

    /// What of one collection is held.
    pub(super) async fn within(
        &self,
        store: &Store,
        vault: &SubjectVault,
        data: &PersonalData,
    ) -> Result<Held> {
        if self.collections.contains(&data.collection) {
            return Ok(Held::All);
        }
        let names = find::names(vault, data, &self.subjects).await?;
        let mut held = if names.is_empty() {
            HashSet::new()
        } else {
            find::ids(store, data, &names).await?
        };
        let records = self.records.iter();
        let ours = records.filter(|(collection, _)| *collection == data.collection);
        held.extend(ours.map(|(_, id)| id.clone()));
        Ok(Held::These(held))
    }
}

/// What of one collection is held.
#[derive(Clone, Debug)]
pub(super) enum Held {
    All,
    These(HashSet<RecordId>),
}

impl Held {
    pub(super) fn holds(&self, id: &RecordId) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(id),
        }
    }
}

async fn mark(store: &Store) -> Result<Precondition> {
    let mark = store.get(&LEGAL_HOLD_MARKS, &mark_id()?).await?;
    Ok(mark.map_or(Precondition::Absent, |mark| Precondition::At(mark.version)))
}

fn mark_id() -> Result<RecordId> {
    RecordId::parse("mark")
}
