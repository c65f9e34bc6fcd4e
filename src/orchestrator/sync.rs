//! Asking for a sync.

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument as _;

use crate::connector::FilePath;
use crate::engine::sync::{
    Choice, ConflictStrategy, Engine, OpenConflict, Plan, Relation, SyncEventStream, SyncEvents,
    SyncOptions, SyncReport,
};
use crate::error::{Error, ErrorKind, Result};
use crate::permission::{Action, Resource};

use super::handle::Organization;

const PLAN: Action = Action::new("sync.plan");
const RUN: Action = Action::new("sync.run");
const RESOLVE: Action = Action::new("sync.resolve");

/// A sync to be planned or run: which places, in which relation, and how.
///
/// Places come in order: the first is the source of a mirror or backup, and ties are settled in favour of the earlier.
/// [`to`](SyncRequest::to) names a target of a one-way sync (a backup, unless
/// [`relation`](SyncRequest::relation) says otherwise), [`with`](SyncRequest::with) a peer.
#[derive(Clone, Debug)]
pub struct SyncRequest {
    organization: Organization,
    places: Vec<String>,
    one_way: bool,
    relation: Option<Relation>,
    options: SyncOptions,
}

impl SyncRequest {
    pub(super) fn new(organization: Organization, first: &str) -> Self {
        Self {
            organization,
            places: vec![first.into()],
            one_way: false,
            relation: None,
            options: SyncOptions::default(),
        }
    }

    /// Adds a target. Files go from the first place to it, and nothing comes back.
    #[must_use]
    pub fn to(mut self, target: &str) -> Self {
        self.places.push(target.into());
        self.one_way = true;
        self
    }

    /// Adds a peer. Files go both ways.
    #[must_use]
    pub fn with(mut self, peer: &str) -> Self {
        self.places.push(peer.into());
        self
    }

    /// Sets how the places stand to each other; otherwise it follows from [`to`](Self::to) and [`with`](Self::with).
    #[must_use]
    pub fn relation(mut self, relation: Relation) -> Self {
        self.relation = Some(relation);
        self
    }

    /// Sets what settles conflicts. By default they are left to a person.
    #[must_use]
    pub fn on_conflict(mut self, strategy: ConflictStrategy) -> Self {
        self.options.strategy = strategy;
        self
    }

    /// Sets everything else. [`SyncOptions::relation`] is not taken from here.
    #[must_use]
    pub fn options(mut self, options: SyncOptions) -> Self {
        self.options = options;
        self
    }

    /// Works out what would be done, and changes nothing.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`], [`ErrorKind::InvalidInput`]: the places cannot be synced.
    /// - [`ErrorKind::Denied`]: the actor may not see them.
    /// - Those of the database. A place that cannot be listed is not an error: see
    ///   [`SyncReport::replicas`].
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn plan(&self) -> Result<Plan> {
        self.authorize(&PLAN).await?;
        self.engine(&SyncEvents::new(), CancellationToken::new())?
            .plan()
            .await
    }

    /// Plans, carries it out and reports.
    ///
    /// A file that fails stops no other; see [`SyncReport::failed`].
    ///
    /// # Errors
    /// - As [`plan`](Self::plan).
    /// - [`ErrorKind::Refused`]: a guard refused the plan; nothing was done.
    /// - [`ErrorKind::Locked`]: another run of this sync is at it.
    ///
    /// # Cancel safety
    ///
    /// After a drop every file is whole, and the next run goes on from there. It may have to wait
    /// half a minute for this one's lease to run out; [`start`](Self::start) and
    /// [`SyncRun::cancel`] end it in order.
    pub async fn run(&self) -> Result<SyncReport> {
        self.authorize(&RUN).await?;
        self.engine(&SyncEvents::new(), CancellationToken::new())?
            .run(None)
            .await
    }

    /// Carries out a plan made earlier, if the world is still what it was made from.
    ///
    /// # Errors
    /// - [`ErrorKind::Conflict`]: the world has moved on; nothing was done.
    /// - As [`run`](Self::run).
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run).
    pub async fn apply(&self, plan: &Plan) -> Result<SyncReport> {
        self.authorize(&RUN).await?;
        self.engine(&SyncEvents::new(), CancellationToken::new())?
            .run(Some(plan))
            .await
    }

    /// Starts a run, or with `plan` the carrying out of a plan made earlier, that tells its events.
    ///
    /// # Errors
    /// As [`plan`](Self::plan) for the places and the actor. Everything later is told by [`SyncRun::report`].
    pub async fn start(&self, plan: Option<Plan>) -> Result<SyncRun> {
        self.authorize(&RUN).await?;
        let (events, cancel) = (SyncEvents::new(), CancellationToken::new());
        let stream = events.subscribe();
        let engine = self.engine(&events, cancel.clone())?;
        drop(events);
        let run = async move { engine.run(plan.as_ref()).await };
        let task = tokio::spawn(run.in_current_span());
        Ok(SyncRun {
            events: stream,
            task,
            cancel: cancel.clone(),
            _guard: cancel.drop_guard(),
        })
    }

    /// Returns the conflicts of this sync that wait for a person, by path.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub async fn conflicts(&self) -> Result<Vec<OpenConflict>> {
        self.authorize(&PLAN).await?;
        self.engine(&SyncEvents::new(), CancellationToken::new())?
            .conflicts()
            .await
    }

    /// Settles one conflict as a person has chosen.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no conflict waits at `path`.
    /// - [`ErrorKind::InvalidInput`]: the chosen place does not hold a version of it.
    /// - As [`run`](Self::run).
    pub async fn resolve(&self, path: &FilePath, choice: Choice) -> Result<SyncReport> {
        self.authorize(&RESOLVE).await?;
        self.engine(&SyncEvents::new(), CancellationToken::new())?
            .resolve(path, choice)
            .await
    }

    fn engine(&self, events: &SyncEvents, cancel: CancellationToken) -> Result<Engine> {
        let places = self
            .places
            .iter()
            .map(|name| self.organization.account(name))
            .collect::<Result<_>>()?;
        let implied = if self.one_way {
            Relation::Backup
        } else {
            Relation::Peers
        };
        let options = self
            .options
            .clone()
            .with_relation(self.relation.unwrap_or(implied));
        let environment = self.organization.environment();
        Engine::new(places, options, environment, events.clone(), cancel)
    }

    async fn authorize(&self, action: &Action) -> Result<()> {
        let resources: Vec<Resource> = self
            .places
            .iter()
            .map(|name| Resource::new("connector", name))
            .collect();
        self.organization.authorize(action, &resources).await
    }
}

/// A run under way.
///
/// Dropping it cancels the run in order.
#[derive(Debug)]
pub struct SyncRun {
    events: SyncEventStream,
    task: JoinHandle<Result<SyncReport>>,
    cancel: CancellationToken,
    _guard: DropGuard,
}

impl SyncRun {
    /// Waits for the next event; `None` when the run is over.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; no event is lost by it.
    pub async fn next_event(&mut self) -> Option<crate::engine::sync::SyncEvent> {
        self.events.next().await
    }

    /// Asks the run to stop: nothing new is begun, what is under way is given up, what was done is
    /// written down. [`report`](Self::report) then gives [`ErrorKind::Cancelled`].
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// As [`SyncRequest::run`].
    pub async fn report(self) -> Result<SyncReport> {
        let Self { task, _guard, .. } = self;
        task.await.map_err(|cause| {
            Error::new(ErrorKind::Unexpected, "sync.run", "the run was stopped").with_source(cause)
        })?
    }
}
