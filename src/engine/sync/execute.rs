//! Carrying out a plan, phase by phase, many files at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::connector::{ConnectorName, FilePath};
use crate::engine::transfer::cancelled;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, Precondition, RecordId};

use super::book::{Book, Effects, paths};
use super::events::{SyncEvent, SyncEvents};
use super::ledger::{Done, INTENDED, Ledger, PATHS_AN_EVENT, Pending};
use super::operations::{self, OperationRecord, SYNC_OPERATIONS};
use super::plan::{Action, Counts, Plan, ReplicaIndex, ReplicaSet};
use super::progress::{Phase, Progress, Rates, TICK, eta};
use super::report::FailedFile;
use super::scan::Learned;
use super::steps::{Outcome, Site, Workshop};

/// How many actions are under way at once; how many files really move is bounded by each place.
const AT_ONCE: usize = 32;
/// How many things may wait to be written down.
const WRITE_AFTER: usize = 2_000;
/// How long things may wait to be written down, in ticks.
const WRITE_TICKS: u32 = 10;

/// What carrying out came to.
#[derive(Debug, Default)]
pub(super) struct Executed {
    pub(super) done: Counts,
    pub(super) failed: Vec<FailedFile>,
    /// Files that were not any more what they were when they were listed.
    pub(super) moved_on: Vec<FilePath>,
    /// Places of which nobody knows whether they hold what they were given, and why.
    pub(super) unsafe_places: BTreeMap<usize, Error>,
    /// What was hashed, by replica.
    pub(super) learned: BTreeMap<usize, Learned>,
}

/// A plan being carried out.
pub(super) struct Execution<'a> {
    pub(super) plan: Arc<Plan>,
    pub(super) book: Book,
    pub(super) workshop: Arc<Workshop>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) names: &'a [ConnectorName],
    pub(super) clock: &'a dyn Clock,
    pub(super) events: &'a SyncEvents,
    /// Files that are left alone, because they failed earlier in this run.
    pub(super) given_up: &'a std::collections::BTreeSet<FilePath>,
}

/// What changes while a plan is carried out.
struct Under {
    executed: Executed,
    pending: Pending,
    /// Announced operations that have happened everywhere.
    settled: Vec<RecordId>,
    writing: JoinSet<Result<BTreeMap<usize, Error>>>,
    rates: Rates,
    items: u64,
    bytes_before: u64,
    waited: u32,
}

impl Execution<'_> {
    /// Carries out the plan. Actions that fail are told in the result; an error ends the run.
    pub(super) async fn run(mut self) -> Result<Executed> {
        let mut under = Under {
            executed: Executed::default(),
            pending: Pending::default(),
            settled: Vec::new(),
            writing: JoinSet::new(),
            rates: Rates::new(),
            items: 0,
            bytes_before: self.workshop.mover.meter().written(),
            waited: 0,
        };
        let plan = Arc::clone(&self.plan);
        let mut rest = plan.actions.as_slice();
        let mut outcome = Ok(());
        while let Some(first) = rest.first() {
            let phase = phase(first);
            let length = rest
                .iter()
                .take_while(|action| self::phase(action) == phase)
                .count();
            let (now, later) = rest.split_at(length);
            rest = later;
            outcome = self
                .run_phase(
                    phase,
                    now,
                    plan.actions.len() - later.len() - length,
                    &mut under,
                )
                .await;
            if outcome.is_err() {
                break;
            }
        }
        // What was done is written down even if the run ends early.
        let written = self.drain(&mut under).await;
        outcome.and(written)?;
        Ok(under.executed)
    }

    async fn run_phase(
        &mut self,
        phase: Phase,
        actions: &[Action],
        offset: usize,
        under: &mut Under,
    ) -> Result<()> {
        self.events.emit(SyncEvent::Phase { phase });
        if matches!(phase, Phase::Rename | Phase::Delete) {
            self.announce(actions).await?;
        }
        let cancel = self.workshop.mover.calls().cancel.clone();
        let mut tasks: JoinSet<(usize, Outcome)> = JoinSet::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut waiting = (offset..).zip(actions).peekable();
        under.items = 0;
        loop {
            while tasks.len() < AT_ONCE
                && under.pending.len() < 2 * WRITE_AFTER
                && !cancel.is_cancelled()
                && let Some((index, action)) = waiting.next()
            {
                self.begin(index, action, &mut tasks, under);
            }
            self.write_soon(under);
            let over = waiting.peek().is_none() || cancel.is_cancelled();
            if tasks.is_empty() && over {
                break;
            }
            tokio::select! {
                Some(ended) = tasks.join_next() => self.end(ended, under)?,
                Some(written) = under.writing.join_next() => under.note(written)?,
                _ = tick.tick() => self.tick(phase, actions.len(), under),
            }
        }
        self.tell(phase, actions.len(), under);
        if cancel.is_cancelled() {
            Err(cancelled("sync.run"))
        } else {
            Ok(())
        }
    }

    /// Starts an action, unless an earlier one on its path has failed.
    fn begin(
        &mut self,
        index: usize,
        action: &Action,
        tasks: &mut JoinSet<(usize, Outcome)>,
        under: &mut Under,
    ) {
        if self.is_left_alone(action) {
            under.items += 1;
            self.book.close(action, Effects::default(), false);
            return;
        }
        if let Action::Agree { .. } = action {
            under.items += 1;
            under.executed.done.agree += 1;
            under
                .pending
                .agreed
                .extend(self.book.close(action, Effects::default(), true));
            return;
        }
        let sites = self.sites(action);
        let (workshop, plan) = (Arc::clone(&self.workshop), Arc::clone(&self.plan));
        let work = async move {
            let outcome = match plan.actions.get(index) {
                Some(action) => workshop.carry_out(action, &sites).await,
                None => Outcome::default(),
            };
            (index, outcome)
        };
        tasks.spawn(work.in_current_span());
    }

    /// Tells whether something on the action's paths has failed before.
    fn is_left_alone(&self, action: &Action) -> bool {
        let given_up = paths(action).any(|path| self.given_up.contains(path));
        given_up || self.book.is_spoiled(action)
    }

    fn sites(&self, action: &Action) -> Vec<Site> {
        let (path, mut replicas) = (action.path(), action.replicas());
        match action {
            Action::Copy { from, .. } => replicas.insert(*from),
            Action::Merge { from, .. } => replicas = replicas.or(*from),
            _ => {}
        }
        let site = |replica| match self.book.current(path, replica) {
            Some(entry) => Site {
                replica,
                path: entry.path,
                version: Some(entry.version),
            },
            None => Site {
                replica,
                path: self.book.spelled(path, replica),
                version: None,
            },
        };
        replicas.iter().map(site).collect()
    }

    /// Takes in an action that has ended.
    fn end(
        &mut self,
        ended: std::result::Result<(usize, Outcome), JoinError>,
        under: &mut Under,
    ) -> Result<()> {
        let (index, outcome) = ended.map_err(|cause| {
            Error::new(ErrorKind::Unexpected, "sync.run", "an action was stopped")
                .with_source(cause)
        })?;
        let Some(action) = self.plan.actions.get(index) else {
            return Ok(());
        };
        under.items += 1;
        let done = outcome.errors.is_empty();
        count(&mut under.executed.done, action, &outcome);
        if outcome.changed > 0 && !matches!(action, Action::Verify { .. }) {
            let now = &outcome.effects.now;
            let on = now.iter().map(|(_, replica, _)| *replica).collect();
            under.pending.done.push(self.act(action, on));
        }
        if let Some(operation) = self.operation(action)?
            && done
        {
            under.settled.push(operation);
        }
        for (replica, learned) in outcome.learned {
            under
                .executed
                .learned
                .entry(replica.get())
                .or_default()
                .extend(learned);
        }
        under.pending.recovered.extend(outcome.recovered);
        let agreed = self.book.close(action, outcome.effects, done);
        under.pending.agreed.extend(agreed);
        let mut moved_on = false;
        for error in outcome.errors {
            if error.kind() == ErrorKind::Cancelled {
                continue;
            }
            if is_moved_on(&error) {
                moved_on = true;
                tracing::debug!(path = %action.path(), error = %error, "the file has changed");
                continue;
            }
            let path = action.path().clone();
            self.events.emit(SyncEvent::Failed {
                path: path.clone(),
                phase: phase(action),
                kind: error.kind(),
                message: error.to_string(),
            });
            under
                .executed
                .failed
                .push(FailedFile::new(path, phase(action), error));
        }
        if moved_on {
            let path = action.path().clone();
            self.events
                .emit(SyncEvent::Replanned { path: path.clone() });
            under.executed.moved_on.push(path);
        }
        Ok(())
    }

    /// An action as the journal tells it, where it has happened, or will.
    fn act(&self, action: &Action, on: ReplicaSet) -> Done {
        let name = |replica: ReplicaIndex| self.names.get(replica.get()).cloned();
        Done {
            action: phase(action).name(),
            path: action.path().clone(),
            new_path: new_path(action).cloned(),
            from: match action {
                Action::Copy { from, .. } => name(*from),
                _ => None,
            },
            on: action.replicas().and(on).iter().filter_map(name).collect(),
        }
    }

    /// Names the record under which an action is announced; `None` for those that are not.
    fn operation(&self, action: &Action) -> Result<Option<RecordId>> {
        let Some(agreement) = self.ledger.agreements.first() else {
            return Ok(None);
        };
        match action {
            Action::Rename { path, new_path, .. } => {
                operations::id(agreement, path, Some(new_path)).map(Some)
            }
            Action::Delete { path, .. } => operations::id(agreement, path, None).map(Some),
            _ => Ok(None),
        }
    }

    /// Writes down which renames and deletes are about to happen, so that one that stops half way
    /// is finished, and nobody takes its traces for somebody else's doing.
    async fn announce(&self, actions: &[Action]) -> Result<()> {
        let now = self.clock.now();
        for actions in actions.chunks(PATHS_AN_EVENT) {
            let mut batch = Batch::new(now);
            let mut intended = Vec::new();
            for action in actions {
                let Some(id) = self.operation(action)? else {
                    continue;
                };
                if self.is_left_alone(action) {
                    continue;
                }
                let places = self.sites(action).into_iter().filter_map(|site| {
                    let name = self.names.get(site.replica.get())?.clone();
                    Some((name, site.path, site.version?))
                });
                let record = OperationRecord {
                    run: self.workshop.run,
                    begun: now,
                    path: action.path().clone(),
                    new_path: new_path(action).cloned(),
                    places: places.collect(),
                };
                batch.put(&SYNC_OPERATIONS, id, &record)?;
                intended.push(self.act(action, action.replicas()));
            }
            if !intended.is_empty() {
                self.ledger.tell(&mut batch, INTENDED, &intended)?;
            }
            self.ledger.store.commit(batch).await?;
        }
        Ok(())
    }

    fn tick(&self, phase: Phase, total: usize, under: &mut Under) {
        if under.pending.len() > 0 {
            under.waited += 1;
        }
        self.tell(phase, total, under);
    }

    fn tell(&self, phase: Phase, total: usize, under: &mut Under) {
        let bytes = self
            .workshop
            .mover
            .meter()
            .written()
            .saturating_sub(under.bytes_before);
        let (bytes_per_second, items_per_second) =
            under.rates.update(self.clock.elapsed(), bytes, under.items);
        let mut progress = Progress {
            phase,
            items: under.items,
            total_items: Some(total as u64),
            bytes,
            total_bytes: self.plan.counts.bytes,
            bytes_per_second,
            items_per_second,
            eta: None,
        };
        progress.eta = eta(&progress);
        self.events.emit(SyncEvent::Progress(progress));
    }

    /// Begins to write down what waits, if it is much or waits long, and nothing is being written.
    fn write_soon(&self, under: &mut Under) {
        let due = under.pending.len() >= WRITE_AFTER || under.waited >= WRITE_TICKS;
        if due && under.writing.is_empty() && under.pending.len() > 0 {
            self.write(under);
        }
    }

    fn write(&self, under: &mut Under) {
        under.waited = 0;
        let pending = std::mem::take(&mut under.pending);
        let (ledger, places) = (Arc::clone(&self.ledger), Arc::clone(&self.workshop.places));
        let now = self.clock.now();
        let write = async move { ledger.write(&places, pending, now).await };
        under.writing.spawn(write.in_current_span());
    }

    /// Writes down everything that waits, and takes back the announcements of what is done.
    async fn drain(&self, under: &mut Under) -> Result<()> {
        while let Some(written) = under.writing.join_next().await {
            under.note(written)?;
        }
        if under.pending.len() > 0 {
            self.write(under);
        }
        while let Some(written) = under.writing.join_next().await {
            under.note(written)?;
        }
        let now = self.clock.now();
        for settled in std::mem::take(&mut under.settled).chunks(Batch::MAX) {
            let mut batch = Batch::new(now);
            for id in settled {
                batch.delete(&SYNC_OPERATIONS, id.clone(), Precondition::Any);
            }
            self.ledger.store.commit(batch).await?;
        }
        Ok(())
    }
}

impl Under {
    fn note(&mut self, written: Written) -> Result<()> {
        let unsafe_places = written.map_err(|cause| {
            Error::new(
                ErrorKind::Unexpected,
                "sync.record",
                "recording was stopped",
            )
            .with_source(cause)
        })??;
        self.executed.unsafe_places.extend(unsafe_places);
        Ok(())
    }
}

/// What came of writing down.
type Written = std::result::Result<Result<BTreeMap<usize, Error>>, JoinError>;

fn new_path(action: &Action) -> Option<&FilePath> {
    match action {
        Action::Rename { new_path, .. } => Some(new_path),
        _ => None,
    }
}

/// Tells whether the world has moved on since it was listed, so that the file is planned again.
fn is_moved_on(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Changed | ErrorKind::Conflict | ErrorKind::NotFound | ErrorKind::AlreadyExists
    )
}

fn phase(action: &Action) -> Phase {
    match action {
        Action::Verify { .. } => Phase::Verify,
        Action::Recover { .. } => Phase::Recover,
        Action::Rename { .. } => Phase::Rename,
        Action::Copy { .. } => Phase::Copy,
        Action::Merge { .. } => Phase::Merge,
        Action::Delete { .. } => Phase::Delete,
        Action::Agree { .. } => Phase::Agree,
    }
}

fn count(done: &mut Counts, action: &Action, outcome: &Outcome) {
    let (changed, counter) = match action {
        Action::Verify { .. } => (u64::from(outcome.changed > 0), &mut done.verify),
        Action::Recover { why, .. } => {
            if *why == super::plan::RecoverReason::Delete {
                done.delete += outcome.changed;
            }
            (outcome.changed, &mut done.recover)
        }
        Action::Rename { .. } => (outcome.changed, &mut done.rename),
        Action::Copy { .. } => (outcome.changed, &mut done.copy),
        Action::Merge { .. } => (outcome.changed, &mut done.merge),
        Action::Delete { .. } => (outcome.changed, &mut done.delete),
        Action::Agree { .. } => (1, &mut done.agree),
    };
    *counter += changed;
    if matches!(action, Action::Copy { .. }) {
        done.bytes += outcome.bytes;
    }
}
