//! Writing down what is agreed, once it would survive a loss of power.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::connector::{ConnectorName, FilePath, NamedConnector};
use crate::engine::journal::{Event, EventKind};
use crate::engine::transfer::Calls;
use crate::error::Result;
use crate::id::RunId;
use crate::permission::Actor;
use crate::storage::{Batch, JournalName, Store};

use super::book::Agreed;
use super::recovery::RecoveredFile;
use super::state::{Agreement, BaseRecord};

/// How many paths one journal event names.
const PATHS_AN_EVENT: usize = 48;

/// What waits to be written down.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) agreed: Vec<Agreed>,
    pub(super) recovered: Vec<RecoveredFile>,
    pub(super) done: Vec<Done>,
    /// Whose files have changed since the last time.
    pub(super) touched: BTreeSet<usize>,
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
const ACTS: EventKind = EventKind::new("sync.acts");

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
    /// One for peers; one for each target otherwise, in their order.
    pub(super) agreements: Vec<Agreement>,
    pub(super) calls: Calls,
}

impl Ledger {
    /// Waits until the places hold what they have said, then records it, in as few batches as it takes.
    pub(super) async fn write(
        &self,
        places: &[NamedConnector],
        pending: Pending,
        now: Timestamp,
    ) -> Result<()> {
        let touched = pending
            .touched
            .iter()
            .filter_map(|&index| places.get(index));
        try_join_all(touched.map(|place| async {
            let files = place.files()?;
            self.calls.repeat("sync.persist", || files.persist()).await
        }))
        .await?;
        let mut batch = Batch::new(now);
        for acts in pending.done.chunks(PATHS_AN_EVENT) {
            self.make_room(&mut batch, now).await?;
            self.tell(&mut batch, acts)?;
        }
        for recovered in &pending.recovered {
            self.make_room(&mut batch, now).await?;
            recovered.record(&mut batch)?;
        }
        let mut latest: std::collections::BTreeMap<_, BaseRecord> =
            std::collections::BTreeMap::new();
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
            let index = target.map_or(0, |target| target.get().saturating_sub(1));
            let Some(agreement) = self.agreements.get(index) else {
                continue;
            };
            self.make_room(&mut batch, now).await?;
            agreement.record(&mut batch, &path, record)?;
        }
        self.store.commit(batch).await.map(|_| ())
    }

    /// Adds to `batch` what the journal is told.
    pub(super) fn tell(&self, batch: &mut Batch, acts: &[Done]) -> Result<()> {
        let run = self.run;
        let event = Event::new(ACTS)
            .by(self.actor.clone())
            .with_data(&Acts { run, acts })?;
        batch.append(JournalName::main(), &event)?;
        Ok(())
    }

    async fn make_room(&self, batch: &mut Batch, now: Timestamp) -> Result<()> {
        if !batch.has_room(1) {
            self.store
                .commit(std::mem::replace(batch, Batch::new(now)))
                .await?;
        }
        Ok(())
    }
}
