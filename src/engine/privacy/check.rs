//! What a source asks before it removes something.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{CollectionName, RecordId};

use super::coverage::{OnErasure, PersonalData};
use super::find;
use super::holds::{Held, Holds};
use super::service::Privacy;
use super::subject::Subject;

/// Tells a [`PersonalSource`](super::PersonalSource) whether it may still remove something of a person:
/// [`Privacy::hold_check`] makes one.
///
/// Each answer is that of the moment: a hold whose commit came before is seen. Between the answer and the
/// removal another may be placed, and what lies outside the database has no commit that could be held to
/// it; so at most what was asked for last goes under a hold that was placed after the question. Which records
/// the holds on other people keep is looked up once, and again when a hold was placed or lifted.
#[derive(Debug)]
pub struct HoldCheck {
    privacy: Privacy,
    subject: Subject,
    /// As they were at the last answer, until one is placed or lifted.
    holds: Holds,
    /// What they hold of the collections that were asked for.
    held: BTreeMap<CollectionName, Held>,
}

impl HoldCheck {
    /// Refuses if there is a hold on the person.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`]: there is one.
    /// - Those of the database. Take it for held then.
    pub async fn person(&mut self) -> Result<()> {
        if !self.holds.are_current(&self.privacy.store).await? {
            self.holds = Holds::load(&self.privacy.store).await?;
            self.held.clear();
        }
        self.holds.free(&self.subject)
    }

    /// Refuses if there is a hold on the person, the record, its collection, or on somebody else whom the
    /// record is about as well.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`]: there is one.
    /// - [`ErrorKind::InvalidInput`]: the collection is not covered.
    /// - Those of the database. Take it for held then.
    pub async fn record(&mut self, collection: &CollectionName, id: &RecordId) -> Result<()> {
        self.person().await?;
        if !self.held.contains_key(collection) {
            let held = self.privacy.held_in(&self.holds, collection).await?;
            self.held.insert(collection.clone(), held);
        }
        let held = self.held.get(collection);
        if held.is_some_and(|held| !held.holds(id)) {
            return Ok(());
        }
        Err(held_elsewhere(collection))
    }
}

impl Privacy {
    /// Makes what a source of personal data asks for holds while it removes something of `subject`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn hold_check(&self, subject: &Subject) -> Result<HoldCheck> {
        Ok(HoldCheck {
            privacy: self.clone(),
            subject: subject.clone(),
            holds: Holds::load(&self.store).await?,
            held: BTreeMap::new(),
        })
    }

    /// The holds, if none keeps an erasure from going on: none is on the person, and none on what another
    /// part has to remove, which could not leave it out.
    pub(super) async fn unheld(&self, subject: &Subject) -> Result<Holds> {
        let holds = Holds::load(&self.store).await?;
        holds.free(subject)?;
        for data in self.coverage.all() {
            if matches!(data.erasure, OnErasure::Elsewhere(_))
                && self.some_is_held(subject, &holds, data).await?
            {
                return Err(held_elsewhere(&data.collection));
            }
        }
        Ok(holds)
    }

    /// Tells whether something of a person in one collection is held.
    pub(super) async fn some_is_held(
        &self,
        subject: &Subject,
        holds: &Holds,
        data: &PersonalData,
    ) -> Result<bool> {
        if holds.is_empty() {
            return Ok(false);
        }
        let names = find::names(&self.vault, data, subject.ids()).await?;
        let ours = find::ids(&self.store, data, &names).await?;
        let held = holds.within(&self.store, &self.vault, data).await?;
        Ok(ours.iter().any(|id| held.holds(id)))
    }

    async fn held_in(&self, holds: &Holds, collection: &CollectionName) -> Result<Held> {
        let data = self.coverage.of(collection).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                "privacy.hold_check",
                "the collection is not covered",
            )
            .with_context("collection", collection)
        })?;
        holds.within(&self.store, &self.vault, data).await
    }
}

fn held_elsewhere(collection: &CollectionName) -> Error {
    Error::new(
        ErrorKind::Refused,
        "privacy.erase",
        "a legal hold is on something that another part would remove",
    )
    .with_context("collection", collection)
}
