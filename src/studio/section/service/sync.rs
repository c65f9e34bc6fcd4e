//! Working out the results of everybody in an organization.

use std::collections::BTreeSet;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::engine::journal::{Event, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::permission::{Member, Resource, Snapshot};
use crate::storage::{
    Batch, Collection, JournalName, Precondition, Query, Record, RecordId, Version, Versioned,
};
use crate::telemetry;
use crate::wedding::AccessLevel;

use super::handle::{MANAGE, SectionService};
use super::results::{AT_ONCE, Pair, SECTION_PERMISSIONS, SectionResults};

/// The collection of bulk work under way: at most one record, gone when it is done.
pub const SECTION_SYNCS: Collection<SyncRecord> = Collection::new("section_syncs");

const SYNCED: EventKind = EventKind::new("section.synced");

/// How often one batch is tried again because others write results too.
const TRIES: usize = 100;

/// How far bulk work has come.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SyncRecord {
    /// The revision it began at: once it is done, no result is older.
    pub revision: u64,
    /// When it began.
    pub begun_at: Timestamp,
    /// The last member whose results are stored.
    pub after: Option<String>,
    /// Results stored so far.
    pub done: u64,
}

/// What bulk work has done so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SyncProgress {
    /// The revision it began at: once it is done, no stored result is older.
    pub revision: u64,
    /// Results stored or removed so far, those before a restart included.
    pub done: u64,
    /// Members that are still to come.
    pub members_left: usize,
    /// Whether that was all.
    pub is_complete: bool,
}

/// Bulk work under way.
struct Run {
    service: SectionService,
    state: Snapshot,
    record: SyncRecord,
    version: Version,
    /// Members after [`SyncRecord::after`], in order.
    members: Vec<String>,
}

impl SectionService {
    /// Works out what every member sees, in the organization and in each wedding they are let into, and replaces what
    /// is stored; results of others that are stored are worked out anew too, and removed with who or what they are of.
    ///
    /// It is done when the stream has ended without an error. Work that was stopped goes on where it was with the next
    /// call; of two at once, one ends with [`ErrorKind::Conflict`]. Asks for `section.manage` of the organization.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: each step is stored whole, with how far it is.
    #[must_use]
    pub fn sync_organization(&self) -> BoxStream<'static, Result<SyncProgress>> {
        enum At {
            Begin(SectionService),
            Going(Run),
            End,
        }
        let begin = At::Begin(self.clone());
        let steps = stream::try_unfold(begin, |at| async move {
            let mut run = match at {
                At::Begin(service) => service.begin_sync().await?,
                At::Going(run) => run,
                At::End => return Ok(None),
            };
            let progress = run.step().await?;
            let next = if progress.is_complete {
                At::End
            } else {
                At::Going(run)
            };
            Ok(Some((progress, next)))
        });
        telemetry::within(tracing::info_span!("section.sync"), steps.boxed())
    }

    async fn begin_sync(self) -> Result<Run> {
        self.ask_all(&MANAGE).await?;
        let head = self.store.journal_head(&JournalName::main()).await?;
        let state = self.state(Some(head.sequence)).await?;
        let found = self.store.get(&SECTION_SYNCS, &run_id()?).await?;
        let (record, held) = match found {
            Some(Versioned { version, value, .. }) => (value, Precondition::At(version)),
            None => {
                let record = SyncRecord {
                    revision: state.revision(),
                    begun_at: self.clock.now(),
                    after: None,
                    done: 0,
                };
                (record, Precondition::Absent)
            }
        };
        // Written also to go on, so that whoever else is at it notices.
        let mut batch = Batch::new(self.clock.now());
        batch.put_with(&SECTION_SYNCS, run_id()?, &record, held, Vec::new())?;
        let committed = self.store.commit(batch).await?;
        let version = committed.versions.first().copied().unwrap_or_default();
        let ids = state.members().map(Member::id);
        let left = ids.filter(|id| record.after.as_deref().is_none_or(|after| *id > after));
        let members = left.map(ToOwned::to_owned).collect();
        Ok(Run {
            service: self,
            state,
            record,
            version,
            members,
        })
    }
}

impl Run {
    /// One batch of members; after the last, what else is stored, and the end.
    async fn step(&mut self) -> Result<SyncProgress> {
        if self.members.is_empty() {
            self.finish().await?;
            return Ok(self.progress(true));
        }
        // Whole members only, so that the record says how far it is.
        let (mut pairs, mut ends) = (Vec::new(), Vec::new());
        for id in &self.members {
            let theirs = pairs_of(&self.state, id);
            if !pairs.is_empty() && pairs.len() + theirs.len() > AT_ONCE {
                break;
            }
            pairs.extend(theirs);
            ends.push(pairs.len());
        }
        let mut at = 0;
        while let Some(rest) = pairs.get(at..).filter(|rest| !rest.is_empty()) {
            at += self.write(rest, at, &ends).await?;
        }
        self.members.drain(..ends.len());
        Ok(self.progress(false))
    }

    /// Writes one batch of results together with how far the work is then.
    async fn write(&mut self, pairs: &[Pair], from: usize, ends: &[usize]) -> Result<usize> {
        for _ in 0..TRIES {
            let next = |done: usize| {
                let whole = ends.iter().filter(|end| **end <= from + done).count();
                let last = whole.checked_sub(1).and_then(|last| self.members.get(last));
                let done = u64::try_from(done).unwrap_or(u64::MAX);
                SyncRecord {
                    after: last.cloned().or_else(|| self.record.after.clone()),
                    done: self.record.done.saturating_add(done),
                    ..self.record.clone()
                }
            };
            let at = Precondition::At(self.version);
            let also = |batch: &mut Batch, done: usize| {
                batch.put_with(&SECTION_SYNCS, run_id()?, &next(done), at, Vec::new())?;
                Ok(())
            };
            match self
                .service
                .replace_some(&self.state, pairs, Some(&also))
                .await
            {
                Ok((done, state)) => {
                    self.record = next(done);
                    (self.state, self.version) = (state, self.version.next());
                    return Ok(done);
                }
                Err(error) if error.kind() == ErrorKind::Conflict => self.check(error).await?,
                Err(error) => return Err(error),
            }
        }
        let message = "others store results faster than this can";
        Err(Error::new(ErrorKind::Unavailable, "section.sync", message))
    }

    /// Tells whether a conflict was about the work itself: then somebody else has taken it over.
    async fn check(&self, error: Error) -> Result<()> {
        let found = self.service.store.get(&SECTION_SYNCS, &run_id()?).await?;
        if found.is_some_and(|found| found.version == self.version) {
            return Ok(());
        }
        let message = "somebody else does this work now";
        Err(Error::new(ErrorKind::Conflict, "section.sync", message).with_source(error))
    }

    /// Works out what else is stored, and takes the work off the record.
    async fn finish(&mut self) -> Result<()> {
        // Whatever is older than the work is of somebody who is gone, or of a wedding they were let into meanwhile.
        let begun = self.record.revision;
        let is_old = |record: &Record| {
            let read = record.value.read::<SectionResults>();
            read.map_or(true, |found| found.revision < begun)
        };
        let mut query = Query::all(SECTION_PERMISSIONS.name().clone()).with_limit(AT_ONCE);
        loop {
            let page = self.service.store.query(&query).await?;
            let old = page.records.iter().filter(|record| is_old(record));
            let rest: Vec<Pair> = old.filter_map(|record| Pair::of(&record.id)).collect();
            let mut at = 0;
            while let Some(rest) = rest.get(at..).filter(|rest| !rest.is_empty()) {
                at += self.write(rest, 0, &[]).await?;
            }
            match page.next {
                Some(next) => query = query.with_after(next),
                None => break,
            }
        }
        let mut batch = Batch::new(self.service.clock.now());
        let at = Precondition::At(self.version);
        batch.delete(&SECTION_SYNCS, run_id()?, at);
        let organization = self.service.store.organization().as_str();
        let event = Event::new(SYNCED)
            .by(self.service.actor.clone())
            .about(Resource::new("organization", organization));
        let data =
            serde_json::json!({"revision": self.record.revision, "results": self.record.done});
        batch.append(JournalName::main(), &event.with_data(&data)?)?;
        self.service.store.commit(batch).await?;
        Ok(())
    }

    fn progress(&self, is_complete: bool) -> SyncProgress {
        SyncProgress {
            revision: self.record.revision,
            done: self.record.done,
            members_left: self.members.len(),
            is_complete,
        }
    }
}

/// The organization itself, and each wedding the member is let into.
fn pairs_of(state: &Snapshot, id: &str) -> Vec<Pair> {
    let mut pairs = vec![Pair::new(id, None)];
    let Some(member) = state.member(id) else {
        return pairs;
    };
    let weddings: BTreeSet<&str> = member.weddings().map(|(wedding, _)| wedding).collect();
    let let_in = weddings.into_iter().filter(|wedding| {
        member.access(wedding) != AccessLevel::None && state.wedding(wedding).is_some()
    });
    pairs.extend(let_in.map(|wedding| Pair::new(id, Some(wedding))));
    pairs
}

fn run_id() -> Result<RecordId> {
    RecordId::parse("run")
}
