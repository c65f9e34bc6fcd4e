//! Follows a journal and signs its end, again and again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::engine::journal::Chain;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, JournalHead, JournalName, Precondition, Store};
use crate::telemetry::AUDIT_HEADS_SIGNED;

use super::checkpoint::{Checkpoint, Origin};
use super::head::SignedHead;
use super::records::{self, AUDIT_HEADS, HeadRecord};
use super::signer::{HeadSigner, sign};
use super::tree::{Frontier, TreeHash};

/// Entries read at a time.
const PAGE: usize = 1_000;

/// Before trying again after a fault that passes.
const PAUSE: Duration = Duration::from_secs(5);

/// Takes the heads of a journal to where whoever has the database cannot reach them: a log service, an
/// object store with a lock, a mailbox.
#[async_trait]
pub trait HeadSink: fmt::Debug + Send + Sync + 'static {
    /// Takes one head. The same one may come again, and after a crash one that was never recorded;
    /// each is true of the journal.
    ///
    /// # Errors
    /// Why it could not be kept. The head is then not recorded, and made anew later.
    async fn take(&self, head: &SignedHead) -> Result<()>;
}

/// When an [`Auditor`] makes a head.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AuditorOptions {
    /// After this many entries; at least 1. Default: 1,000.
    pub entries: u64,
    /// And no later than this after an entry. Default: 60 seconds.
    pub interval: Duration,
}

impl Default for AuditorOptions {
    fn default() -> Self {
        Self {
            entries: 1_000,
            interval: Duration::from_secs(60),
        }
    }
}

impl AuditorOptions {
    /// Sets [`AuditorOptions::entries`].
    #[must_use]
    pub fn with_entries(mut self, entries: u64) -> Self {
        self.entries = entries.max(1);
        self
    }

    /// Sets [`AuditorOptions::interval`].
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }
}

/// Makes the signed heads of one journal, hands them to the host and records them.
///
/// Each head continues the last recorded one, whose signature vouches for everything before it: a
/// restart reads only what was appended since, and whoever bends older entries does not get them
/// signed. Any number of processes may do this at once: their heads speak of one journal, and
/// of two for one size only one is recorded.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::audit::{Auditor, HmacHeads};
/// use garland::backends::Memory;
/// use garland::crypto::{SecretKey, SystemEntropy};
/// use garland::storage::{Batch, JournalName, Store};
/// use garland::{Clock, OrganizationId, SystemClock};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let clock = Arc::new(SystemClock::new());
/// let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
/// let mut batch = Batch::new(clock.now());
/// batch.append(JournalName::main(), "made")?;
/// store.commit(batch).await?;
///
/// let key = Arc::new(HmacHeads::new(SecretKey::generate(&SystemEntropy::new())?));
/// let auditor = Auditor::new(store, JournalName::main(), key, clock);
/// let head = auditor.seal_now().await?.expect("there is an entry");
/// assert_eq!(head.size(), 1);
/// assert_eq!(auditor.seal_now().await?, None, "nothing is new");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Auditor {
    store: Store,
    journal: JournalName,
    origin: Origin,
    signer: Arc<dyn HeadSigner>,
    sinks: Vec<Arc<dyn HeadSink>>,
    clock: Arc<dyn Clock>,
    options: AuditorOptions,
}

impl Auditor {
    /// Prepares to sign the ends of a journal. Nothing is read yet.
    #[must_use]
    pub fn new(
        store: Store,
        journal: JournalName,
        signer: Arc<dyn HeadSigner>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let origin = Origin::new(store.organization(), &journal);
        Self {
            store,
            journal,
            origin,
            signer,
            sinks: Vec::new(),
            clock,
            options: AuditorOptions::default(),
        }
    }

    /// Adds somebody who takes the heads.
    #[must_use]
    pub fn with_sink(mut self, sink: Arc<dyn HeadSink>) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Sets when heads are made.
    #[must_use]
    pub fn with_options(mut self, options: AuditorOptions) -> Self {
        self.options = options;
        self
    }

    /// Returns the name that its heads bear.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Makes a head of the journal as it is now, and one at every
    /// [`entries`](AuditorOptions::entries) on the way there. Returns the last; `None` if nothing was
    /// appended since the last head.
    ///
    /// A head is handed to every [`HeadSink`] first and recorded when all have taken it.
    ///
    /// # Errors
    /// - [`ErrorKind::Corrupt`]: the journal or its recorded heads are not what was signed:
    ///   [`verify`](super::verify) tells more. No head is signed that covers what was found broken. Those on
    ///   the way there may have been signed, handed over and recorded by this call; and where another head
    ///   is recorded for the same entries, the own one was handed over before that showed.
    /// - Those of the signer, the sinks and the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the next call begins at the last recorded head.
    pub async fn seal_now(&self) -> Result<Option<SignedHead>> {
        let span = tracing::debug_span!("audit.seal");
        self.advance().instrument(span).await.map(|(_, head)| head)
    }

    /// Makes heads for ever: after every [`entries`](AuditorOptions::entries), and no later than
    /// [`interval`](AuditorOptions::interval) after an entry. Faults that pass are waited for.
    /// Returns what waiting does not mend; [`ErrorKind::Corrupt`] is an alarm.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop, which ends it.
    pub async fn run(&self) -> Error {
        let mut wakes = self.store.watch();
        let mut turn = Turn::default();
        loop {
            let wait = match self.turn(&mut turn).await {
                Ok(wait) => wait,
                Err(error) if error.is_retryable() => error
                    .retry_after()
                    .unwrap_or_else(|| self.options.interval.min(PAUSE)),
                Err(error) => return error,
            };
            tokio::select! {
                woken = wakes.next() => {
                    if woken.is_none() {
                        wakes = futures_util::stream::pending().boxed();
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Reads the recorded heads that cover more than `after` entries, by size, up to the last.
    #[must_use]
    pub fn heads(&self, after: u64) -> BoxStream<'static, Result<SignedHead>> {
        records::following(&self.store, &self.journal, after)
            .map_ok(|record| record.head)
            .boxed()
    }
}

/// The last head, and what follows from it.
struct Tip {
    chain: Chain,
    frontier: Frontier,
}

/// What [`Auditor::run`] remembers.
#[derive(Default)]
struct Turn {
    /// How many entries have a head.
    sealed: Option<u64>,
    /// When the first one without was seen.
    since: Option<Duration>,
}

impl Auditor {
    /// Makes a head if one is due, and returns how long to wait for the next.
    async fn turn(&self, turn: &mut Turn) -> Result<Duration> {
        let sealed = match turn.sealed {
            Some(sealed) => sealed,
            None => self.tip().await?.frontier.size(),
        };
        turn.sealed = Some(sealed);
        let end = self.store.journal_head(&self.journal).await?;
        if end.sequence == sealed {
            turn.since = None;
            return Ok(self.options.interval);
        }
        let now = self.clock.elapsed();
        let waited = now.saturating_sub(*turn.since.get_or_insert(now));
        // An end before the last head is for `advance` to tell.
        let pending = end.sequence.checked_sub(sealed);
        if pending.is_some_and(|pending| pending < self.options.entries)
            && waited < self.options.interval
        {
            return Ok(self.options.interval.saturating_sub(waited));
        }
        let (sealed, _) = self.advance().await?;
        *turn = Turn {
            sealed: Some(sealed),
            since: None,
        };
        Ok(self.options.interval)
    }

    async fn advance(&self) -> Result<(u64, Option<SignedHead>)> {
        let end = self.store.journal_head(&self.journal).await?;
        let mut tip = self.tip().await?;
        let mut last = None;
        while tip.frontier.size() < end.sequence {
            let step = tip.frontier.size().saturating_add(self.options.entries);
            self.extend(&mut tip, step.min(end.sequence)).await?;
            self.fits(&tip, end)?;
            last = Some(self.seal(&tip).await?);
        }
        self.fits(&tip, end)?;
        let signed = tip.chain.head();
        // Another process may have signed what was appended since.
        if signed.sequence > end.sequence {
            let now = self.store.journal_head(&self.journal).await?;
            if now.sequence < signed.sequence {
                return Err(self
                    .corrupt("the journal was cut off before its last signed head")
                    .with_context("end", now.sequence)
                    .with_context("signed", signed.sequence));
            }
        }
        Ok((signed.sequence, last))
    }

    fn fits(&self, tip: &Tip, end: JournalHead) -> Result<()> {
        let here = tip.chain.head();
        if here.sequence == end.sequence && here != end {
            return Err(self.corrupt("the recorded end of the journal is not that of its chain"));
        }
        Ok(())
    }

    async fn tip(&self) -> Result<Tip> {
        let Some(record) = records::last(&self.store, &self.journal).await? else {
            return Ok(Tip {
                chain: Chain::default(),
                frontier: Frontier::default(),
            });
        };
        if !record.is_sound(&self.origin, &*self.signer).await? {
            return Err(self
                .corrupt("the last recorded head is not genuine")
                .with_context("size", record.size));
        }
        Ok(Tip {
            chain: Chain::new(record.head.checkpoint().end()),
            frontier: record.frontier,
        })
    }

    /// Reads on to entry `to`.
    async fn extend(&self, tip: &mut Tip, to: u64) -> Result<()> {
        while tip.frontier.size() < to {
            let after = tip.frontier.size();
            let left = usize::try_from(to.saturating_sub(after)).unwrap_or(PAGE);
            let page = self
                .store
                .read_journal(&self.journal, after, left.min(PAGE))
                .await?;
            if page.is_empty() {
                return Err(self
                    .corrupt("the journal ends before its recorded end")
                    .with_context("end", after));
            }
            for entry in &page {
                tip.chain.follow(entry).map_err(|broken| {
                    self.corrupt("the chain of the journal is broken")
                        .with_context("broken", broken)
                })?;
                tip.frontier.push(TreeHash::of_entry(entry));
            }
        }
        Ok(())
    }

    async fn seal(&self, tip: &Tip) -> Result<SignedHead> {
        let now = self.clock.now();
        let end = tip.chain.head();
        let checkpoint = Checkpoint::new(self.origin.clone(), &tip.frontier, end.hash, now);
        let head = sign(&*self.signer, checkpoint).await?;
        // The host's copy counts, so it is made first.
        for sink in &self.sinks {
            sink.take(&head).await?;
        }
        let mut batch = Batch::new(now);
        batch.put_with(
            &AUDIT_HEADS,
            records::id(&self.journal, head.size())?,
            &HeadRecord::new(head.clone(), tip.frontier.clone()),
            Precondition::Absent,
            Vec::new(),
        )?;
        match self.store.commit(batch).await {
            Ok(_) => {
                self.store.telemetry().count(AUDIT_HEADS_SIGNED, &[], 1);
                Ok(head)
            }
            Err(error) if error.kind() == ErrorKind::Conflict => self.other(tip).await,
            Err(error) => Err(error),
        }
    }

    /// The head that another process has recorded for the same size.
    async fn other(&self, tip: &Tip) -> Result<SignedHead> {
        let found = records::one(&self.store, &self.journal, tip.frontier.size()).await?;
        match found {
            Some(record)
                if record.frontier == tip.frontier
                    && record.head.checkpoint().end() == tip.chain.head()
                    && record.is_sound(&self.origin, &*self.signer).await? =>
            {
                Ok(record.head)
            }
            _ => Err(self
                .corrupt("another head is recorded for the same entries")
                .with_context("size", tip.frontier.size())),
        }
    }

    fn corrupt(&self, message: &'static str) -> Error {
        Error::new(ErrorKind::Corrupt, "audit.seal", message).with_context("origin", &self.origin)
    }
}
