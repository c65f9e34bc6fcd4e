//! What an erasure would do: a dry run.

use std::fmt;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::engine::audit::AUDIT_SIDE_RECORDS;
use crate::error::Result;

use super::coverage::{OnErasure, PersonalData};
use super::entries;
use super::find::{self, Pages};
use super::holds::Holds;
use super::service::Privacy;
use super::subject::Subject;

/// What an erasure would do, by its numbers. Prints as a table.
///
/// It is a picture of one moment: what comes to be known about the person afterwards is erased as well.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ErasurePlan {
    /// Whose data.
    pub subject: Subject,
    /// When it was made.
    pub at: Timestamp,
    /// Where something is, and what becomes of it.
    pub steps: Vec<PlannedStep>,
    /// The legal holds on the person: while there is one, nothing is erased.
    pub holds: Vec<String>,
    /// How many entries of journals name the person. They stay: they hold ids and no personal data.
    pub entries: u64,
}

/// What would become of the records in one place.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PlannedStep {
    /// The collection, or the name of the source.
    pub place: String,
    /// `delete`, `redact`, `shred`, `keep`, `elsewhere`, or `erase` for a source.
    pub action: &'static str,
    /// How many records it is about, without those that are held.
    pub records: u64,
    /// How many stay because of a legal hold.
    pub held: u64,
    /// Why they stay, if they are kept.
    pub reason: Option<String>,
}

impl ErasurePlan {
    /// Tells whether no legal hold forbids all of it: none on the person, and none on what another part
    /// would have to leave out.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let is_stuck = |step: &PlannedStep| step.action == "elsewhere" && step.held > 0;
        self.holds.is_empty() && !self.steps.iter().any(is_stuck)
    }

    /// Returns how many records would be removed, cleared or made unreadable.
    #[must_use]
    pub fn records(&self) -> u64 {
        let acts = self.steps.iter().filter(|step| step.action != "keep");
        acts.map(|step| step.records).sum()
    }
}

impl fmt::Display for ErasurePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.holds.is_empty() {
            writeln!(f, "held by {}: nothing is erased", self.holds.join(", "))?;
        } else if !self.is_free() {
            writeln!(f, "held elsewhere: nothing is erased")?;
        }
        for step in &self.steps {
            let (action, place, records) = (step.action, &step.place, step.records);
            write!(f, "{action:<10}{records:>8}  {place}")?;
            if step.held > 0 {
                write!(f, ", {} held", step.held)?;
            }
            if let Some(reason) = &step.reason {
                write!(f, ": {reason}")?;
            }
            writeln!(f)?;
        }
        write!(f, "{} entries of journals stay", self.entries)
    }
}

/// What still is there about a person after an erasure.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Remains {
    /// What should not be there: the place and how many.
    pub left: Vec<(String, u64)>,
    /// What stays because of legal holds.
    pub held: Vec<(String, u64)>,
    /// What stays because its collection is to be kept.
    pub kept: Vec<(String, u64)>,
}

impl Remains {
    /// Tells whether nothing is left but what has a reason to stay.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.left.is_empty()
    }
}

impl Privacy {
    /// Says what an erasure would do. Changes nothing.
    ///
    /// # Errors
    /// Those of the sources and of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn plan_erasure(&self, subject: &Subject) -> Result<ErasurePlan> {
        let holds = Holds::load(&self.store).await?;
        let steps = self.survey(subject, &holds).await?;
        let mut entries = 0_u64;
        for journal in &self.journals {
            entries = entries.saturating_add(entries::count(&self.store, journal, subject).await?);
        }
        Ok(ErasurePlan {
            subject: subject.clone(),
            at: self.clock.now(),
            steps,
            holds: holds.on(subject),
            entries,
        })
    }

    /// Looks what is there about a person, after an erasure as well as before.
    ///
    /// # Errors
    /// Those of the sources and of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn verify_erasure(&self, subject: &Subject) -> Result<Remains> {
        let holds = Holds::load(&self.store).await?;
        let mut remains = Remains::default();
        for step in self.survey(subject, &holds).await? {
            if step.held > 0 {
                remains.held.push((step.place.clone(), step.held));
            }
            if step.records > 0 {
                let to = match step.action {
                    "keep" => &mut remains.kept,
                    _ => &mut remains.left,
                };
                to.push((step.place, step.records));
            }
        }
        // Sealed records whose key is gone say nothing, and still are to go.
        let mut orphans = 0_u64;
        for holder in self.shredded(subject).await? {
            orphans = orphans.saturating_add(self.vault.count(&holder).await?);
        }
        if orphans > 0 {
            let place = AUDIT_SIDE_RECORDS.name().to_string();
            match holds.holds_all(AUDIT_SIDE_RECORDS.name()) {
                true => remains.held.push((place, orphans)),
                false => remains.left.push((place, orphans)),
            }
        }
        Ok(remains)
    }

    /// Counts what is there about a person, place by place; places with nothing are left out.
    async fn survey(&self, subject: &Subject, holds: &Holds) -> Result<Vec<PlannedStep>> {
        let mut steps = Vec::new();
        for data in self.coverage.all().filter(|data| !data.finders.is_empty()) {
            let step = self.count(subject, holds, data).await?;
            steps.extend(Some(step).filter(|step| step.records + step.held > 0));
        }
        for source in &self.sources {
            let records = source.count(subject).await?;
            if records > 0 {
                steps.push(PlannedStep {
                    place: source.name().to_owned(),
                    action: "erase",
                    records,
                    held: 0,
                    reason: None,
                });
            }
        }
        Ok(steps)
    }

    async fn count(
        &self,
        subject: &Subject,
        holds: &Holds,
        data: &PersonalData,
    ) -> Result<PlannedStep> {
        let held = holds.within(&self.store, &self.vault, data).await?;
        let names = find::names(&self.vault, data, subject.ids()).await?;
        let is_sealed = matches!(data.erasure, OnErasure::Shred);
        let all_held = is_sealed && self.sealed_are_held(subject, holds).await?;
        let mut step = PlannedStep {
            place: data.collection.to_string(),
            action: data.erasure.as_str(),
            records: 0,
            held: 0,
            reason: match &data.erasure {
                OnErasure::Keep(reason) | OnErasure::Elsewhere(reason) => Some(reason.to_string()),
                _ => None,
            },
        };
        let mut pages = Pages::new(&self.store, data, &names);
        while let Some(page) = pages.next().await? {
            for record in page {
                match all_held || held.holds(&record.id) {
                    true => step.held = step.held.saturating_add(1),
                    false => step.records = step.records.saturating_add(1),
                }
            }
        }
        Ok(step)
    }
}
