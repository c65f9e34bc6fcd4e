//! Whose data may be stored and not used otherwise (GDPR, article 18).

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clock::Timestamp;
use crate::engine::audit::SubjectId;
use crate::engine::journal::{Event, EventKind};
use crate::error::Result;
use crate::permission::Actor;
use crate::storage::{Batch, Collection, JournalName, Precondition, RecordId};

use super::service::Privacy;
use super::subject::Subject;

/// The collection of restrictions, by the host's id of the person.
pub const PRIVACY_RESTRICTIONS: Collection<Restriction> = Collection::new("privacy_restrictions");

const RESTRICTED: EventKind = EventKind::new("privacy.restricted");
const RELEASED: EventKind = EventKind::new("privacy.released");

/// A person's data are restricted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Restriction {
    /// Since when.
    pub since: Timestamp,
    /// Why, for people. It stands in no journal.
    pub reason: String,
}

impl Privacy {
    /// Marks somebody's data as restricted. Whoever processes personal data asks
    /// [`restriction`](Privacy::restriction) first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn restrict(
        &self,
        subject: &SubjectId,
        reason: impl Into<String>,
        by: &Actor,
    ) -> Result<()> {
        let now = self.clock.now();
        let restriction = Restriction {
            since: now,
            reason: reason.into(),
        };
        let mut batch = Batch::new(now);
        let id = RecordId::parse(subject.as_str())?;
        batch.put(&PRIVACY_RESTRICTIONS, id, &restriction)?;
        self.tell(&mut batch, RESTRICTED, subject, by)?;
        self.store.commit(batch).await.map(drop)
    }

    /// Takes the mark back; where there is none, nothing is written.
    ///
    /// # Errors
    /// - [`ErrorKind::Conflict`](crate::ErrorKind::Conflict): somebody changed it meanwhile.
    /// - Those of the database.
    pub async fn release(&self, subject: &SubjectId, by: &Actor) -> Result<()> {
        let id = RecordId::parse(subject.as_str())?;
        let Some(found) = self.store.get(&PRIVACY_RESTRICTIONS, &id).await? else {
            return Ok(());
        };
        let mut batch = Batch::new(self.clock.now());
        batch.delete(&PRIVACY_RESTRICTIONS, id, Precondition::At(found.version));
        self.tell(&mut batch, RELEASED, subject, by)?;
        self.store.commit(batch).await.map(drop)
    }

    /// Returns the restriction of somebody's data, if there is one.
    ///
    /// # Errors
    /// Those of the database. Take the data for restricted then.
    pub async fn restriction(&self, subject: &SubjectId) -> Result<Option<Restriction>> {
        let id = RecordId::parse(subject.as_str())?;
        let found = self.store.get(&PRIVACY_RESTRICTIONS, &id).await?;
        Ok(found.map(|found| found.value))
    }

    fn tell(
        &self,
        batch: &mut Batch,
        kind: EventKind,
        subject: &SubjectId,
        by: &Actor,
    ) -> Result<()> {
        let person = Subject::new(subject.clone());
        let event = Event::new(kind)
            .by(self.actor(by, Some(&person))?)
            .with_data(&json!({"subject": self.pseudonym(&person)?}))?;
        batch.append(JournalName::main(), &event)?;
        Ok(())
    }
}
