//! Writing down what is agreed, once it would survive a loss of power.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::connector::{ConnectorName, FilePath, NamedConnector};
use crate::engine::journal::{Event, EventKind};
use crate::engine::transfer::Calls;
use crate::error::{Error, Result};
use crate::id::RunId;
use crate::permission::Actor;
use crate::storage::{Batch, Fence, JournalName, Store};

use super::book::Agreed;
use super::plan::Relation;
use super::recovery::RecoveredFile;
use super::state::{Agreement, BaseRecord};

/// How many paths one journal event names.
pub(super) const PATHS_AN_EVENT: usize = 30;

/// What waits to be written down.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) agreed: Vec<Agreed>,
    pub(super) recovered: Vec<RecoveredFile>,
    pub(super) done: Vec<Done>,
}

/// One act, as the journal tells it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Done {
    #[serde(rename = "do")]
    pub(super) action: &'static str,
    pub(super) path: FilePath,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) new_path: Option<FilePath>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<ConnectorName>,
    pub(super) on: Vec<ConnectorName>,
}

/// What the journal is told of what a run has done.
pub(super) const ACTS: EventKind = EventKind::new("sync.acts");
/// What the journal is told of what a run is about to do and cannot take back.
pub(super) const INTENDED: EventKind = EventKind::new("sync.intended");

#[derive(Serialize)]
struct Acts<'a> {
    run: RunId,
    acts: &'a [Done],
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.agreed.len() + self.recovered.len() + self.done.len()
    }
}

/// Writes down what is pending.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) store: Store,
    pub(super) run: RunId,
    pub(super) actor: Actor,
    pub(super) relation: Relation,
    /// What holds every record to this run still being the one that may write it.
    pub(super) fences: Vec<Fence>,
    /// One for peers; one for each target otherwise, in their order.
    pub(super) agreements: Vec<Agreement>,
    pub(super) calls: Calls,
}

impl Ledger {
    /// Waits until the places hold for good what they have said, then records it, in as few batches
    /// as it takes.
    ///
    /// What was done is recorded in any case, and what is gone is forgotten. What is there is
    /// remembered only where it would survive a loss of power: otherwise a file lost with the power
    /// would look like one that somebody deleted. Returns the places that could not promise it.
    pub(super) async fn write(
        &self,
        places: &[NamedConnector],
        pending: Pending,
        now: Timestamp,
    ) -> Result<BTreeMap<usize, Error>> {
        let unsafe_places = self.persist(places, &pending.agreed).await?;
        let mut batch = self.batch(now);
        for acts in pending.done.chunks(PATHS_AN_EVENT) {
            self.make_room(&mut batch, now).await?;
            self.tell(&mut batch, ACTS, acts)?;
        }
        for recovered in &pending.recovered {
            self.make_room(&mut batch, now).await?;
            recovered.record(&mut batch)?;
        }
        let mut latest: BTreeMap<_, BaseRecord> = BTreeMap::new();
        for Agreed {
            target,
            path,
            record,
        } in pending.agreed
        {
            // Of several rounds, the last one counts; a batch may name a record only once.
            latest.insert((path, target), record);
        }
        for ((path, target), record) in latest {
            let names_one = |index: &usize| {
                let place = places.get(*index);
                place.is_some_and(|place| record.held.contains_key(place.name()))
            };
            if unsafe_places.keys().any(names_one) {
                continue;
            }
            let index = target.map_or(0, |target| target.get().saturating_sub(1));
            let Some(agreement) = self.agreements.get(index) else {
                continue;
            };
            self.make_room(&mut batch, now).await?;
            agreement.record(&mut batch, &path, record)?;
        }
        self.store.commit(batch).await?;
        Ok(unsafe_places)
    }

    /// Begins a batch that is committed only while this run is the one that may write.
    pub(super) fn batch(&self, now: Timestamp) -> Batch {
        let mut batch = Batch::new(now);
        self.fences.iter().for_each(|fence| fence.guard(&mut batch));
        batch
    }

    /// Asks every place that an agreement names to hold what it has.
    ///
    /// Asked once only: a disk that has failed to write says so a single time.
    async fn persist(
        &self,
        places: &[NamedConnector],
        agreed: &[Agreed],
    ) -> Result<BTreeMap<usize, Error>> {
        let named: BTreeSet<&ConnectorName> = agreed
            .iter()
            .flat_map(|agreed| agreed.record.held.keys())
            .collect();
        let asked = (0..)
            .zip(places)
            .filter(|(_, place)| named.contains(place.name()));
        let answers = join_all(asked.map(|(index, place)| async move {
            let files = place.files()?;
            let held = self.calls.long("sync.persist", files.persist()).await;
            Ok((index, held.err()))
        }));
        let answers: Vec<(usize, Option<Error>)> =
            answers.await.into_iter().collect::<Result<_>>()?;
        Ok(answers
            .into_iter()
            .filter_map(|(index, error)| Some((index, error?)))
            .collect())
    }

    /// Adds to `batch` that nothing is agreed on `path` any more with those that are `named`.
    pub(super) async fn forget(
        &self,
        batch: &mut Batch,
        places: &[NamedConnector],
        path: &FilePath,
        named: &[&ConnectorName],
        now: Timestamp,
    ) -> Result<()> {
        let mut indexes: BTreeSet<usize> = match self.relation {
            Relation::Peers => BTreeSet::from([0]),
            _ => BTreeSet::new(),
        };
        if self.relation != Relation::Peers {
            let place = |name: &&ConnectorName| places.iter().position(|p| p.name() == *name);
            let targets = named.iter().filter_map(place);
            indexes.extend(targets.filter_map(|index| index.checked_sub(1)));
        }
        let agreements = indexes
            .into_iter()
            .filter_map(|index| self.agreements.get(index));
        for agreement in agreements {
            self.make_room(batch, now).await?;
            agreement.record(batch, path, BaseRecord::default())?;
        }
        Ok(())
    }

    /// Adds to `batch` what the journal is told.
    pub(super) fn tell(&self, batch: &mut Batch, kind: EventKind, acts: &[Done]) -> Result<()> {
        let run = self.run;
        let event = Event::new(kind)
            .by(self.actor.clone())
            .with_data(&Acts { run, acts })?;
        batch.append(JournalName::main(), &event)?;
        Ok(())
    }

    pub(super) async fn make_room(&self, batch: &mut Batch, now: Timestamp) -> Result<()> {
        if !batch.has_room(1) {
            self.store
                .commit(std::mem::replace(batch, self.batch(now)))
                .await?;
        }
        Ok(())
    }
}
