//! Reading the state of one organization, so that it is that of one moment.
//!
//! Pages and records are read one after another while others write. So the end of the journal is noted first, and
//! what the journal names after it is read once more, until a look finds the journal where the reading began: then
//! nothing was written meanwhile, as nothing is written without an entry.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::permission::{Change, Snapshot};
use crate::storage::{JournalHead, JournalName, Query, Store};
use crate::telemetry::JOURNAL_LAG_SECONDS;
use crate::wedding::{Grace, Zones};

use super::arranged::Arranged;
use super::follow::{Named, Part};

/// Entries read at once.
const PAGE: usize = 1_000;

/// How often the journal may have grown in between before the reading is given up. Each round reads only what has
/// changed during the one before.
const ROUNDS: usize = 1_000;

/// Most entries that are followed. To read everything anew is less work than to read more of them.
const BACKLOG: u64 = 20_000;

/// The state of an organization at one entry of its journal.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) snapshot: Snapshot,
    pub(super) arranged: Arranged,
    head: JournalHead,
}

/// A state that was read.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) state: State,
    /// When the reading began: whatever was written before is in it.
    pub(super) as_of: Duration,
}

/// Reads one organization.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) store: Store,
    pub(super) zones: Arc<dyn Zones>,
    pub(super) grace: Grace,
    pub(super) clock: Arc<dyn Clock>,
}

impl Reader {
    /// Reads on from `old`, or all of it where there is nothing to go on from.
    pub(super) async fn refresh(&self, old: Option<Arc<Loaded>>) -> Result<Loaded> {
        let as_of = self.clock.elapsed();
        let known = match old {
            Some(old) => self.follow(old.state.clone(), BACKLOG).await?,
            None => None,
        };
        let state = match known {
            Some(known) => known,
            None => self.load().await?,
        };
        Ok(Loaded { state, as_of })
    }

    async fn load(&self) -> Result<State> {
        let head = self.store.journal_head(&JournalName::main()).await?;
        let mut changes: Vec<Change> = Vec::new();
        for part in Part::ALL {
            let query = Query::all(part.collection().name().clone());
            let mut records = self.store.all(part.collection(), query);
            while let Some(record) = records.try_next().await? {
                let read = Some((record.version, record.value));
                changes.push(part.change(&record.id, read));
            }
        }
        let (mut members, mut weddings, mut sections) = (Vec::new(), Vec::new(), Vec::new());
        let mut statements = Vec::new();
        for change in changes {
            match change {
                Change::PutMember(member) => members.push(member),
                Change::PutWedding(wedding) => weddings.push(wedding),
                Change::PutSection(section) => sections.push(section),
                Change::PutStatement(statement) => statements.push(statement),
                _ => {}
            }
        }
        let snapshot = Snapshot::builder(self.store.organization().clone())
            .zones(Arc::clone(&self.zones))
            .grace(self.grace)
            .members(members)
            .weddings(weddings)
            .sections(sections)
            .statements(statements)
            .build(head.sequence);
        let state = State {
            snapshot,
            arranged: Arranged::since(head),
            head,
        };
        let followed = self.follow(state, u64::MAX).await?;
        followed.ok_or_else(|| {
            unavailable("the journal was replaced while the state of the organization was read")
        })
    }

    /// Reads once more what the journal names after a state, until it names nothing. Nothing comes back if it is
    /// another journal than the one that the state is of, as after an older backup was restored, or if it is more than `most`
    /// entries ahead.
    async fn follow(&self, mut state: State, most: u64) -> Result<Option<State>> {
        for _ in 0..ROUNDS {
            let end = self.store.journal_head(&JournalName::main()).await?;
            if end == state.head {
                return Ok(Some(state));
            }
            let ahead = end.sequence.saturating_sub(state.head.sequence);
            if ahead == 0 || ahead > most {
                return Ok(None);
            }
            let mut named = Named::default();
            while state.head.sequence < end.sequence {
                let Some(next) = self.read_on(state.head, &mut named).await? else {
                    return Ok(None);
                };
                state.head = next;
            }
            let arranged = std::mem::take(&mut named.arranged);
            let changes = named.read(&self.store).await?;
            state.snapshot = state.snapshot.with(state.head.sequence, changes);
            state.arranged.take(arranged, &state.snapshot);
        }
        Err(unavailable(
            "the organization changes faster than its state can be read",
        ))
    }

    /// Takes note of one page of entries, if they continue the chain.
    async fn read_on(
        &self,
        mut head: JournalHead,
        named: &mut Named,
    ) -> Result<Option<JournalHead>> {
        let journal = JournalName::main();
        let page = self
            .store
            .read_journal(&journal, head.sequence, PAGE)
            .await?;
        if page.is_empty() {
            return Ok(None);
        }
        // Others have their turn, however much there is to catch up with.
        tokio::task::yield_now().await;
        if let Some(last) = page.last() {
            let lag = self.clock.now().saturating_since(last.at);
            let labels = [("reader", "permissions")];
            self.store
                .telemetry()
                .took(JOURNAL_LAG_SECONDS, &labels, lag);
        }
        for entry in page {
            let linked = head.hash.link(entry.sequence, entry.at, &entry.event);
            if entry.sequence != head.sequence.saturating_add(1) || linked != entry.hash {
                return Ok(None);
            }
            head = JournalHead::new(entry.sequence, entry.hash);
            named.take(entry.sequence, &entry.event);
        }
        Ok(Some(head))
    }
}

fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, "section.policy", message)
}
