//! Databases with somebody between them and whoever asks.

use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use garland::storage::{
    Batch, CollectionName, Committed, JournalEntry, JournalHead, JournalName, Query, Record,
    RecordId, RecordPage, StorageBackend, Wake,
};
use garland::{OrganizationId, Result};

/// What is asked of a database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Call {
    Commit,
    Get,
    Query,
    Journal,
}

/// Somebody who sees every call before it is passed on.
#[async_trait]
pub(crate) trait Middleman: Debug + Send + Sync + 'static {
    /// The database itself.
    fn inner(&self) -> Arc<dyn StorageBackend>;

    async fn before(&self, _: &OrganizationId, _: Call) {}

    fn committed(&self, _: &OrganizationId, _: &Batch) {}

    fn counts(&self, organization: &OrganizationId, collection: &CollectionName) -> Option<u64> {
        self.inner().write_count(organization, collection)
    }
}

/// A database as it is seen through somebody.
#[derive(Debug)]
pub(crate) struct Between<M>(pub(crate) Arc<M>);

impl<M> Clone for Between<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Deref for Between<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.0
    }
}

#[async_trait]
impl<M: Middleman> StorageBackend for Between<M> {
    async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        self.0.before(organization, Call::Commit).await;
        let copy = batch.clone();
        let committed = self.0.inner().commit(organization, batch).await?;
        self.0.committed(organization, &copy);
        Ok(committed)
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
        id: &RecordId,
    ) -> Result<Option<Record>> {
        self.0.before(organization, Call::Get).await;
        self.0.inner().get(organization, collection, id).await
    }

    async fn query(&self, organization: &OrganizationId, query: &Query) -> Result<RecordPage> {
        self.0.before(organization, Call::Query).await;
        self.0.inner().query(organization, query).await
    }

    async fn read_journal(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        self.0.before(organization, Call::Journal).await;
        let inner = self.0.inner();
        inner
            .read_journal(organization, journal, after, limit)
            .await
    }

    async fn journal_head(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
    ) -> Result<JournalHead> {
        self.0.before(organization, Call::Journal).await;
        self.0.inner().journal_head(organization, journal).await
    }

    fn watch(&self) -> BoxStream<'static, Wake> {
        self.0.inner().watch()
    }

    fn watch_one(&self, organization: &OrganizationId) -> BoxStream<'static, ()> {
        self.0.inner().watch_one(organization)
    }

    fn write_count(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
    ) -> Option<u64> {
        self.0.counts(organization, collection)
    }
}
