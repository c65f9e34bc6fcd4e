//! A sync from listing to report.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::clock::{Clock, Timestamp};
use crate::connector::{ConnectorName, FilePath, NamedConnector};
use crate::engine::bandwidth::Bandwidth;
use crate::engine::journal::{Event, EventKind};
use crate::engine::transfer::Mover;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Chance, Ids, RunId};
use crate::permission::{Actor, Resource};
use crate::storage::{Batch, Fence, JournalName, Lease, Store};

use super::book::Book;
use super::conflicts::{self, Choice, OpenConflict};
use super::doubt;
use super::events::{SyncEvent, SyncEvents};
use super::execute::{Executed, Execution};
use super::ledger::Ledger;
use super::look::Prepared;
use super::operations;
use super::options::SyncOptions;
use super::plan::{Conflict, ConflictStrategy, Counts, Plan, Refusal, Relation};
use super::progress::Phase;
use super::recovery;
use super::report::{FailedFile, SyncReport};
use super::scan::Learned;
use super::state::Agreement;
use super::steps::Workshop;
use super::tally;
use super::turn;

/// Everything a sync needs from its surroundings.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Chance,
    pub(crate) bandwidth: Bandwidth,
    /// Who acts, for the journal.
    pub(crate) actor: Actor,
}

/// A sync of some places, ready to be planned and run.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(super) places: Arc<[NamedConnector]>,
    pub(super) names: Vec<ConnectorName>,
    pub(super) options: Arc<SyncOptions>,
    pub(super) environment: Environment,
    pub(super) agreements: Vec<Agreement>,
    pub(super) events: SyncEvents,
    pub(super) cancel: CancellationToken,
}

/// What a run is for.
#[derive(Clone, Copy, Debug)]
struct Task<'a> {
    /// The plan that was agreed on beforehand.
    agreed: Option<&'a Plan>,
    /// The one conflict that is to be settled, and how.
    chosen: Option<Settlement<'a>>,
}

/// What a person has seen, and chosen.
#[derive(Clone, Copy, Debug)]
struct Settlement<'a> {
    conflict: &'a OpenConflict,
    choice: &'a Choice,
}

impl Engine {
    /// Puts a sync together.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: fewer than two places, more than 64, or one twice.
    /// - [`ErrorKind::Unsupported`]: a place without files.
    pub(crate) fn new(
        places: Vec<NamedConnector>,
        options: SyncOptions,
        environment: Environment,
        events: SyncEvents,
        cancel: CancellationToken,
    ) -> Result<Self> {
        let fault = |message: &str| Error::new(ErrorKind::InvalidInput, "sync.new", message);
        if !(2..=64).contains(&places.len()) {
            return Err(fault("a sync needs 2 to 64 places").with_context("places", places.len()));
        }
        let names: Vec<ConnectorName> = places.iter().map(|place| place.name().clone()).collect();
        for (index, place) in places.iter().enumerate() {
            place.files()?;
            if names.iter().take(index).any(|name| name == place.name()) {
                return Err(fault("a place is named twice").with_context("place", place.name()));
            }
        }
        let name = options.name.as_deref();
        let refs: Vec<&ConnectorName> = names.iter().collect();
        let agreements = match (options.relation, refs.split_first()) {
            (Relation::Peers, _) | (_, None) => vec![Agreement::new(Relation::Peers, name, &refs)],
            (relation, Some((source, targets))) => {
                let pair =
                    |target: &&ConnectorName| Agreement::new(relation, name, &[source, target]);
                targets.iter().map(pair).collect()
            }
        };
        let mut environment = environment;
        environment.store = environment.store.with_patience(options.transfer.stall);
        let (places, options) = (places.into(), Arc::new(options));
        Ok(Self {
            places,
            names,
            options,
            environment,
            agreements,
            events,
            cancel,
        })
    }

    /// Looks at every place and works out what would be done. Changes nothing.
    pub(crate) async fn plan(&self) -> Result<Plan> {
        let mover = self.mover();
        let learned = BTreeMap::new();
        let in_doubt = doubt::is_due(&self.environment.store, &self.agreements).await?;
        let look = self.prepare(&mover, &learned, in_doubt, false);
        let prepared = look.instrument(tally::plan_span(&self.names)).await?;
        Ok(prepared.plan)
    }

    /// Reads the conflicts that wait for a person.
    pub(crate) async fn conflicts(&self) -> Result<Vec<OpenConflict>> {
        let Some(agreement) = self.agreements.first() else {
            return Ok(Vec::new());
        };
        conflicts::open(&self.environment.store, agreement).await
    }

    /// Carries out `agreed`, or whatever is to be done.
    pub(crate) async fn run(&self, agreed: Option<&Plan>) -> Result<SyncReport> {
        self.run_as(Task {
            agreed,
            chosen: None,
        })
        .await
    }

    /// Settles one conflict as a person has chosen, and touches nothing else.
    pub(crate) async fn resolve(&self, path: &FilePath, choice: Choice) -> Result<SyncReport> {
        let open = self.conflicts().await?;
        let conflict = open
            .into_iter()
            .find(|open| open.path == *path)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::NotFound,
                    "sync.resolve",
                    "no conflict waits at this path",
                )
                .with_context("path", path)
            })?;
        let mut engine = self.clone();
        let strategy = match &choice {
            Choice::KeepAll => ConflictStrategy::Duplicate,
            Choice::Merge => ConflictStrategy::Merge,
            Choice::Keep(place) => {
                engine.put_first(&conflict, place)?;
                ConflictStrategy::SourceWins
            }
        };
        let mut options = SyncOptions::clone(&self.options);
        options.strategy = ConflictStrategy::ManualReview;
        options.overrides = vec![Arc::new(conflicts::Chosen {
            path: path.clone(),
            strategy,
        })];
        engine.options = Arc::new(options);
        engine
            .run_as(Task {
                agreed: None,
                chosen: Some(Settlement {
                    conflict: &conflict,
                    choice: &choice,
                }),
            })
            .await
    }

    /// Puts the place whose version is to be kept before the others.
    fn put_first(&mut self, conflict: &OpenConflict, place: &ConnectorName) -> Result<()> {
        let fault = |message: &str| {
            Error::new(ErrorKind::InvalidInput, "sync.resolve", message)
                .with_context("place", place)
        };
        let mut versions = conflict
            .versions
            .iter()
            .flat_map(|version| &version.replicas);
        if !versions.any(|holder| holder == place) {
            return Err(fault("this place does not hold a version of the file"));
        }
        let index = self.names.iter().position(|name| name == place);
        let index = index.ok_or_else(|| fault("this place is not part of the sync"))?;
        if self.options.relation != Relation::Peers && index > 0 {
            return Err(fault(
                "a mirror or backup never writes to its source, so only the source's version can be kept",
            ));
        }
        let mut places: Vec<NamedConnector> = self.places.to_vec();
        places.get_mut(..=index).unwrap_or_default().rotate_right(1);
        self.names = places.iter().map(|place| place.name().clone()).collect();
        self.places = places.into();
        Ok(())
    }

    async fn run_as(&self, task: Task<'_>) -> Result<SyncReport> {
        let Environment { clock, chance, .. } = &self.environment;
        let run = RunId::generate(&Ids::new(Arc::clone(clock), chance.clone()));
        let begun = clock.elapsed();
        let span = tally::run_span(run, &self.names);
        let outcome = self.run_named(run, task).instrument(span).await;
        let telemetry = self.environment.store.telemetry();
        tally::finished(telemetry, &outcome, clock.elapsed().saturating_sub(begun));
        outcome
    }

    async fn run_named(&self, run: RunId, task: Task<'_>) -> Result<SyncReport> {
        let Environment { store, clock, .. } = &self.environment;
        let (started, begun) = (clock.now(), clock.elapsed());
        let mut leases = turn::take(store, clock, &self.agreements, run).await?;
        self.events.emit(SyncEvent::Started { run });
        let fences = leases.iter().map(Lease::fence).collect();
        let outcome = tokio::select! {
            biased;
            lost = turn::hold(&mut leases, &**clock) => Err(lost),
            outcome = self.rounds(run, started, task, fences) => outcome,
        };
        let released = turn::release(leases).await;
        let took = clock.elapsed().saturating_sub(begun);
        let failed = outcome
            .as_ref()
            .map_or(0, |report| report.failed.len() as u64);
        let finished = Finished {
            run,
            done: outcome
                .as_ref()
                .map(|report| report.done)
                .unwrap_or_default(),
            failed,
            error: outcome.as_ref().err().map(ToString::to_string),
        };
        let noted = self.note(FINISHED, &finished).await;
        self.events.emit(SyncEvent::Finished { run, took, failed });
        let mut report = outcome?;
        noted.and(released)?;
        report.took = took;
        Ok(report)
    }

    /// Lists, plans and carries out, as often as it takes to come to rest.
    async fn rounds(
        &self,
        run: RunId,
        started: Timestamp,
        task: Task<'_>,
        fences: Vec<Fence>,
    ) -> Result<SyncReport> {
        let Environment { store, clock, .. } = &self.environment;
        let places = &self.names;
        self.note(STARTED, &Started { run, places }).await?;
        if let Some(chosen) = task.chosen {
            let (path, choice) = (&chosen.conflict.path, chosen.choice);
            self.note(CHOSEN, &Chosen { run, path, choice }).await?;
        }
        let mover = self.mover();
        let ledger = Arc::new(Ledger {
            store: store.clone(),
            run,
            actor: self.environment.actor.clone(),
            relation: self.options.relation,
            fences,
            agreements: self.agreements.clone(),
            calls: mover.calls().to_the_end(),
        });
        self.events.emit(SyncEvent::Phase {
            phase: Phase::Resume,
        });
        let operations::Finished {
            steps: resumed,
            mut failed,
            left_alone: mut given_up,
        } = operations::finish(&ledger, &self.places, mover.calls(), clock.now()).await?;
        let in_doubt = doubt::is_due(store, &self.agreements).await?;
        let mut learned: BTreeMap<usize, Learned> = BTreeMap::new();
        let mut done = Counts::default();
        let mut unsafe_places: BTreeMap<usize, Error> = BTreeMap::new();
        let mut met: BTreeMap<FilePath, Vec<Conflict>> = BTreeMap::new();
        let mut round = 0;
        loop {
            round += 1;
            let prepared = self.prepare(&mover, &learned, in_doubt, true).await?;
            let Prepared {
                world,
                mut plan,
                mut replicas,
            } = prepared;
            if let Some(Settlement { conflict, .. }) = task.chosen {
                if round == 1 && !conflicts::is_as_seen(conflict, &plan, &world, &self.names) {
                    return Err(Error::new(
                        ErrorKind::Conflict,
                        "sync.resolve",
                        "the file has changed since this conflict was found; run the sync again",
                    )
                    .with_context("path", &conflict.path));
                }
                conflicts::narrow(&mut plan, &conflict.path);
            }
            if round == 1 && task.agreed.is_some_and(|agreed| *agreed != plan) {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "sync.apply",
                    "the world has moved on since this plan was made; make a new one",
                ));
            }
            if !plan.refused.is_empty() {
                return Err(refused(&plan));
            }
            let plan = Arc::new(plan);
            if !plan.actions.is_empty() {
                for agreements in self.agreements.chunks(Batch::MAX) {
                    let mut batch = Batch::new(clock.now());
                    doubt::begin(&mut batch, agreements, run, started)?;
                    store.commit(batch).await?;
                }
            }
            let executed = Execution {
                plan: Arc::clone(&plan),
                book: Book::new(world.clone(), &plan, self.names.clone()),
                workshop: Arc::new(Workshop {
                    places: Arc::clone(&self.places),
                    mover: mover.clone(),
                    merger: self.options.merger.clone(),
                    run,
                    now: clock.now(),
                }),
                ledger: Arc::clone(&ledger),
                names: &self.names,
                clock: &**clock,
                events: &self.events,
                given_up: &given_up,
            }
            .run()
            .await?;
            add(&mut done, executed.done);
            unsafe_places.extend(executed.unsafe_places);
            // What an earlier round has settled is no conflict any more, but was one.
            let mut latest: BTreeMap<FilePath, Vec<Conflict>> = BTreeMap::new();
            for conflict in &plan.conflicts {
                latest
                    .entry(conflict.path.clone())
                    .or_default()
                    .push(conflict.clone());
            }
            met.extend(latest);
            let Executed {
                failed: new,
                moved_on,
                learned: hashed,
                ..
            } = executed;
            // A plan that was agreed on is carried out, not followed by another that nobody has seen.
            let again = task.agreed.is_none()
                && (!moved_on.is_empty() || !hashed.is_empty())
                && round < self.options.rounds;
            for (replica, hashed) in hashed {
                learned.entry(replica).or_default().extend(hashed);
            }
            given_up.extend(new.iter().map(|failed| failed.path.clone()));
            failed.extend(new);
            if again {
                continue;
            }
            failed.extend(moved_on.into_iter().map(restless));
            let agreement = self.agreement()?;
            let now = clock.now();
            match task.chosen {
                Some(Settlement { conflict, .. }) if failed.is_empty() => {
                    conflicts::close(store, agreement, &conflict.path, now).await?;
                }
                Some(_) => {}
                None => {
                    conflicts::record(store, agreement, &plan, &world, &self.names, run, now)
                        .await?;
                }
            }
            let until = Timestamp::from_millis(
                now.as_millis()
                    .saturating_sub(millis(self.options.keep_recovered)),
            );
            recovery::prune(&ledger, &self.places, mover.calls(), now, until).await?;
            if unsafe_places.is_empty() && given_up.is_empty() {
                for agreements in self.agreements.chunks(Batch::MAX) {
                    let mut batch = Batch::new(now);
                    doubt::end(&mut batch, agreements)?;
                    store.commit(batch).await?;
                }
            }
            let plan = Arc::unwrap_or_clone(plan);
            for (index, error) in unsafe_places {
                if let Some(replica) = replicas.get_mut(index) {
                    replica.not_safe = Some(error);
                }
            }
            return Ok(SyncReport {
                run,
                started,
                took: Duration::ZERO,
                rounds: round,
                replicas,
                done,
                bytes_read: mover.meter().read(),
                resumed,
                conflicts: met.into_values().flatten().collect(),
                kept: plan.kept.clone(),
                failed,
                plan,
            });
        }
    }

    fn mover(&self) -> Mover {
        let Environment {
            store,
            clock,
            chance,
            bandwidth,
            ..
        } = &self.environment;
        Mover::new(
            self.options.transfer.clone(),
            store.clone(),
            Arc::clone(clock),
            chance.clone(),
            bandwidth.clone(),
            self.cancel.clone(),
        )
    }

    fn agreement(&self) -> Result<&Agreement> {
        self.agreements.first().ok_or_else(|| {
            Error::new(
                ErrorKind::Unexpected,
                "sync.run",
                "a sync without an agreement",
            )
        })
    }

    async fn note(&self, kind: EventKind, data: &(impl Serialize + Sync)) -> Result<()> {
        let event = Event::new(kind)
            .by(self.environment.actor.clone())
            .about(Resource::new("sync", self.agreement()?.as_str()))
            .with_data(data)?;
        let mut batch = Batch::new(self.environment.clock.now());
        batch.append(JournalName::main(), &event)?;
        self.environment.store.commit(batch).await.map(|_| ())
    }
}

/// What the journal is told of a run.
const STARTED: EventKind = EventKind::new("sync.started");
const FINISHED: EventKind = EventKind::new("sync.finished");
const CHOSEN: EventKind = EventKind::new("sync.chosen");

#[derive(Serialize)]
struct Chosen<'a> {
    run: RunId,
    path: &'a FilePath,
    choice: &'a Choice,
}

#[derive(Serialize)]
struct Started<'a> {
    run: RunId,
    places: &'a [ConnectorName],
}

#[derive(Serialize)]
struct Finished {
    run: RunId,
    done: Counts,
    failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

fn refused(plan: &Plan) -> Error {
    let guards: Vec<String> = plan
        .refused
        .iter()
        .map(|refusal| guard(plan, *refusal))
        .collect();
    Error::new(
        ErrorKind::Refused,
        "sync.run",
        "a guard refused the plan; nothing of it was done",
    )
    .with_context("guard", guards.join("; "))
}

fn guard(plan: &Plan, refusal: Refusal) -> String {
    match refusal {
        Refusal::EmptyReplica { replica } => {
            format!(
                "{} lists nothing, though it held files before",
                plan.name(replica)
            )
        }
        Refusal::DeleteLimit { replica, files } => {
            format!("{files} files would be deleted on {}", plan.name(replica))
        }
        Refusal::ChangeLimit { replica, files } => {
            format!("{files} files would be replaced on {}", plan.name(replica))
        }
    }
}

fn restless(path: FilePath) -> FailedFile {
    let error = Error::new(
        ErrorKind::Changed,
        "sync.run",
        "the file kept changing; try again later",
    );
    FailedFile::new(path, Phase::Plan, error)
}

pub(super) fn stopped(cause: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Unexpected, "sync.run", "a task was stopped").with_source(cause)
}

fn add(all: &mut Counts, more: Counts) {
    all.verify += more.verify;
    all.recover += more.recover;
    all.rename += more.rename;
    all.copy += more.copy;
    all.merge += more.merge;
    all.delete += more.delete;
    all.agree += more.agree;
    all.bytes += more.bytes;
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
