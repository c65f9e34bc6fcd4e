//! A database that is forgotten when the process ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{
    Batch, CollectionName, Committed, IndexKey, IndexName, JournalEntry, JournalHead, JournalName,
    Json, LEASES, Query, Record, RecordId, RecordPage, StorageBackend, Version, Wake, Write,
};

use super::counts::WriteCounts;
use super::page::{PageOfEntries, PageOfRecords};
use super::span::{Place, Span};
use super::wakes::Wakes;

/// Keeps everything in memory, for tests and trials: what is committed is lost with the process.
///
/// Clones are the same database, opened by the same process.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::{OrganizationId, Timestamp, backends::Memory};
/// use garland::storage::{Batch, Collection, Store};
///
/// const PLACES: Collection<String> = Collection::new("places");
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
/// let mut batch = Batch::new(Timestamp::from_millis(0));
/// batch.put(&PLACES, "venue".parse()?, &"Old Mill".to_owned())?;
/// store.commit(batch).await?;
///
/// let venue = store.get(&PLACES, &"venue".parse()?).await?;
/// assert_eq!(venue.map(|found| found.value).as_deref(), Some("Old Mill"));
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Memory {
    data: Arc<Mutex<Data>>,
    wakes: Wakes,
    counts: WriteCounts,
    opening: u64,
}

impl fmt::Debug for Memory {
    /// Tells nothing of what is kept: whoever prints a handle of one organization must not see the others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Memory {
    /// Makes an empty database.
    #[must_use]
    pub fn new() -> Self {
        Self {
            data: Arc::new(Mutex::new(Data::default())),
            wakes: Wakes::new(),
            counts: WriteCounts::new(),
            opening: 0,
        }
    }

    /// Opens the same data as a restarted process would: every lease is free again, and whoever
    /// still has the database open from before is refused with [`ErrorKind::Locked`].
    #[must_use]
    pub fn reopen(&self) -> Self {
        let mut data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        data.opening += 1;
        for tenant in data.tenants.values_mut() {
            tenant.tables.remove(LEASES.name());
        }
        Self {
            data: Arc::clone(&self.data),
            wakes: Wakes::new(),
            counts: WriteCounts::new(),
            opening: data.opening,
        }
    }

    fn apply(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        batch.validate()?;
        let committed = {
            let mut data = self.data()?;
            let tenant = data.tenants.entry(organization.clone()).or_default();
            tenant.verify(&batch)?;
            // Nobody reads before the lock is free, so it may be counted first.
            self.counts.add(organization, &batch);
            tenant.apply(batch)
        };
        self.wakes.wake(&Wake::Organization(organization.clone()));
        Ok(committed)
    }

    fn data(&self) -> Result<MutexGuard<'_, Data>> {
        let data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        if data.opening == self.opening {
            return Ok(data);
        }
        Err(Error::new(
            ErrorKind::Locked,
            "memory.access",
            "the database was opened again since",
        ))
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl StorageBackend for Memory {
    async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        self.apply(organization, batch)
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
        id: &RecordId,
    ) -> Result<Option<Record>> {
        let data = self.data()?;
        let table = data.table(organization, collection);
        Ok(table.and_then(|table| table.records.get(id.as_str()).map(Stored::record)))
    }

    async fn query(&self, organization: &OrganizationId, query: &Query) -> Result<RecordPage> {
        let span = Span::of(query)?;
        let data = self.data()?;
        Ok(match (data.table(organization, &query.collection), span) {
            (Some(table), Some(span)) => table.page(query, span),
            _ => RecordPage::default(),
        })
    }

    async fn read_journal(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        let data = self.data()?;
        let mut page = PageOfEntries::new(limit);
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        for entry in data.journal(organization, journal).iter().skip(after) {
            if page.is_full() {
                break;
            }
            page.push(entry.clone());
        }
        Ok(page.finish())
    }

    async fn journal_head(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
    ) -> Result<JournalHead> {
        Ok(head(self.data()?.journal(organization, journal)))
    }

    fn watch(&self) -> BoxStream<'static, Wake> {
        self.wakes.watch()
    }

    fn watch_one(&self, organization: &OrganizationId) -> BoxStream<'static, ()> {
        self.wakes.watch_one(organization)
    }

    fn write_count(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
    ) -> Option<u64> {
        // Whoever opened the data again writes past this handle.
        let _open = self.data().ok()?;
        self.counts.of(organization, collection)
    }
}

#[derive(Default)]
struct Data {
    tenants: HashMap<OrganizationId, Tenant>,
    opening: u64,
}

impl Data {
    fn table(&self, organization: &OrganizationId, name: &CollectionName) -> Option<&Table> {
        self.tenants.get(organization)?.tables.get(name)
    }

    fn journal(&self, organization: &OrganizationId, name: &JournalName) -> &[JournalEntry] {
        let journals = self
            .tenants
            .get(organization)
            .map(|tenant| &tenant.journals);
        journals
            .and_then(|journals| journals.get(name))
            .map_or(&[], Vec::as_slice)
    }
}

#[derive(Default)]
struct Tenant {
    tables: HashMap<CollectionName, Table>,
    journals: HashMap<JournalName, Vec<JournalEntry>>,
}

impl Tenant {
    fn verify(&self, batch: &Batch) -> Result<()> {
        for (collection, id, precondition) in batch.writes().iter().filter_map(Write::target) {
            let table = self.tables.get(collection);
            let found = table.and_then(|table| table.records.get(id.as_str()));
            precondition.verify(collection, id, found.map(|found| found.version))?;
        }
        Ok(())
    }

    fn apply(&mut self, batch: Batch) -> Committed {
        let mut committed = Committed::default();
        let at = batch.at();
        for write in batch.into_writes() {
            match write {
                Write::Put {
                    collection,
                    id,
                    value,
                    indexes,
                    ..
                } => {
                    let table = self.tables.entry(collection).or_default();
                    committed.versions.push(table.put(id, value, indexes));
                }
                Write::Delete { collection, id, .. } => {
                    if let Some(table) = self.tables.get_mut(&collection) {
                        table.remove(&id);
                    }
                }
                Write::Check { .. } => {}
                Write::Append { journal, event } => {
                    let entries = self.journals.entry(journal).or_default();
                    let head = head(entries);
                    let sequence = head.sequence + 1;
                    entries.push(JournalEntry::following(&head.hash, sequence, at, event));
                    committed.sequences.push(sequence);
                }
            }
        }
        committed
    }
}

fn head(entries: &[JournalEntry]) -> JournalHead {
    let last = entries.last();
    last.map_or_else(JournalHead::default, |entry| {
        JournalHead::new(entry.sequence, entry.hash)
    })
}

#[derive(Default)]
struct Table {
    records: BTreeMap<Box<str>, Stored>,
    indexes: HashMap<IndexName, BTreeSet<Place>>,
}

struct Stored {
    id: RecordId,
    version: Version,
    value: Json,
    indexes: Vec<(IndexName, IndexKey)>,
}

impl Stored {
    fn record(&self) -> Record {
        Record::new(self.id.clone(), self.version, self.value.clone())
    }
}

impl Table {
    fn put(&mut self, id: RecordId, value: Json, indexes: Vec<(IndexName, IndexKey)>) -> Version {
        let before = self.remove(&id);
        let version = before.unwrap_or_default().next();
        for (name, key) in &indexes {
            let places = self.indexes.entry(name.clone()).or_default();
            places.insert((key.as_str().into(), id.as_str().into()));
        }
        let name = id.as_str().into();
        let stored = Stored {
            id,
            version,
            value,
            indexes,
        };
        self.records.insert(name, stored);
        version
    }

    fn remove(&mut self, id: &RecordId) -> Option<Version> {
        let before = self.records.remove(id.as_str())?;
        for (name, key) in &before.indexes {
            if let Some(places) = self.indexes.get_mut(name) {
                places.remove(&(key.as_str().into(), id.as_str().into()));
            }
        }
        Some(before.version)
    }

    fn page(&self, query: &Query, span: Span) -> RecordPage {
        let mut page = PageOfRecords::new(query.limit);
        let Some(index) = &query.index else {
            let mut found = match span.to {
                Some(to) => self.records.range(span.from.0..to.0),
                None => self.records.range(span.from.0..),
            };
            while let Some((_, stored)) = step(&mut found, query.descending) {
                if page.is_full() {
                    return page.finish(true);
                }
                page.push(None, stored.record());
            }
            return page.finish(false);
        };
        let Some(places) = self.indexes.get(index) else {
            return RecordPage::default();
        };
        let mut found = match span.to {
            Some(to) => places.range(span.from..to),
            None => places.range(span.from..),
        };
        while let Some((key, id)) = step(&mut found, query.descending) {
            if page.is_full() {
                return page.finish(true);
            }
            // INVARIANT: `put` and `remove` keep indexes and records together.
            if let Some(stored) = self.records.get(id) {
                page.push(IndexKey::parse(key.clone()).ok(), stored.record());
            }
        }
        page.finish(false)
    }
}

fn step<I: DoubleEndedIterator>(found: &mut I, descending: bool) -> Option<I::Item> {
    if descending {
        found.next_back()
    } else {
        found.next()
    }
}
