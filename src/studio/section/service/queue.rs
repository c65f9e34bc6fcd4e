//! Changes that wait a moment for others, and results that are worked out a moment later.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::engine::resilience::RetryPolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::permission::Actor;
use crate::storage::Version;
use crate::telemetry::call;

use super::super::batch::{BatchItem, BatchQueue, ConfigurationChange, FlushId, PermissionMark};
use super::super::patch::Patch;
use super::super::scope::Target;
use super::change::Patched;
use super::check::check_changes;
use super::handle::{MANAGE, SectionService, section_key};
use super::queue_task;
use super::results::check_pair;

/// How a [`SectionQueue`] works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueueOptions {
    /// Most changes, and most marks, that wait; more are turned away. At least 1. Default: 1,000.
    pub capacity: usize,
    /// How long to wait after a flush that failed; its number of attempts does not count. Default: as
    /// [`RetryPolicy`], 250 ms at first, at most 30 seconds.
    pub retry: RetryPolicy,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            capacity: 1_000,
            retry: RetryPolicy::default(),
        }
    }
}

impl QueueOptions {
    /// Sets [`QueueOptions::capacity`], at least 1.
    #[must_use]
    pub fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity.max(1);
        self
    }

    /// Sets [`QueueOptions::retry`].
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }
}

/// Composes changes of one section that come within 2 seconds (or 10 of them) into one, and works out results that are
/// out of date within 1 second (or 5 of them): `sections.md`, §5.
///
/// It owns a task, which ends with [`shutdown`](Self::shutdown) once all is stored. Dropped without, it forgets what
/// waits: those tickets are [`ErrorKind::Cancelled`].
pub struct SectionQueue {
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

/// What the handle and its task share.
pub(super) struct Shared {
    pub(super) service: SectionService,
    pub(super) options: QueueOptions,
    state: Mutex<State>,
    pub(super) changes: Notify,
    pub(super) marks: Notify,
}

pub(super) struct State {
    pub(super) changes: BatchQueue<ConfigurationChange>,
    pub(super) marks: BatchQueue<PermissionMark>,
    /// Changes that stand in the queue, in order of arrival.
    pub(super) waiting: Vec<Waiting>,
    /// Results of each flush have to be of a state not older than this.
    pub(super) at_least: BTreeMap<FlushId, u64>,
    /// What shutting down reports: why results could not be worked out for good, or what was lost.
    pub(super) failure: Option<Error>,
}

/// One change that waits.
pub(super) struct Waiting {
    pub(super) flush: FlushId,
    pub(super) section: String,
    pub(super) wedding: Option<String>,
    pub(super) at: Version,
    pub(super) actor: Actor,
    pub(super) patch: Patch,
    pub(super) answer: oneshot::Sender<Result<Patched>>,
}

/// A change that waits in a [`SectionQueue`].
#[derive(Debug)]
#[must_use = "only the ticket tells whether the change was stored"]
pub struct Ticket(oneshot::Receiver<Result<Patched>>);

impl Ticket {
    /// Waits until the database has accepted the change, together with those it was composed with.
    ///
    /// # Errors
    /// - As [`SectionService::patch`], of a kind that does not pass: what passes is tried again.
    /// - [`ErrorKind::Cancelled`]: the queue was dropped; the change was stored or not.
    ///
    /// # Cancel safety
    ///
    /// After a drop the change is made all the same.
    pub async fn accepted(self) -> Result<Patched> {
        self.0.await.unwrap_or_else(|cause| {
            let message = "the queue was dropped before the change was known to be stored";
            Err(Error::new(ErrorKind::Cancelled, "section.queue", message).with_source(cause))
        })
    }
}

impl SectionService {
    /// Starts a queue for the sections of the organization. To be called inside a runtime; time comes from the service's
    /// clock.
    #[must_use]
    pub fn queue(&self, options: QueueOptions) -> SectionQueue {
        let shared = Arc::new(Shared {
            service: self.clone(),
            options,
            state: Mutex::new(State {
                changes: BatchQueue::new(),
                marks: BatchQueue::new(),
                waiting: Vec::new(),
                at_least: BTreeMap::new(),
                failure: None,
            }),
            changes: Notify::new(),
            marks: Notify::new(),
        });
        let task = tokio::spawn(queue_task::run(Arc::clone(&shared)));
        SectionQueue {
            shared,
            task: Some(task),
        }
    }
}

impl SectionQueue {
    /// Queues a change of `actor`, otherwise as [`SectionService::patch`]: checked and asked at once, and asked again
    /// when it is made.
    ///
    /// # Errors
    /// - As [`SectionService::patch`].
    /// - [`ErrorKind::Conflict`]: changes made against another version of the section wait already; both are named.
    /// - [`ErrorKind::RateLimited`]: the queue is full.
    /// - [`ErrorKind::Cancelled`]: it is shutting down.
    ///
    /// # Cancel safety
    ///
    /// After a drop the change is queued or not.
    pub async fn patch(
        &self,
        actor: Actor,
        section: &str,
        wedding: Option<&str>,
        changes: &Value,
        at: Version,
    ) -> Result<Ticket> {
        let work = async {
            section_key(section)?;
            let patch = check_changes(changes, Target::Shared)?;
            let service = self.shared.service.acting_as(actor.clone());
            service.allow_edit(section, wedding, &patch).await?;
            let mut state = self.shared.state();
            let others = state.waiting.iter().find(|other| other.section == section);
            if let Some(other) = others.filter(|other| other.at != at) {
                let message = "changes made against another version of the section wait already";
                return Err(Error::new(ErrorKind::Conflict, "section.queue", message)
                    .with_context("section", section)
                    .with_context("wanted", at.get())
                    .with_context("found", other.at.get()));
            }
            let full = self.shared.options.capacity <= state.changes.len();
            let item = ConfigurationChange::new(section, patch.clone(), actor.to_string());
            let now = self.shared.service.clock.elapsed();
            let flush = push(&mut state.changes, full, now, item)?;
            let (answer, ticket) = oneshot::channel();
            state.waiting.push(Waiting {
                flush,
                section: section.to_owned(),
                wedding: wedding.map(ToOwned::to_owned),
                at,
                actor,
                patch,
                answer,
            });
            drop(state);
            self.shared.changes.notify_one();
            Ok(Ticket(ticket))
        };
        call!(self.shared.service.store.telemetry(), "section.queue", work)
    }

    /// Marks what is stored of one user in one context as out of date.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: an id is none.
    /// - [`ErrorKind::Denied`]: the actor of the service may not `section.manage` the organization.
    /// - [`ErrorKind::RateLimited`], [`ErrorKind::Cancelled`]: as [`SectionQueue::patch`]; and those of the database.
    pub async fn mark(&self, user: &str, wedding: Option<&str>) -> Result<()> {
        let work = async {
            check_pair(user, wedding)?;
            let service = &self.shared.service;
            service.ask_all(&MANAGE).await?;
            let head = service.head().await?;
            let mut state = self.shared.state();
            let full = self.shared.options.capacity <= state.marks.len();
            let organization = service.store.organization().as_str();
            let mark = PermissionMark::new(user, organization, wedding.map(Into::into));
            let flush = push(&mut state.marks, full, service.clock.elapsed(), mark)?;
            state.hold(flush, head);
            drop(state);
            self.shared.marks.notify_one();
            Ok(())
        };
        call!(self.shared.service.store.telemetry(), "section.mark", work)
    }

    /// Returns how many changes and marks wait, those of a flush under way included.
    #[must_use]
    pub fn len(&self) -> usize {
        let state = self.shared.state();
        state.changes.len() + state.marks.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes nothing more, and waits until all that waits is stored. As long as the database fails, it is tried again:
    /// whoever cannot wait for that drops this.
    ///
    /// # Errors
    /// - [`ErrorKind::Expired`]: an older backup was restored while something waited. What was marked has been worked out
    ///   of what there is now; a change that was accepted may be gone with the rest.
    /// - Why else results could not be worked out for good, if that has happened.
    ///
    /// # Cancel safety
    ///
    /// As dropping the queue.
    pub async fn shutdown(mut self) -> Result<()> {
        let now = self.shared.service.clock.elapsed();
        self.shared.state().changes.shutdown(now);
        self.shared.changes.notify_one();
        if let Some(task) = &mut self.task {
            task.await.map_err(|cause| {
                let message = "the task of the queue has died";
                Error::new(ErrorKind::Unexpected, "section.queue", message).with_source(cause)
            })?;
        }
        let failure = self.shared.state().failure.take();
        failure.map_or(Ok(()), Err)
    }
}

impl State {
    /// Holds a flush of marks to a revision that something was marked at.
    pub(super) fn hold(&mut self, flush: FlushId, revision: u64) {
        let least = self.at_least.entry(flush).or_default();
        *least = revision.max(*least);
    }
}

impl Drop for SectionQueue {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SectionQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SectionQueue")
            .field("service", &self.shared.service)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

fn push<I: BatchItem>(
    queue: &mut BatchQueue<I>,
    full: bool,
    now: Duration,
    item: I,
) -> Result<FlushId> {
    if full {
        let message = "too much waits already";
        return Err(Error::new(ErrorKind::RateLimited, "section.queue", message)
            .with_retry_after(I::WINDOW));
    }
    queue.push(now, item).ok_or_else(|| {
        let message = "the queue is shutting down";
        Error::new(ErrorKind::Cancelled, "section.queue", message)
    })
}
