//! Placing and lifting legal holds.

use futures_util::TryStreamExt;
use serde_json::json;

use crate::engine::journal::{Event, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::permission::{Actor, Resource};
use crate::storage::{Batch, JournalName, Precondition, Query, RecordId};

use super::holds::{HoldScope, Holds, LEGAL_HOLDS, LegalHold};
use super::service::Privacy;
use super::subject::Subject;

const PLACED: EventKind = EventKind::new("privacy.hold_placed");
const LIFTED: EventKind = EventKind::new("privacy.hold_lifted");

/// How often a batch is built anew because somebody else has changed the holds.
const TRIES: usize = 10;

impl Privacy {
    /// Places a legal hold called `id`: from its commit on nothing in its scope is erased or deleted in the
    /// database here, and no source of personal data is told that it may remove it ([`HoldCheck`](super::HoldCheck)).
    ///
    /// The journal tells the id, the kind of scope and a keyed pseudonym of what is held; choose an id
    /// that says nothing about anybody.
    ///
    /// # Errors
    /// - [`ErrorKind::AlreadyExists`]: there is a hold of this id.
    /// - [`ErrorKind::Conflict`]: others change holds all the time.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// After a drop the hold is placed or not.
    pub async fn place_hold(
        &self,
        id: RecordId,
        scope: HoldScope,
        reason: impl Into<String>,
        by: &Actor,
    ) -> Result<()> {
        let now = self.clock.now();
        let hold = LegalHold {
            scope,
            reason: reason.into(),
            since: now,
        };
        let event = self.hold_event(PLACED, &id, &hold.scope, by)?;
        for _ in 0..TRIES {
            if self.store.get(&LEGAL_HOLDS, &id).await?.is_some() {
                return Err(Error::new(
                    ErrorKind::AlreadyExists,
                    "privacy.place_hold",
                    "there is a hold of this id",
                )
                .with_context("hold", &id));
            }
            let holds = Holds::load(&self.store).await?;
            let mut batch = Batch::new(now);
            let fresh = Precondition::Absent;
            batch.put_with(&LEGAL_HOLDS, id.clone(), &hold, fresh, Vec::new())?;
            holds.change(&mut batch, now)?;
            batch.append(JournalName::main(), &event)?;
            match self.store.commit(batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                other => return other.map(drop),
            }
        }
        Err(busy())
    }

    /// Lifts a legal hold.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is none of this id.
    /// - [`ErrorKind::Conflict`]: others change holds all the time.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// After a drop the hold is lifted or not.
    pub async fn lift_hold(&self, id: &RecordId, by: &Actor) -> Result<()> {
        let now = self.clock.now();
        for _ in 0..TRIES {
            let Some(hold) = self.store.get(&LEGAL_HOLDS, id).await? else {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    "privacy.lift_hold",
                    "there is no hold of this id",
                )
                .with_context("hold", id));
            };
            let event = self.hold_event(LIFTED, id, &hold.value.scope, by)?;
            let holds = Holds::load(&self.store).await?;
            let mut batch = Batch::new(now);
            batch.delete(&LEGAL_HOLDS, id.clone(), Precondition::At(hold.version));
            holds.change(&mut batch, now)?;
            batch.append(JournalName::main(), &event)?;
            match self.store.commit(batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                other => return other.map(drop),
            }
        }
        Err(busy())
    }

    /// Reads the legal holds there are, by their ids.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn holds(&self) -> Result<Vec<(RecordId, LegalHold)>> {
        let query = Query::all(LEGAL_HOLDS.name().clone());
        let all = self.store.all(&LEGAL_HOLDS, query);
        all.map_ok(|hold| (hold.id, hold.value)).try_collect().await
    }

    fn hold_event(
        &self,
        kind: EventKind,
        id: &RecordId,
        scope: &HoldScope,
        by: &Actor,
    ) -> Result<Event> {
        let data = match scope {
            HoldScope::Subject(subject) => {
                let pseudonym = self.pseudonym(&Subject::new(subject.clone()))?;
                json!({"scope": "subject", "subject": pseudonym})
            }
            HoldScope::Collection(name) => json!({"scope": "collection", "collection": name}),
            // The id of a record may be that of a person.
            HoldScope::Record { collection, id } => {
                let hidden = self.hidden(b"garland/privacy/record/v1\0", id.as_str())?;
                json!({"scope": "record", "collection": collection, "record": hidden})
            }
        };
        Event::new(kind)
            .by(by.clone())
            .about(Resource::new("legal_hold", id.as_str()))
            .with_data(&data)
    }
}

fn busy() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "privacy.hold",
        "the holds are changed by somebody else all the time",
    )
}
