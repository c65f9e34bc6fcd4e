//! The task of a queue: carries flushes out, one of each kind at a time, until the database has accepted them.

use std::error::Error as StdError;
use std::sync::Arc;

use tracing::{Instrument as _, Span};

use crate::error::{Error, ErrorKind, Result};
use crate::permission::{Actor, Section};
use crate::storage::Versioned;
use crate::telemetry::{SECTION_FLUSHES, Telemetry};

use super::super::batch::{BatchItem, BatchQueue, Flush, PermissionEntry, PermissionMark};
use super::super::patch::Patch;
use super::super::records::{HistoryEntry, HistoryKind, SECTION_HISTORY, key};
use super::super::scope::{Scope, Target};
use super::change::{Edit, Patched};
use super::handle::SectionService;
use super::queue::{Shared, State, Waiting};
use super::results::{Pair, Reached};

/// Runs until the queue of changes is closed and both are empty.
pub(super) async fn run(shared: Arc<Shared>) {
    let changes = async {
        drive_changes(&shared).await;
        // Results of the last changes are worked out too.
        let now = shared.service.clock.elapsed();
        let mut state = shared.state();
        state.marks.shutdown(now);
        drop(state);
        shared.marks.notify_one();
    };
    tokio::join!(changes, drive_marks(&shared));
}

async fn drive_changes(shared: &Shared) {
    let mut failures = 0;
    let mut groups: Vec<Group> = Vec::new();
    while let Some(flush) = next(shared, |state| &mut state.changes, &shared.changes).await {
        if failures == 0 {
            groups = take(shared, &flush);
        }
        let work = async {
            let mut is_done = true;
            for group in &mut groups {
                is_done &= group.carry_out(shared).await;
            }
            is_done
        };
        let is_done = work.instrument(span("changes")).await;
        counted(shared.service.store.telemetry(), "changes", is_done);
        failures = end(
            shared,
            |state| &mut state.changes,
            &flush,
            is_done,
            failures,
        );
    }
}

async fn drive_marks(shared: &Shared) {
    let mut failures = 0;
    while let Some(flush) = next(shared, |state| &mut state.marks, &shared.marks).await {
        let at_least = shared.state().at_least.get(&flush.id).copied();
        let at_least = at_least.unwrap_or_default();
        let pairs: Vec<_> = flush.items.iter().map(pair).collect();
        let work = shared.service.replace(&pairs, at_least);
        let is_done = match work.instrument(span("marks")).await {
            Ok(Reached::Wanted) => true,
            Ok(Reached::Restored { revision }) => {
                let lost = || restored(at_least, revision);
                shared.state().failure.get_or_insert_with(lost);
                true
            }
            Err(error) if passes(&error) => false,
            Err(error) => {
                shared.state().failure.get_or_insert(error);
                true
            }
        };
        if is_done {
            // What came meanwhile is in a later flush, with a revision of the journal as it was then.
            shared.state().at_least.remove(&flush.id);
        }
        counted(shared.service.store.telemetry(), "marks", is_done);
        failures = end(shared, |state| &mut state.marks, &flush, is_done, failures);
    }
}

/// One try at a flush.
fn span(queue: &'static str) -> Span {
    tracing::debug_span!("section.flush", section.queue = queue)
}

fn counted(telemetry: &Telemetry, queue: &'static str, is_done: bool) {
    let outcome = if is_done { "done" } else { "failed" };
    let labels = [("queue", queue), ("outcome", outcome)];
    telemetry.count(SECTION_FLUSHES, &labels, 1);
}

type Pick<I> = fn(&mut State) -> &mut BatchQueue<I>;

/// Waits for the next flush that is due; nothing when there will be none.
async fn next<I: BatchItem>(
    shared: &Shared,
    pick: Pick<I>,
    news: &tokio::sync::Notify,
) -> Option<Arc<Flush<I::Entry>>> {
    loop {
        let now = shared.service.clock.elapsed();
        let due = {
            let mut state = shared.state();
            let queue = pick(&mut state);
            if let Some(flush) = queue.begin(now) {
                return Some(flush);
            }
            if queue.is_closed() && queue.is_empty() {
                return None;
            }
            queue.due()
        };
        match due {
            None => news.notified().await,
            Some(due) => tokio::select! {
                () = tokio::time::sleep(due.saturating_sub(now)) => {}
                () = news.notified() => {}
            },
        }
    }
}

/// Takes note of how a flush went, and returns how often it has failed.
fn end<I: BatchItem>(
    shared: &Shared,
    pick: Pick<I>,
    flush: &Flush<I::Entry>,
    is_done: bool,
    failures: u32,
) -> u32 {
    let mut state = shared.state();
    if is_done {
        pick(&mut state).accepted(flush.id);
        return 0;
    }
    let failures = failures.saturating_add(1);
    let ceiling = shared.options.retry.ceiling(failures);
    // Between half of it and all of it, so that many that failed together do not come back together.
    let wait = ceiling.mul_f64(0.5 + shared.service.chance.unit() / 2.0);
    let again = shared.service.clock.elapsed().saturating_add(wait);
    pick(&mut state).failed(flush.id, again);
    failures
}

/// The changes of one section in one flush.
struct Group {
    section: String,
    /// Names the change, the same however often it is tried.
    change: String,
    waiting: Vec<Waiting>,
    stage: Stage,
}

enum Stage {
    /// Not known to be stored. Whether it was tried.
    Open {
        tried: bool,
    },
    /// Stored; whose results are out of date is not known yet.
    Stored(Patched),
    Done,
}

/// Takes the changes of a flush out of what waits, by section in order of arrival.
fn take<E>(shared: &Shared, flush: &Flush<E>) -> Vec<Group> {
    let mut state = shared.state();
    let all = std::mem::take(&mut state.waiting);
    let (ours, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.flush == flush.id);
    state.waiting = rest;
    drop(state);
    let mut groups: Vec<Group> = Vec::new();
    for one in ours {
        match groups.iter_mut().find(|group| group.section == one.section) {
            Some(group) => group.waiting.push(one),
            None => groups.push(Group {
                section: one.section.clone(),
                change: shared.service.name_change(one.at.next()),
                waiting: vec![one],
                stage: Stage::Open { tried: false },
            }),
        }
    }
    groups
}

impl Group {
    /// Does what is still to be done; false if it has to be tried again.
    async fn carry_out(&mut self, shared: &Shared) -> bool {
        if let Stage::Open { tried } = self.stage {
            let outcome = self.store(&shared.service, tried).await;
            self.stage = match outcome {
                Err(error) if passes(&error) => {
                    self.stage = Stage::Open { tried: true };
                    return false;
                }
                Err(error) => {
                    let error = Arc::new(error);
                    self.answer(|| Err(shared_error(&error)));
                    Stage::Done
                }
                Ok(None) => Stage::Done,
                Ok(Some(patched)) => {
                    self.answer(|| Ok(patched.clone()));
                    Stage::Stored(patched)
                }
            };
        }
        if let Stage::Stored(patched) = &self.stage {
            match self.mark(shared, patched).await {
                Err(error) if passes(&error) => return false,
                Err(error) => _ = shared.state().failure.get_or_insert(error),
                Ok(()) => {}
            }
            self.stage = Stage::Done;
        }
        true
    }

    fn answer(&mut self, outcome: impl Fn() -> Result<Patched>) {
        for one in self.waiting.drain(..) {
            // Whoever does not wait for the answer does not need it.
            one.answer.send(outcome()).ok();
        }
    }

    /// Stores the changes of all who still may make them, as one; nothing if there are none.
    async fn store(&mut self, service: &SectionService, tried: bool) -> Result<Option<Patched>> {
        // The answer to an earlier try may have been lost.
        if tried && let Some(found) = self.find(service).await? {
            return Ok(Some(self.stored(service, &found.value).await?));
        }
        let mut allowed = Vec::new();
        let mut refused = Vec::new();
        for (at, one) in self.waiting.iter().enumerate() {
            let theirs = service.acting_as(one.actor.clone());
            let wedding = one.wedding.as_deref();
            match theirs.allow_edit(&one.section, wedding, &one.patch).await {
                Ok(()) => allowed.push(at),
                Err(error) if passes(&error) => return Err(error),
                Err(error) => refused.push((at, error)),
            }
        }
        for (at, error) in refused.into_iter().rev() {
            let one = self.waiting.remove(at);
            one.answer.send(Err(error)).ok();
        }
        let Some(first) = self.waiting.first() else {
            return Ok(None);
        };
        let mut by: Vec<Actor> = Vec::new();
        let mut patch = Patch::default();
        for one in &self.waiting {
            patch = patch.then(&one.patch);
            if !by.contains(&one.actor) {
                by.push(one.actor.clone());
            }
        }
        let edit = Edit {
            section: self.section.clone(),
            patch,
            at: first.at,
            change: self.change.clone(),
            by,
            kind: HistoryKind::Changed,
        };
        let author = service.acting_as(first.actor.clone());
        match author.apply(&edit).await {
            // Perhaps an earlier try was under way all the time, and the conflict is with itself.
            Err(error) if tried && error.kind() == ErrorKind::Conflict => {
                match self.find(service).await? {
                    Some(found) => Ok(Some(self.stored(service, &found.value).await?)),
                    None => Err(error),
                }
            }
            done => done.map(Some),
        }
    }

    async fn find(&self, service: &SectionService) -> Result<Option<Versioned<HistoryEntry>>> {
        let id = key(&[&self.section, &self.change])?;
        service.store.get(&SECTION_HISTORY, &id).await
    }

    /// What an earlier try has stored.
    async fn stored(&self, service: &SectionService, entry: &HistoryEntry) -> Result<Patched> {
        let revision = service.head().await?;
        let now = service.find(&self.section).await?.value;
        let before = entry.before.apply(&now);
        Ok(Patched {
            change: Some(self.change.clone()),
            version: entry.version,
            revision,
            scope: Scope::of(&before, &entry.after, Target::Shared),
        })
    }

    /// Marks the results of those who saw the section before or see it now.
    async fn mark(&self, shared: &Shared, patched: &Patched) -> Result<()> {
        let service = &shared.service;
        if !patched.scope.recompute_permissions {
            return Ok(());
        }
        let (state, reached) = service.reached(patched.revision).await?;
        let Some(entry) = self.find(service).await? else {
            let message = "a change that was accepted is not on record any more";
            let error = Error::new(ErrorKind::Expired, "section.queue", message);
            let error = error.with_context("section", &self.section);
            return Err(match reached {
                Reached::Wanted => error,
                Reached::Restored { revision } => {
                    error.with_source(restored(patched.revision, revision))
                }
            });
        };
        let Some(after) = state.section(&self.section) else {
            return Ok(());
        };
        let now = service.find(&self.section).await?.value;
        let before = Section::read(&entry.value.before.apply(&now).into_value());
        // A section of the whole organization is one of each of its weddings' pages too.
        let weddings: Vec<Option<Arc<str>>> = match after.wedding() {
            Some(wedding) => vec![Some(wedding.into())],
            None => {
                let all = state.weddings().map(|wedding| Some(wedding.id().into()));
                std::iter::once(None).chain(all).collect()
            }
        };
        let organization = service.store.organization().as_str();
        let now = service.clock.elapsed();
        for wedding in weddings {
            let context = service.context(wedding.as_deref());
            let audience = state.audience(Some(&before), Some(after), &context);
            let mut waiting = shared.state();
            for user in audience {
                // Not bounded: as many as are members, in as many weddings as show the section.
                let mark = PermissionMark::new(user, organization, wedding.clone());
                if let Some(flush) = waiting.marks.push(now, mark) {
                    waiting.hold(flush, state.revision());
                }
            }
        }
        shared.marks.notify_one();
        Ok(())
    }
}

fn pair(entry: &PermissionEntry) -> Pair {
    Pair::new(&*entry.mark.user_id, entry.mark.wedding_id.as_deref())
}

/// What a queue reports of a journal that ends before what it has seen of it.
fn restored(wanted: u64, found: u64) -> Error {
    let message = "an older backup was restored while changes or results waited";
    Error::new(ErrorKind::Expired, "section.queue", message)
        .with_context("wanted", wanted)
        .with_context("found", found)
}

/// Whether trying again may help: the fault, or what a refusal comes from, is none of the change itself.
fn passes(error: &Error) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        let known = error
            .downcast_ref::<Error>()
            .or_else(|| error.downcast_ref::<Arc<Error>>().map(|error| &**error));
        let kind = known.map(Error::kind);
        if kind.is_some_and(|kind| {
            kind.is_retryable() || matches!(kind, ErrorKind::Full | ErrorKind::Unexpected)
        }) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The same error for each of many.
fn shared_error(error: &Arc<Error>) -> Error {
    let message = error.message().to_owned();
    Error::new(error.kind(), "section.queue", message).with_source(Arc::clone(error))
}
