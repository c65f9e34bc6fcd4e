//! A database that remembers who was asked for, and whatever was ever written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use garland::storage::{
    Batch, CollectionName, Committed, JournalEntry, JournalHead, JournalName, Query, Record,
    RecordId, RecordPage, StorageBackend, Wake, Write,
};
use garland::{OrganizationId, Result};

/// A record by where it stands.
pub(crate) type Place = (CollectionName, RecordId);

#[derive(Default)]
struct Seen {
    asked: BTreeSet<OrganizationId>,
    /// The last put of each record, with its entries in indexes: what whoever has the database can copy.
    puts: BTreeMap<OrganizationId, BTreeMap<Place, Write>>,
    journals: BTreeMap<OrganizationId, BTreeSet<JournalName>>,
}

/// Passes everything on.
#[derive(Clone)]
pub(crate) struct Tap {
    inner: Arc<dyn StorageBackend>,
    seen: Arc<Mutex<Seen>>,
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Tap {
    pub(crate) fn new(inner: Arc<dyn StorageBackend>) -> Self {
        let seen = Arc::default();
        Self { inner, seen }
    }

    /// The organizations that anything was asked of since the last call.
    pub(crate) fn asked(&self) -> BTreeSet<OrganizationId> {
        std::mem::take(&mut self.seen.lock().unwrap().asked)
    }

    /// What was put last of each record of an organization, deleted or not.
    pub(crate) fn puts(&self, organization: &OrganizationId) -> BTreeMap<Place, Write> {
        let seen = self.seen.lock().unwrap();
        seen.puts.get(organization).cloned().unwrap_or_default()
    }

    pub(crate) fn journals(&self, organization: &OrganizationId) -> BTreeSet<JournalName> {
        let seen = self.seen.lock().unwrap();
        seen.journals.get(organization).cloned().unwrap_or_default()
    }

    fn note(&self, organization: &OrganizationId) {
        let mut seen = self.seen.lock().unwrap();
        seen.asked.insert(organization.clone());
    }

    fn keep(&self, organization: &OrganizationId, batch: &Batch) {
        let mut seen = self.seen.lock().unwrap();
        for write in batch.writes() {
            match write {
                Write::Put { collection, id, .. } => {
                    let puts = seen.puts.entry(organization.clone()).or_default();
                    puts.insert((collection.clone(), id.clone()), write.clone());
                }
                Write::Append { journal, .. } => {
                    let journals = seen.journals.entry(organization.clone()).or_default();
                    journals.insert(journal.clone());
                }
                _ => {}
            }
        }
    }
}

#[async_trait]
impl StorageBackend for Tap {
    async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        self.note(organization);
        let copy = batch.clone();
        let committed = self.inner.commit(organization, batch).await?;
        self.keep(organization, &copy);
        Ok(committed)
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
        id: &RecordId,
    ) -> Result<Option<Record>> {
        self.note(organization);
        self.inner.get(organization, collection, id).await
    }

    async fn query(&self, organization: &OrganizationId, query: &Query) -> Result<RecordPage> {
        self.note(organization);
        self.inner.query(organization, query).await
    }

    async fn read_journal(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        self.note(organization);
        let inner = &self.inner;
        inner
            .read_journal(organization, journal, after, limit)
            .await
    }

    async fn journal_head(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
    ) -> Result<JournalHead> {
        self.note(organization);
        self.inner.journal_head(organization, journal).await
    }

    fn watch(&self) -> BoxStream<'static, Wake> {
        self.inner.watch()
    }

    fn write_count(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
    ) -> Option<u64> {
        self.note(organization);
        self.inner.write_count(organization, collection)
    }
}
