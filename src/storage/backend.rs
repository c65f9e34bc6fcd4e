//! The trait of a database.

use std::fmt;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use crate::error::Result;
use crate::id::OrganizationId;

use super::batch::{Batch, Committed};
use super::journal::{JournalEntry, JournalHead};
use super::names::{CollectionName, JournalName, RecordId};
use super::record::{Query, Record, RecordPage};

/// Holds garland's own state: small records, atomic batches, ordered journals. No file contents.
///
/// # For implementors
/// - Everything is kept by organization first; nothing of one is ever seen under another.
/// - What is committed survives a crash of the process, and, unless the docs say otherwise, of the machine.
/// - A reader sees all of a batch or nothing of it, and its own commits at once.
/// - Run `garland::testing::storage` on yours (feature `testing`).
#[async_trait]
pub trait StorageBackend: fmt::Debug + Send + Sync + 'static {
    /// Writes a batch, all or nothing.
    ///
    /// The numbers of a journal's entries are given here, 1, 2, 3 … without gaps, each entry tied
    /// to the one before by [`ChainHash::link`](super::ChainHash::link).
    ///
    /// # Errors
    /// - [`ErrorKind::Conflict`](crate::ErrorKind::Conflict): a precondition does not hold; nothing was written.
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput),
    ///   [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded): as [`Batch::validate`].
    ///
    /// # Cancel safety
    ///
    /// After a drop the batch is written whole or not at all.
    async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed>;

    /// Reads one record.
    ///
    /// # Errors
    /// Those of the database. A missing record is `None`.
    async fn get(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
        id: &RecordId,
    ) -> Result<Option<Record>>;

    /// Reads a page of records.
    ///
    /// Ids and keys are ordered by bytes; records with one key by id. A record that neither came nor
    /// went while pages were read is given exactly once.
    ///
    /// A page ends early by [`Query::PAGE_BYTES`]; a limit out of range is held within it.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): the cursor is that of a query by
    ///   id and this one goes by an index, or the other way round.
    /// - Those of the database.
    async fn query(&self, organization: &OrganizationId, query: &Query) -> Result<RecordPage>;

    /// Reads the entries of a journal that follow `after`, at most `limit` (held within 1 to
    /// [`Query::MAX_LIMIT`]), in order.
    ///
    /// A page ends early by [`Query::PAGE_BYTES`], so only an empty one is the end.
    ///
    /// # Errors
    /// Those of the database. A journal without entries is empty.
    async fn read_journal(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>>;

    /// Returns the end of a journal.
    ///
    /// # Errors
    /// Those of the database.
    async fn journal_head(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
    ) -> Result<JournalHead>;

    /// Wakes whenever something may have been committed after the call, here or by another process.
    ///
    /// A wake-up may come late, twice, or one for several commits; the journal is the truth. The
    /// stream ends when the backend is gone.
    ///
    /// # For implementors
    /// Keep for each watcher which organizations it has not been told of, each once, so that a storm
    /// in one neither delays another nor ends in [`Wake::All`], which has every organization read
    /// anew. That one is for what cannot be told apart, as commits of another process, and for a
    /// watcher that has left more organizations waiting than are kept for it, at least 1,000.
    fn watch(&self) -> BoxStream<'static, Wake>;

    /// As [`watch`](Self::watch), for one organization.
    ///
    /// # For implementors
    /// What cannot tell organizations apart before it wakes somebody gives [`wakes_of`] its own `watch`. A wrapper asks
    /// what it wraps.
    fn watch_one(&self, organization: &OrganizationId) -> BoxStream<'static, ()>;

    /// Returns a number that is another one after every commit that wrote a record of `collection`,
    /// by whomever, or `None` (the default) if this value cannot know of them all without asking.
    ///
    /// A commit shows in it before it is answered; other commits may change it too. So what was read
    /// after the number was taken is what the database holds, for as long as the number is the same.
    ///
    /// # For implementors
    /// Give a number only if nobody can write but through this value and its clones, and only while
    /// that is so: `None` once the database is closed, lost or shared with another process.
    fn write_count(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
    ) -> Option<u64> {
        _ = (organization, collection);
        None
    }
}

/// Returns those wake-ups that are of one organization, for a [`StorageBackend::watch_one`]. Whoever waits for them is
/// woken by every organization, if only to wait again.
///
/// # Example
///
/// ```
/// use futures_util::StreamExt;
/// use garland::OrganizationId;
/// use garland::storage::{Wake, wakes_of};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (ours, theirs): (OrganizationId, OrganizationId) = ("studio".parse()?, "atelier".parse()?);
/// let wakes = [Wake::Organization(theirs), Wake::Organization(ours.clone()), Wake::All];
/// let wakes = futures_util::stream::iter(wakes).boxed();
/// assert_eq!(wakes_of(wakes, &ours).count().await, 2);
/// # Ok::<(), garland::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn wakes_of(
    wakes: BoxStream<'static, Wake>,
    organization: &OrganizationId,
) -> BoxStream<'static, ()> {
    let organization = organization.clone();
    wakes
        .filter_map(move |wake| {
            let is_ours = match wake {
                Wake::Organization(other) => other == organization,
                Wake::All => true,
            };
            std::future::ready(is_ours.then_some(()))
        })
        .boxed()
}

/// Tells a watcher to look again.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Wake {
    /// This organization has new records or entries.
    Organization(OrganizationId),
    /// Any organization may have.
    All,
}
