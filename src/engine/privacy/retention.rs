//! Deleting what is old enough: planned first, then exactly that.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clock::Timestamp;
use crate::engine::journal::{Event, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::permission::{Actor, Resource};
use crate::storage::{
    Batch, CollectionName, JournalName, Precondition, Query, Record, RecordId, Version, Write,
};

use super::coverage::{OnErasure, PersonalData};
use super::field::FieldPath;
use super::holds::{Held, Holds};
use super::service::Privacy;

const APPLIED: EventKind = EventKind::new("privacy.retention_applied");

/// Records deleted at once: beside them a batch holds the mark of the holds and the event.
const CHUNK: usize = 90;

/// How long the records of a collection are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RetentionRule {
    /// The collection.
    pub collection: CollectionName,
    /// How long after [`PersonalData::time`].
    pub keep: Duration,
}

impl RetentionRule {
    /// Keeps the records of a collection this long.
    #[must_use]
    pub fn new(collection: CollectionName, keep: Duration) -> Self {
        Self { collection, keep }
    }
}

/// What is old enough to be deleted: a dry run, to be read and then carried out. Prints as a table.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RetentionPlan {
    /// When it was made.
    pub at: Timestamp,
    /// What is to go.
    pub items: Vec<RetentionItem>,
    /// What is old enough and stays because of legal holds: how many in each collection.
    pub held: BTreeMap<CollectionName, u64>,
    /// What does not say how old it is and stays: how many in each collection.
    pub undated: BTreeMap<CollectionName, u64>,
    /// Whether more is old enough than one plan holds: carry it out, then plan again.
    pub is_cut: bool,
}

/// One record that is to go.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RetentionItem {
    /// Its collection.
    pub collection: CollectionName,
    /// Its id.
    pub id: RecordId,
    /// Its version: if it is another by then, it stays.
    pub version: Version,
    /// The time from which its age counts.
    pub since: Timestamp,
}

impl RetentionPlan {
    /// Most records of one plan.
    pub const MAX_ITEMS: usize = 100_000;
}

impl fmt::Display for RetentionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: BTreeMap<&CollectionName, [u64; 3]> = BTreeMap::new();
        for item in &self.items {
            let [goes, ..] = counts.entry(&item.collection).or_default();
            *goes = goes.saturating_add(1);
        }
        for (name, held) in &self.held {
            let [_, to, _] = counts.entry(name).or_default();
            *to = *held;
        }
        for (name, undated) in &self.undated {
            let [.., to] = counts.entry(name).or_default();
            *to = *undated;
        }
        for (name, [goes, held, undated]) in counts {
            writeln!(
                f,
                "{name}: {goes} to delete, {held} held, {undated} undated"
            )?;
        }
        let more = if self.is_cut {
            ", and more to plan"
        } else {
            ""
        };
        write!(f, "{} records{more}", self.items.len())
    }
}

/// What came of a [`RetentionPlan`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RetentionReport {
    /// Deleted.
    pub deleted: u64,
    /// Changed since the plan was made, and left.
    pub changed: u64,
    /// Gone already.
    pub gone: u64,
    /// Put under legal hold since the plan was made, and left.
    pub held: u64,
}

impl Privacy {
    /// Finds what is older than the rules allow. Changes nothing.
    ///
    /// Only records that can go alone are deleted by their age. What is [sealed](OnErasure::Shred) or belongs
    /// to something [elsewhere](OnErasure::Elsewhere), as an upload to its bytes, goes by the part that keeps
    /// it.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: a collection is not covered, does not say where its time stands, has
    ///   two rules, or holds records that cannot go alone.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn plan_retention(&self, rules: &[RetentionRule]) -> Result<RetentionPlan> {
        let now = self.clock.now();
        let holds = Holds::load(&self.store).await?;
        let mut plan = RetentionPlan {
            at: now,
            items: Vec::new(),
            held: BTreeMap::new(),
            undated: BTreeMap::new(),
            is_cut: false,
        };
        let mut seen = BTreeSet::new();
        for rule in rules {
            let data = self.deletable(&rule.collection)?;
            if !seen.insert(&rule.collection) {
                return Err(refused("the collection has two rules", &rule.collection));
            }
            let time = data.time.as_ref().ok_or_else(|| {
                refused(
                    "the collection does not say where its time stands",
                    &rule.collection,
                )
            })?;
            let held = holds.within(&self.store, &self.vault, data).await?;
            let mut query = Query::all(rule.collection.clone());
            loop {
                let page = self.store.query(&query).await?;
                for record in page.records {
                    plan.weigh(rule, time, &held, record)?;
                    if plan.is_cut {
                        return Ok(plan);
                    }
                }
                match page.next {
                    Some(cursor) => query = query.with_after(cursor),
                    None => break,
                }
            }
        }
        Ok(plan)
    }

    /// Deletes what a plan names, as far as it still is as the plan saw it and no legal hold was placed since.
    ///
    /// Each batch is committed with an event that tells how many went. A call that was stopped anywhere can
    /// be made again.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: a collection is not covered, or holds records that cannot go alone;
    ///   then nothing is deleted.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; what was deleted until then is told in the journal.
    pub async fn apply_retention(
        &self,
        plan: &RetentionPlan,
        by: &Actor,
    ) -> Result<RetentionReport> {
        let mut report = RetentionReport::default();
        let mut by_collection: BTreeMap<&CollectionName, Vec<&RetentionItem>> = BTreeMap::new();
        // A plan is read from outside: a record that it names twice would be twice in a batch.
        let mut seen = HashSet::new();
        for item in &plan.items {
            if seen.insert((&item.collection, &item.id)) {
                by_collection
                    .entry(&item.collection)
                    .or_default()
                    .push(item);
            }
        }
        let mut parts = Vec::with_capacity(by_collection.len());
        for (collection, items) in by_collection {
            parts.push((self.deletable(collection)?, items));
        }
        for (data, items) in parts {
            for items in items.chunks(CHUNK) {
                self.delete(data, items, by, &mut report).await?;
            }
        }
        Ok(report)
    }

    async fn delete(
        &self,
        data: &PersonalData,
        items: &[&RetentionItem],
        by: &Actor,
        report: &mut RetentionReport,
    ) -> Result<()> {
        let mut items = items.to_vec();
        loop {
            let holds = Holds::load(&self.store).await?;
            let held = holds.within(&self.store, &self.vault, data).await?;
            let before = items.len();
            items.retain(|item| !held.holds(&item.id));
            report.held = report.held.saturating_add((before - items.len()) as u64);
            if items.is_empty() {
                return Ok(());
            }
            let batch = self.deletion(data, &holds, &items, by)?;
            match self.store.commit(batch).await {
                Ok(_) => {
                    report.deleted = report.deleted.saturating_add(items.len() as u64);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    // A record or a hold: the records are looked at, the holds are read again.
                    items = self.unchanged(data, items, report).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn deletion(
        &self,
        data: &PersonalData,
        holds: &Holds,
        items: &[&RetentionItem],
        by: &Actor,
    ) -> Result<Batch> {
        let mut batch = Batch::new(self.clock.now());
        holds.guard(&mut batch)?;
        for item in items {
            batch.push(Write::Delete {
                collection: item.collection.clone(),
                id: item.id.clone(),
                precondition: Precondition::At(item.version),
            });
        }
        let event = Event::new(APPLIED)
            .by(by.clone())
            .about(Resource::new("collection", data.collection.as_str()))
            .with_data(&json!({"deleted": items.len()}))?;
        batch.append(JournalName::main(), &event)?;
        Ok(batch)
    }

    /// Leaves the items that still are as the plan saw them.
    async fn unchanged<'a>(
        &self,
        data: &PersonalData,
        items: Vec<&'a RetentionItem>,
        report: &mut RetentionReport,
    ) -> Result<Vec<&'a RetentionItem>> {
        let mut left = Vec::new();
        for item in items {
            match self.version(data, &item.id).await? {
                Some(version) if version == item.version => left.push(item),
                Some(_) => report.changed = report.changed.saturating_add(1),
                None => report.gone = report.gone.saturating_add(1),
            }
        }
        Ok(left)
    }

    async fn version(&self, data: &PersonalData, id: &RecordId) -> Result<Option<Version>> {
        use std::ops::Bound::Included;
        let exactly = || Included(Box::from(id.as_str()));
        let query = Query::all(data.collection.clone()).between(exactly(), exactly());
        let page = self.store.query(&query).await?;
        Ok(page.records.first().map(|record| record.version))
    }

    /// What is said of a collection whose records can be deleted one by one, without anything they are
    /// the only way to.
    fn deletable(&self, collection: &CollectionName) -> Result<&PersonalData> {
        let data = self
            .coverage
            .of(collection)
            .ok_or_else(|| refused("the collection is not covered", collection))?;
        match data.erasure {
            // The bytes, the key and the count would stay, and nobody would find them any more.
            OnErasure::Elsewhere(_) | OnErasure::Shred => Err(refused(
                "records of the collection go only with what they belong to",
                collection,
            )),
            OnErasure::Delete | OnErasure::Redact(_) | OnErasure::Keep(_) => Ok(data),
        }
    }
}

impl RetentionPlan {
    fn weigh(
        &mut self,
        rule: &RetentionRule,
        time: &FieldPath,
        held: &Held,
        record: Record,
    ) -> Result<()> {
        let Some(since) = since(&record, time)? else {
            add(&mut self.undated, &rule.collection);
            return Ok(());
        };
        if since.saturating_add(rule.keep) > self.at {
            return Ok(());
        }
        if held.holds(&record.id) {
            add(&mut self.held, &rule.collection);
        } else if self.items.len() >= Self::MAX_ITEMS {
            self.is_cut = true;
        } else {
            self.items.push(RetentionItem {
                collection: rule.collection.clone(),
                id: record.id,
                version: record.version,
                since,
            });
        }
        Ok(())
    }
}

/// The latest time that stands in the field, so that of several the youngest counts.
fn since(record: &Record, time: &FieldPath) -> Result<Option<Timestamp>> {
    let value = record
        .value
        .read()
        .map_err(|error| error.with_context("id", &record.id))?;
    let mut found: Option<i64> = None;
    time.visit(&value, &mut |value| found = found.max(value.as_i64()));
    Ok(found.map(Timestamp::from_millis))
}

fn add(counts: &mut BTreeMap<CollectionName, u64>, collection: &CollectionName) {
    let count = counts.entry(collection.clone()).or_default();
    *count = count.saturating_add(1);
}

fn refused(why: &'static str, collection: &CollectionName) -> Error {
    Error::new(ErrorKind::InvalidInput, "privacy.retention", why)
        .with_context("collection", collection)
}
