//! A database that fails on purpose.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::error::Result;
use crate::id::OrganizationId;
use crate::storage::{
    Batch, CollectionName, Committed, JournalEntry, JournalHead, JournalName, Query, Record,
    RecordId, RecordPage, StorageBackend, Wake,
};

use super::handle::Faults;
use super::kind::Operation;
use super::perform::Gate;

/// Wraps a database; each call goes through [`Faults`]. Wake-ups pass, as they come at any time,
/// and so do counts of writes, which are no call to the database.
#[derive(Clone, Debug)]
pub struct FaultyStorage {
    inner: Arc<dyn StorageBackend>,
    gate: Gate,
}

impl FaultyStorage {
    /// Wraps a database, which is called `storage` in [`Faults::injected`] and in rules.
    #[must_use]
    pub fn new(inner: Arc<dyn StorageBackend>, faults: Faults) -> Self {
        Self {
            inner,
            gate: Gate::new(faults, "storage"),
        }
    }

    /// Returns the database inside.
    #[must_use]
    pub fn inner(&self) -> &Arc<dyn StorageBackend> {
        &self.inner
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl StorageBackend for FaultyStorage {
    async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        let effect = self.inner.commit(organization, batch);
        self.gate.call(Operation::Commit, "", effect).await
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
        id: &RecordId,
    ) -> Result<Option<Record>> {
        let effect = self.inner.get(organization, collection, id);
        self.gate
            .call(Operation::Get, collection.as_str(), effect)
            .await
    }

    async fn query(&self, organization: &OrganizationId, query: &Query) -> Result<RecordPage> {
        let effect = self.inner.query(organization, query);
        self.gate
            .call(Operation::Query, query.collection.as_str(), effect)
            .await
    }

    async fn read_journal(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        let effect = self.inner.read_journal(organization, journal, after, limit);
        self.gate
            .call(Operation::ReadJournal, journal.as_str(), effect)
            .await
    }

    async fn journal_head(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
    ) -> Result<JournalHead> {
        let effect = self.inner.journal_head(organization, journal);
        self.gate
            .call(Operation::JournalHead, journal.as_str(), effect)
            .await
    }

    fn watch(&self) -> BoxStream<'static, Wake> {
        self.inner.watch()
    }

    fn watch_one(&self, organization: &OrganizationId) -> BoxStream<'static, ()> {
        self.inner.watch_one(organization)
    }

    fn write_count(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
    ) -> Option<u64> {
        self.inner.write_count(organization, collection)
    }
}
