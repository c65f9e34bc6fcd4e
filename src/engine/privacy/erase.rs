//! Erasing a person, in steps that may stop anywhere.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::TryStreamExt;
use serde_json::json;
use tracing::Instrument as _;

use crate::engine::audit::{AUDIT_SIDE_RECORDS, AUDIT_SUBJECTS, Holder};
use crate::engine::journal::{Event, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::permission::{Actor, Resource};
use crate::storage::{
    Batch, JournalName, Json, Precondition, Query, Record, RecordId, Version, Versioned, Write,
};

use super::coverage::{OnErasure, PersonalData, Redaction};
use super::find::{self, Pages};
use super::holds::{Held, Holds};
use super::plan::{ErasurePlan, Remains};
use super::proof::{ErasedRecords, ErasureProof, ErasureRecord, PRIVACY_ERASURES};
use super::service::Privacy;
use super::subject::Subject;

const BEGUN: EventKind = EventKind::new("privacy.erasure_begun");
const ERASED: EventKind = EventKind::new("privacy.erased");

/// How often everything is gone through because something came or changed meanwhile.
const PASSES: usize = 10;

/// Why a pass has to be made again.
enum Stop {
    /// Somebody else changed a record or a hold.
    Changed,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// An erasure under way.
struct Erasing {
    id: RecordId,
    /// Of the record as this call last read or wrote it: nobody else goes on with it meanwhile.
    version: Version,
    record: ErasureRecord,
}

impl Privacy {
    /// Erases a person: destroys the key of their side records first, then goes through all collections and
    /// sources, and at last looks that nothing is left.
    ///
    /// Each step is committed with the record of the erasure. A call that was stopped anywhere, by a crash or
    /// an error, is taken up by the next one for the same person. What is known about the person since the
    /// plan was made goes as well; a legal hold placed meanwhile stops it at once.
    ///
    /// What a hold on a record or a collection keeps stays, and the rest goes. Where another part would have
    /// to leave it out ([`OnErasure::Elsewhere`]) nothing is erased at all. In the database a hold is seen to
    /// the commit; a [`PersonalSource`](super::PersonalSource) asks [`HoldCheck`](super::HoldCheck) and may
    /// still remove the one thing that it asked for before the hold came, and one that does not ask goes
    /// on until it is done.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`]: there is a legal hold on the person or on something of theirs that another
    ///   part has to remove ([`OnErasure::Elsewhere`]), or such records are still there.
    /// - [`ErrorKind::Locked`]: another call erases the same person.
    /// - [`ErrorKind::Conflict`]: new records about the person come faster than they are removed.
    /// - Those of the sources and of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the next call goes on.
    pub async fn erase(&self, plan: &ErasurePlan, by: &Actor) -> Result<ErasureProof> {
        let span = tracing::info_span!("privacy.erase");
        self.erase_planned(plan, by).instrument(span).await
    }

    async fn erase_planned(&self, plan: &ErasurePlan, by: &Actor) -> Result<ErasureProof> {
        let subject = &plan.subject;
        let kept_by = self.pseudonymous(by, subject)?;
        let by = self.actor(by, Some(subject))?;
        let mut erasing = self.begin(subject, &by, kept_by).await?;
        let mut remains = None;
        for _ in 0..PASSES {
            match self.pass(subject, &mut erasing).await {
                Ok(()) => {}
                Err(Stop::Changed) => continue,
                Err(Stop::Failed(error)) => return Err(error),
            }
            let found = self.verify_erasure(subject).await?;
            if found.is_clean() {
                remains = Some(found);
                break;
            }
        }
        match remains {
            Some(remains) => self.end(erasing, remains, &by).await,
            None => Err(Error::new(
                ErrorKind::Conflict,
                "privacy.erase",
                "records about the person keep coming",
            )
            .with_context("erasure", &erasing.id)),
        }
    }

    /// Reads the erasures of a person, the first one first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn erasures(&self, subject: &Subject) -> Result<Vec<Versioned<ErasureRecord>>> {
        let query = Query::all(PRIVACY_ERASURES.name().clone())
            .prefix(&format!("{}/", self.pseudonym(subject)?));
        self.store.all(&PRIVACY_ERASURES, query).try_collect().await
    }

    /// What the person's destroyed keys were known by.
    pub(super) async fn shredded(&self, subject: &Subject) -> Result<Vec<Holder>> {
        let all = self.erasures(subject).await?;
        Ok(all
            .into_iter()
            .flat_map(|erasure| erasure.value.holders)
            .collect())
    }

    /// Tells whether a hold is on something sealed about the person: one key seals it all, so all is held.
    pub(super) async fn sealed_are_held(&self, subject: &Subject, holds: &Holds) -> Result<bool> {
        for name in [AUDIT_SUBJECTS.name(), AUDIT_SIDE_RECORDS.name()] {
            if let Some(data) = self.coverage.of(name)
                && self.some_is_held(subject, holds, data).await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn begin(&self, subject: &Subject, by: &Actor, kept_by: Actor) -> Result<Erasing> {
        self.unheld(subject).await?;
        let all = self.erasures(subject).await?;
        let last = all.last().map(|erasure| erasure.value.begun);
        let open = all
            .into_iter()
            .find(|erasure| erasure.value.ended.is_none());
        if let Some(open) = open {
            return Ok(Erasing {
                id: open.id,
                version: open.version,
                record: open.value,
            });
        }
        // The clock may stand still, or have been set back.
        let now = self.clock.now();
        let begun = last.map_or(now, |last| {
            now.max(last.saturating_add(Duration::from_millis(1)))
        });
        let pseudonym = self.pseudonym(subject)?;
        let record = ErasureRecord {
            subject: pseudonym.clone(),
            by: kept_by,
            begun,
            ended: None,
            places: BTreeMap::new(),
            holders: Vec::new(),
            journal: None,
        };
        let id = RecordId::parse(format!("{pseudonym}/{:020}", begun.as_millis().max(0)))?;
        let mut batch = Batch::new(now);
        let fresh = Precondition::Absent;
        batch.put_with(&PRIVACY_ERASURES, id.clone(), &record, fresh, Vec::new())?;
        batch.append(JournalName::main(), &event(BEGUN, by, &id))?;
        let committed = self.store.commit(batch).await.map_err(locked)?;
        Ok(Erasing {
            id,
            version: committed.versions.first().copied().unwrap_or_default(),
            record,
        })
    }

    /// Goes through everything once.
    async fn pass(&self, subject: &Subject, erasing: &mut Erasing) -> Result<(), Stop> {
        let holds = self.unheld(subject).await?;
        // What is counted as staying is counted anew.
        for erased in erasing.record.places.values_mut() {
            (erased.kept, erased.held) = (0, 0);
        }
        self.shred(subject, erasing, &holds).await?;
        for source in &self.sources {
            // No commit can be held to what a source removes, so it is asked before and by the source.
            self.unheld(subject).await?;
            let mut check = self.hold_check(subject).await?;
            let removed = source.erase(subject, &mut check).await?;
            if removed > 0 {
                erasing.place(source.name()).deleted += removed;
                let batch = Batch::new(self.clock.now());
                self.commit(erasing, batch).await?;
            }
        }
        for data in self.coverage.all() {
            if let OnErasure::Elsewhere(why) = &data.erasure {
                self.is_gone(subject, data, why).await?;
            }
        }
        for data in self.coverage.all() {
            match &data.erasure {
                OnErasure::Shred | OnErasure::Elsewhere(_) => {}
                _ => self.clear(subject, erasing, &holds, data).await?,
            }
        }
        Ok(())
    }

    /// Refuses to go on while something is there that another part has to remove.
    async fn is_gone(&self, subject: &Subject, data: &PersonalData, why: &str) -> Result<()> {
        let names = find::names(&self.vault, data, subject.ids()).await?;
        let found = find::ids(&self.store, data, &names).await?;
        if found.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Refused,
            "privacy.erase",
            "something has to be removed first by the part it belongs to",
        )
        .with_context("collection", &data.collection)
        .with_context("records", found.len())
        .with_context("why", why))
    }

    /// Destroys the keys of side records and removes what they sealed.
    async fn shred(
        &self,
        subject: &Subject,
        erasing: &mut Erasing,
        holds: &Holds,
    ) -> Result<(), Stop> {
        if self.sealed_are_held(subject, holds).await? {
            return Ok(());
        }
        for id in subject.ids() {
            let mut batch = Batch::new(self.clock.now());
            holds.guard(&mut batch)?;
            if let Some(holder) = self.vault.shred(&mut batch, id).await? {
                erasing.record.holders.push(holder);
                erasing.place(AUDIT_SUBJECTS.name().as_str()).deleted += 1;
                self.commit(erasing, batch).await?;
            }
        }
        let Some(data) = self.coverage.of(AUDIT_SIDE_RECORDS.name()) else {
            return Ok(());
        };
        let all = self.shredded(subject).await?;
        let names: Vec<String> = all
            .iter()
            .map(|holder| holder.as_str().to_owned())
            .collect();
        let mut pages = Pages::new(&self.store, data, &names);
        while let Some(page) = pages.next().await? {
            self.remove(erasing, holds, data, &page).await?;
        }
        Ok(())
    }

    /// Does in one collection what is to be done with what is about the person.
    async fn clear(
        &self,
        subject: &Subject,
        erasing: &mut Erasing,
        holds: &Holds,
        data: &PersonalData,
    ) -> Result<(), Stop> {
        let names = find::names(&self.vault, data, subject.ids()).await?;
        let mut pages = Pages::new(&self.store, data, &names);
        let mut held: Option<Held> = None;
        while let Some(page) = pages.next().await? {
            if page.is_empty() {
                continue;
            }
            let held = match &mut held {
                Some(held) => held,
                None => held.insert(holds.within(&self.store, &self.vault, data).await?),
            };
            let (stays, goes): (Vec<_>, Vec<_>) =
                page.into_iter().partition(|record| held.holds(&record.id));
            let place = erasing.place(data.collection.as_str());
            place.held = place.held.saturating_add(stays.len() as u64);
            match &data.erasure {
                OnErasure::Delete => self.remove(erasing, holds, data, &goes).await?,
                OnErasure::Redact(how) => {
                    self.redact(subject, erasing, holds, data, how, &goes)
                        .await?;
                }
                OnErasure::Keep(_) => {
                    let place = erasing.place(data.collection.as_str());
                    place.kept = place.kept.saturating_add(goes.len() as u64);
                }
                OnErasure::Shred | OnErasure::Elsewhere(_) => {}
            }
        }
        Ok(())
    }

    async fn remove(
        &self,
        erasing: &mut Erasing,
        holds: &Holds,
        data: &PersonalData,
        records: &[Record],
    ) -> Result<(), Stop> {
        for records in records.chunks(find::PAGE) {
            let mut batch = Batch::new(self.clock.now());
            holds.guard(&mut batch)?;
            for record in records {
                batch.push(Write::Delete {
                    collection: data.collection.clone(),
                    id: record.id.clone(),
                    precondition: Precondition::At(record.version),
                });
            }
            erasing.place(data.collection.as_str()).deleted += records.len() as u64;
            self.commit(erasing, batch).await?;
        }
        Ok(())
    }

    async fn redact(
        &self,
        subject: &Subject,
        erasing: &mut Erasing,
        holds: &Holds,
        data: &PersonalData,
        how: &Redaction,
        records: &[Record],
    ) -> Result<(), Stop> {
        for records in records.chunks(find::PAGE) {
            let mut batch = Batch::new(self.clock.now());
            holds.guard(&mut batch)?;
            for record in records {
                let before = record.value.read()?;
                let mut value = serde_json::Value::clone(&before);
                for field in &how.fields {
                    field.clear(&mut value, &before, subject);
                }
                let value = Json::of(&value)?;
                let indexes = match &how.indexes {
                    Some(indexes) => indexes(&value)?,
                    None => Vec::new(),
                };
                batch.push(Write::Put {
                    collection: data.collection.clone(),
                    id: record.id.clone(),
                    value,
                    indexes,
                    precondition: Precondition::At(record.version),
                });
            }
            erasing.place(data.collection.as_str()).redacted += records.len() as u64;
            self.commit(erasing, batch).await?;
        }
        Ok(())
    }

    /// Commits a step together with what the record says of it.
    async fn commit(&self, erasing: &mut Erasing, mut batch: Batch) -> Result<(), Stop> {
        let at = Precondition::At(erasing.version);
        let (id, record) = (erasing.id.clone(), &erasing.record);
        let others = batch.writes().len();
        batch.put_with(&PRIVACY_ERASURES, id, record, at, Vec::new())?;
        match self.store.commit(batch).await {
            Ok(committed) => {
                let version = committed.versions.last().copied();
                erasing.version = version.unwrap_or_default();
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Conflict && others > 0 => {
                self.look_again(erasing).await
            }
            Err(error) => Err(locked(error).into()),
        }
    }

    /// After a conflict: takes the record as it is kept, for another pass, unless somebody else goes on with it.
    async fn look_again(&self, erasing: &mut Erasing) -> Result<(), Stop> {
        let kept = self.store.get(&PRIVACY_ERASURES, &erasing.id).await?;
        match kept {
            Some(kept) if kept.version == erasing.version => {
                erasing.record = kept.value;
                Err(Stop::Changed)
            }
            _ => Err(Stop::Failed(
                other_at_it().with_context("erasure", &erasing.id),
            )),
        }
    }

    async fn end(
        &self,
        mut erasing: Erasing,
        remains: Remains,
        by: &Actor,
    ) -> Result<ErasureProof> {
        for (place, held) in remains.held {
            erasing.place(&place).held = held;
        }
        let now = self.clock.now();
        let main = JournalName::main();
        erasing.record.ended = Some(now);
        erasing.record.journal = Some(self.store.journal_head(&main).await?);
        let mut batch = Batch::new(now);
        let at = Precondition::At(erasing.version);
        let record = &erasing.record;
        batch.put_with(
            &PRIVACY_ERASURES,
            erasing.id.clone(),
            record,
            at,
            Vec::new(),
        )?;
        let data = json!({"subject": record.subject, "places": record.places});
        let told = event(ERASED, by, &erasing.id).with_data(&data)?;
        batch.append(main, &told)?;
        let committed = self.store.commit(batch).await.map_err(locked)?;
        Ok(ErasureProof {
            id: erasing.id.to_string(),
            entry: committed.sequences.first().copied().unwrap_or_default(),
            record: erasing.record,
        })
    }
}

impl Erasing {
    fn place(&mut self, name: &str) -> &mut ErasedRecords {
        self.record.places.entry(name.to_owned()).or_default()
    }
}

fn event(kind: EventKind, by: &Actor, id: &RecordId) -> Event {
    Event::new(kind)
        .by(by.clone())
        .about(Resource::new("erasure", id.as_str()))
}

fn locked(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Conflict => other_at_it().with_source(error),
        _ => error,
    }
}

fn other_at_it() -> Error {
    let message = "another call erases the same person";
    Error::new(ErrorKind::Locked, "privacy.erase", message)
}
