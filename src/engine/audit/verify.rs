//! Holds a journal against its signed heads.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt};

use crate::engine::journal::Break;
use crate::error::Result;
use crate::storage::{JournalHead, JournalName, Store};

use super::checkpoint::{Checkpoint, Origin};
use super::head::SignedHead;
use super::records::{self, HeadRecord};
use super::signer::{HeadVerifier, is_genuine};
use super::walk::{AuditBreak, Walk};

/// Entries of one page.
const PAGE: usize = 1_000;

/// How [`verify`] goes about it.
#[derive(Clone)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// Begins behind the entries of this head instead of at the first one. It is taken at its word, so
    /// give one that an earlier verification found good. Without effect if its record in the database
    /// is gone, or if an earlier head is to be compared. Default: none.
    pub since: Option<SignedHead>,
    /// Also compares the heads recorded in the database, which narrows down where a journal was
    /// rewritten. Default: yes.
    pub recorded: bool,
    /// Called after each page of entries. Default: none.
    pub progress: Option<Arc<dyn Fn(VerifyProgress) + Send + Sync>>,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            since: None,
            recorded: true,
            progress: None,
        }
    }
}

impl VerifyOptions {
    /// Sets [`VerifyOptions::since`].
    #[must_use]
    pub fn with_since(mut self, head: SignedHead) -> Self {
        self.since = Some(head);
        self
    }

    /// Sets [`VerifyOptions::recorded`].
    #[must_use]
    pub fn with_recorded(mut self, recorded: bool) -> Self {
        self.recorded = recorded;
        self
    }

    /// Sets [`VerifyOptions::progress`].
    #[must_use]
    pub fn with_progress(
        mut self,
        progress: impl Fn(VerifyProgress) + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }
}

impl fmt::Debug for VerifyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyOptions")
            .field("since", &self.since.as_ref().map(SignedHead::size))
            .field("recorded", &self.recorded)
            .finish_non_exhaustive()
    }
}

/// How far [`verify`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct VerifyProgress {
    /// The last entry read.
    pub entry: u64,
    /// The last there is to read.
    pub last: u64,
}

/// What [`verify`] found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AuditReport {
    /// The entry behind which it began; 0 for the whole journal.
    pub from: u64,
    /// The last entry found good.
    pub end: JournalHead,
    /// The last entry that a genuine head vouches for. Those behind it hang together, but whoever has
    /// the database could have written them.
    pub vouched: u64,
    /// How many heads were compared.
    pub heads: u64,
    /// The first thing found wrong.
    pub broken: Option<AuditBreak>,
}

impl AuditReport {
    /// Tells whether nothing was found wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.broken.is_none()
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(broken) = &self.broken {
            write!(f, "{broken}; ")?;
        }
        let (first, end) = (self.from.saturating_add(1), self.end.sequence);
        match end {
            0 => f.write_str("no entry is intact")?,
            _ => write!(f, "entries {first} to {end} are intact")?,
        }
        let (vouched, heads) = (self.vouched, self.heads);
        write!(f, ", {heads} heads vouch for {vouched}")
    }
}

/// Reads a journal and compares it with its signed heads: those that the host kept (`heads`, in any
/// order) and those in the database.
///
/// A change, removal, insertion or swap breaks the chain at one entry, which is named. A tail cut off, a
/// journal built anew with all its hashes, and a fork are found by the heads; where the chain was
/// built anew, the entries between the last head that fits and the first that does not are named.
/// Give at least the last head that the host has: only what was kept elsewhere shows that the
/// journal and its recorded heads were cut off together.
///
/// Reads every entry once, in constant memory. Whoever appends meanwhile does not disturb it.
///
/// # Errors
/// - [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt): a record cannot be read at all.
/// - Those of the verifier and the database. A broken journal is an answer, not an error.
///
/// # Cancel safety
///
/// Safe to drop.
pub async fn verify(
    store: &Store,
    journal: &JournalName,
    verifier: &dyn HeadVerifier,
    heads: &[SignedHead],
    options: &VerifyOptions,
) -> Result<AuditReport> {
    let origin = Origin::new(store.organization(), journal);
    let mut report = AuditReport {
        from: 0,
        end: JournalHead::default(),
        vouched: 0,
        heads: 0,
        broken: None,
    };
    let given: Vec<&SignedHead> = heads.iter().chain(&options.since).collect();
    if let Some(broken) = sort_out(origin.as_str(), verifier, &given).await? {
        report.broken = Some(broken);
        return Ok(report);
    }
    let walk = begin(store, journal, heads, options).await?;
    let mut given: Vec<Checkpoint> = given.iter().map(|head| head.checkpoint().clone()).collect();
    given.retain(|checkpoint| checkpoint.size >= walk.end().sequence);
    given.sort_by_key(|checkpoint| checkpoint.size);
    let stored = if options.recorded {
        records::following(store, journal, walk.end().sequence)
    } else {
        stream::empty().boxed()
    };
    report.from = walk.end().sequence;
    let mut check = Check {
        store,
        journal,
        origin: &origin,
        verifier,
        walk,
        given: given.into(),
        stored,
        next_stored: None,
        heads: 0,
    };
    report.broken = check.run(options).await?.err();
    report.end = check.walk.end();
    report.vouched = check.walk.vouched();
    report.heads = check.heads;
    Ok(report)
}

/// Looks at heads that came from outside: theirs must be this journal, and the signature genuine.
pub(super) async fn sort_out(
    origin: &str,
    verifier: &dyn HeadVerifier,
    heads: &[&SignedHead],
) -> Result<Option<AuditBreak>> {
    for head in heads {
        let checkpoint = head.checkpoint();
        if !is_genuine(head, verifier).await? {
            return Ok(Some(AuditBreak::Forged {
                size: checkpoint.size,
            }));
        }
        if checkpoint.origin.as_str() != origin {
            return Ok(Some(AuditBreak::Foreign {
                origin: checkpoint.origin.to_string(),
            }));
        }
    }
    Ok(None)
}

async fn begin(
    store: &Store,
    journal: &JournalName,
    heads: &[SignedHead],
    options: &VerifyOptions,
) -> Result<Walk> {
    let Some(since) = &options.since else {
        return Ok(Walk::default());
    };
    if heads.iter().any(|head| head.size() < since.size()) {
        return Ok(Walk::default());
    }
    let record = records::one(store, journal, since.size()).await?;
    let walk = record.and_then(|record| Walk::behind(since.checkpoint(), record.frontier));
    Ok(walk.unwrap_or_default())
}

/// What was found wrong first, if anything.
type Found = std::result::Result<(), AuditBreak>;

struct Check<'a> {
    store: &'a Store,
    journal: &'a JournalName,
    origin: &'a Origin,
    verifier: &'a dyn HeadVerifier,
    walk: Walk,
    /// Genuine, by size.
    given: VecDeque<Checkpoint>,
    stored: BoxStream<'static, Result<HeadRecord>>,
    next_stored: Option<HeadRecord>,
    heads: u64,
}

impl Check<'_> {
    async fn run(&mut self, options: &VerifyOptions) -> Result<Found> {
        let recorded = self.store.journal_head(self.journal).await?;
        self.next_stored = self.stored.next().await.transpose()?;
        if let Err(broken) = self.compare().await? {
            return Ok(Err(broken));
        }
        // As far as the recorded end, which is older than what is appended meanwhile.
        while self.walk.end().sequence < recorded.sequence {
            let after = self.walk.end().sequence;
            let page = self.store.read_journal(self.journal, after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for entry in &page {
                if self.walk.end().sequence == recorded.sequence {
                    break;
                }
                if let Err(broken) = self.walk.entry(entry) {
                    return Ok(Err(broken));
                }
                if let Err(broken) = self.compare().await? {
                    return Ok(Err(broken));
                }
            }
            if let Some(progress) = &options.progress {
                progress(VerifyProgress {
                    entry: self.walk.end().sequence,
                    last: recorded.sequence,
                });
            }
        }
        self.end(recorded).await
    }

    /// Compares with the heads that end where the walk is.
    async fn compare(&mut self) -> Result<Found> {
        let size = self.walk.end().sequence;
        let mut here = Vec::new();
        while let Some(given) = self.given.pop_front_if(|given| given.size == size) {
            here.push(given);
        }
        while let Some(record) = self.next_stored.take_if(|record| record.size <= size) {
            if record.size < size || !record.is_sound(self.origin, self.verifier).await? {
                return Ok(Err(AuditBreak::Forged { size: record.size }));
            }
            here.push(record.head.checkpoint().clone());
            self.next_stored = self.stored.next().await.transpose()?;
        }
        self.heads = self.heads.saturating_add(here.len() as u64);
        Ok(self.walk.compare(&here))
    }

    /// The journal has been read: does it end where it must?
    async fn end(&mut self, recorded: JournalHead) -> Result<Found> {
        let last = self.walk.end();
        if let Some(given) = self.given.pop_front() {
            return Ok(Err(AuditBreak::Cut {
                end: last.sequence,
                signed: given.size,
            }));
        }
        let now = self.store.journal_head(self.journal).await?;
        while let Some(record) = self.next_stored.take() {
            if !record.is_sound(self.origin, self.verifier).await? {
                return Ok(Err(AuditBreak::Forged { size: record.size }));
            }
            // A head of what was appended meanwhile is left to the next verification.
            if record.size > now.sequence {
                return Ok(Err(AuditBreak::Cut {
                    end: last.sequence,
                    signed: record.size,
                }));
            }
            self.next_stored = self.stored.next().await.transpose()?;
        }
        if last != recorded {
            return Ok(Err(AuditBreak::Chain(Break::Head { recorded, last })));
        }
        // An entry behind the end is good only if the end has gone on.
        let behind = self
            .store
            .read_journal(self.journal, recorded.sequence, 1)
            .await?;
        if let Some(entry) = behind.first()
            && self.store.journal_head(self.journal).await? == recorded
        {
            let last = JournalHead::new(entry.sequence, entry.hash);
            return Ok(Err(AuditBreak::Chain(Break::Head { recorded, last })));
        }
        Ok(Ok(()))
    }
}
