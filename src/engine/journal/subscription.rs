//! Following a journal from a cursor.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{self, BoxStream, StreamExt};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{JournalEntry, JournalName, Query, Store};

/// How a [`Subscription`] reads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SubscriptionOptions {
    /// Entries read at once and kept until they are asked for, 1 to [`Query::MAX_LIMIT`]; no more
    /// than [`Query::PAGE_BYTES`] whatever the number. Default: 256.
    pub page: usize,
    /// How long to wait for a wake-up before looking all the same, and before trying again after
    /// an error. Default: 5 seconds.
    pub interval: Duration,
}

impl Default for SubscriptionOptions {
    fn default() -> Self {
        Self {
            page: 256,
            interval: Duration::from_secs(5),
        }
    }
}

impl SubscriptionOptions {
    /// Sets [`SubscriptionOptions::page`], held within its bounds.
    #[must_use]
    pub fn with_page(mut self, entries: usize) -> Self {
        self.page = entries.clamp(1, Query::MAX_LIMIT);
        self
    }

    /// Sets [`SubscriptionOptions::interval`].
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }
}

/// Gives the entries of a journal behind a cursor, every one once and in order, and waits for more.
///
/// The cursor is a sequence number: the last entry that was dealt with, 0 before the first. Keep
/// [`position`](Subscription::position) with what was done about the entries, best in the same batch,
/// and begin there after a restart: nothing is missed and nothing comes twice, however often the
/// connection is lost.
///
/// Wake-ups only make it quick. Lose them all and it looks every
/// [`interval`](SubscriptionOptions::interval).
pub struct Subscription {
    store: Store,
    journal: JournalName,
    options: SubscriptionOptions,
    position: u64,
    /// Read and not yet given.
    ready: VecDeque<JournalEntry>,
    /// `None` once the stream has ended.
    wakes: Option<BoxStream<'static, ()>>,
    /// There was nothing more, or an error: wait before reading again.
    waits: bool,
    /// The cursor was found to be within the journal.
    checked: bool,
}

impl Subscription {
    /// Follows `journal` from behind entry `after`. Nothing is read before the first
    /// [`next`](Subscription::next).
    #[must_use]
    pub fn new(
        store: Store,
        journal: JournalName,
        after: u64,
        options: SubscriptionOptions,
    ) -> Self {
        // From here on no commit goes unnoticed.
        let wakes = Some(store.watch());
        Self {
            store,
            journal,
            options,
            position: after,
            ready: VecDeque::new(),
            wakes,
            waits: false,
            checked: false,
        }
    }

    /// Returns the number of the last entry given, or the cursor it began with.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Returns the next entry, as soon as there is one.
    ///
    /// # Errors
    /// - [`ErrorKind::Expired`]: the journal does not reach the cursor, as when an older backup was
    ///   restored. Begin anew, from a cursor that fits.
    /// - [`ErrorKind::Corrupt`]: the next entry is missing; [`verify`](super::verify) tells more.
    /// - Those of the database. The next call waits a while and tries again, from the same place.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: no entry is lost.
    pub async fn next(&mut self) -> Result<JournalEntry> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                self.position = entry.sequence;
                return Ok(entry);
            }
            if self.waits {
                self.wait().await;
                self.waits = false;
            }
            match self.read().await {
                Ok(page) => {
                    self.waits = page.is_empty();
                    self.ready = page.into();
                }
                Err(error) => {
                    self.waits = true;
                    return Err(error
                        .with_context("journal", &self.journal)
                        .with_context("position", self.position));
                }
            }
        }
    }

    /// Gives the entries as a stream, which goes on after errors and never ends by itself.
    #[must_use]
    pub fn into_stream(self) -> BoxStream<'static, Result<JournalEntry>> {
        stream::unfold(self, |mut subscription| async {
            Some((subscription.next().await, subscription))
        })
        .boxed()
    }

    async fn read(&mut self) -> Result<Vec<JournalEntry>> {
        // This read answers every wake-up so far. Should it be dropped, the next call reads again.
        while let Some(Some(Some(()))) =
            self.wakes.as_mut().map(|wakes| wakes.next().now_or_never())
        {}
        let page = self
            .store
            .read_journal(&self.journal, self.position, self.options.page)
            .await?;
        let mut last = self.position;
        for entry in &page {
            if entry.sequence != last.saturating_add(1) {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    "journal.subscribe",
                    "an entry of the journal is missing",
                )
                .with_context("found", entry.sequence));
            }
            last = entry.sequence;
        }
        if page.is_empty() && !self.checked {
            let head = self.store.journal_head(&self.journal).await?;
            if head.sequence < self.position {
                return Err(Error::new(
                    ErrorKind::Expired,
                    "journal.subscribe",
                    "the journal does not reach the cursor",
                )
                .with_context("end", head.sequence));
            }
        }
        self.checked = true;
        Ok(page)
    }

    async fn wait(&mut self) {
        let pause = tokio::time::sleep(self.options.interval);
        let Some(wakes) = &mut self.wakes else {
            return pause.await;
        };
        tokio::select! {
            woken = wakes.next() => {
                if woken.is_none() {
                    self.wakes = None;
                }
            }
            () = pause => {}
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("organization", self.store.organization())
            .field("journal", &self.journal)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
