//! A database that is looked at, and put in the place of another.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use garland::storage::{
    Batch, CollectionName, Committed, JournalEntry, JournalHead, JournalName, Query, Record,
    RecordId, RecordPage, StorageBackend, Wake,
};
use garland::{OrganizationId, Result};

type Backend = Arc<dyn StorageBackend>;

/// A database that counts calls, may give no wake-ups, and can be swapped for another.
pub(crate) struct Wired {
    inner: Mutex<Backend>,
    pub(crate) calls: AtomicU64,
    /// How often something of each organization was read.
    pub(crate) reads: Mutex<BTreeMap<OrganizationId, u64>>,
    pub(crate) is_silent: AtomicBool,
}

impl Wired {
    pub(crate) fn new(inner: &Backend) -> Self {
        Self {
            inner: Mutex::new(Arc::clone(inner)),
            calls: AtomicU64::new(0),
            reads: Mutex::default(),
            is_silent: AtomicBool::new(false),
        }
    }

    pub(crate) fn swap(&self, other: &Backend) {
        *self.inner.lock().unwrap() = Arc::clone(other);
    }

    fn read(&self, organization: &OrganizationId) -> Backend {
        let mut reads = self.reads.lock().unwrap();
        *reads.entry(organization.clone()).or_default() += 1;
        drop(reads);
        self.call()
    }

    fn call(&self) -> Backend {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Arc::clone(&self.inner.lock().unwrap())
    }
}

impl fmt::Debug for Wired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wired").finish_non_exhaustive()
    }
}

#[async_trait]
impl StorageBackend for Wired {
    async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        self.call().commit(organization, batch).await
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
        id: &RecordId,
    ) -> Result<Option<Record>> {
        self.read(organization)
            .get(organization, collection, id)
            .await
    }

    async fn query(&self, organization: &OrganizationId, query: &Query) -> Result<RecordPage> {
        self.read(organization).query(organization, query).await
    }

    async fn read_journal(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        let inner = self.read(organization);
        inner
            .read_journal(organization, journal, after, limit)
            .await
    }

    async fn journal_head(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
    ) -> Result<JournalHead> {
        let inner = self.read(organization);
        inner.journal_head(organization, journal).await
    }

    fn watch(&self) -> BoxStream<'static, Wake> {
        if self.is_silent.load(Ordering::SeqCst) {
            return stream::pending().boxed();
        }
        self.inner.lock().unwrap().watch()
    }

    fn watch_one(&self, organization: &OrganizationId) -> BoxStream<'static, ()> {
        if self.is_silent.load(Ordering::SeqCst) {
            return stream::pending().boxed();
        }
        self.inner.lock().unwrap().watch_one(organization)
    }
}
