//! A backend bound to one organization.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::telemetry::{Metrics, STORAGE_COMMIT_SECONDS, STORAGE_COMMITS, Telemetry, outcome};

use super::backend::StorageBackend;
use super::batch::{Batch, Committed};
use super::journal::{JournalEntry, JournalHead};
use super::names::{JournalName, RecordId};
use super::record::{Collection, Query, RecordPage, Versioned};

/// The records and journals of one organization: the only way the rooms above reach a backend.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Arc<dyn StorageBackend>,
    organization: OrganizationId,
    patience: Option<Duration>,
    telemetry: Telemetry,
}

impl Store {
    /// Binds a backend to an organization.
    #[must_use]
    pub fn new(backend: Arc<dyn StorageBackend>, organization: OrganizationId) -> Self {
        Self {
            backend,
            organization,
            patience: None,
            telemetry: Telemetry::default(),
        }
    }

    /// Counts what is done with the store, and what services that are given it do, into `sink`. By default nothing is counted.
    #[must_use]
    pub fn with_metrics(self, sink: Arc<dyn Metrics>) -> Self {
        self.with_telemetry(Telemetry::of(sink))
    }

    pub(crate) fn with_telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// Where those count who work with the store.
    pub(crate) fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Gives up on a call that takes longer than this, with [`ErrorKind::Timeout`]. A commit given
    /// up on may have happened. By default a call may take for ever.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Returns the organization.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.organization
    }

    /// As [`StorageBackend::commit`]. An empty batch is not sent.
    ///
    /// # Errors
    /// As there.
    pub async fn commit(&self, batch: Batch) -> Result<Committed> {
        if batch.is_empty() {
            return Ok(Committed::default());
        }
        let writes = batch.writes().len();
        let span = tracing::debug_span!("storage.commit", storage.writes = writes);
        let call = self.backend.commit(&self.organization, batch);
        let begun = self.telemetry.begin();
        let committed = self.bounded("storage.commit", call).instrument(span).await;
        let labels = [("outcome", outcome(&committed, "committed"))];
        self.telemetry.count(STORAGE_COMMITS, &labels, 1);
        self.telemetry.since(STORAGE_COMMIT_SECONDS, &labels, begun);
        committed
    }

    /// Reads one record.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if it does not hold a `T`, and those of the database.
    pub async fn get<T: DeserializeOwned>(
        &self,
        collection: &Collection<T>,
        id: &RecordId,
    ) -> Result<Option<Versioned<T>>> {
        let call = self.backend.get(&self.organization, collection.name(), id);
        let record = self.bounded("storage.get", call).await?;
        record
            .map(|record| {
                let value = record
                    .value
                    .read()
                    .map_err(|error| named(error, collection, id))?;
                Ok(Versioned::new(record.id, record.version, value))
            })
            .transpose()
    }

    /// Reads a page of records as they are stored.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn query(&self, query: &Query) -> Result<RecordPage> {
        let call = self.backend.query(&self.organization, query);
        self.bounded("storage.query", call).await
    }

    /// Reads every record that a query finds, page by page.
    pub fn all<T: DeserializeOwned + Send + 'static>(
        &self,
        collection: &Collection<T>,
        query: Query,
    ) -> BoxStream<'static, Result<Versioned<T>>> {
        let (store, name) = (self.clone(), collection.name().clone());
        let pages = stream::unfold(Some(query), move |query| {
            let (store, name) = (store.clone(), name.clone());
            async move {
                let query = query?;
                let page = match store.query(&query).await {
                    Ok(page) => page,
                    Err(error) => return Some((stream::iter(vec![Err(error)]), None)),
                };
                let next = page.next.map(|cursor| query.with_after(cursor));
                let values = page
                    .records
                    .into_iter()
                    .map(|record| match record.value.read() {
                        Ok(value) => Ok(Versioned::new(record.id, record.version, value)),
                        Err(error) => Err(error
                            .with_context("collection", &name)
                            .with_context("id", &record.id)),
                    });
                Some((stream::iter(values.collect::<Vec<_>>()), next))
            }
        });
        pages.flatten().boxed()
    }

    /// As [`StorageBackend::read_journal`].
    ///
    /// # Errors
    /// As there.
    pub async fn read_journal(
        &self,
        journal: &JournalName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        let call = self
            .backend
            .read_journal(&self.organization, journal, after, limit);
        self.bounded("storage.read_journal", call).await
    }

    /// As [`StorageBackend::journal_head`].
    ///
    /// # Errors
    /// As there.
    pub async fn journal_head(&self, journal: &JournalName) -> Result<JournalHead> {
        let call = self.backend.journal_head(&self.organization, journal);
        self.bounded("storage.journal_head", call).await
    }

    /// As [`StorageBackend::write_count`].
    #[must_use]
    pub fn write_count<T>(&self, collection: &Collection<T>) -> Option<u64> {
        self.backend
            .write_count(&self.organization, collection.name())
    }

    /// Wakes whenever something of this organization may have been committed.
    #[must_use]
    pub fn watch(&self) -> BoxStream<'static, ()> {
        self.backend.watch_one(&self.organization)
    }
}

impl Store {
    async fn bounded<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let Some(patience) = self.patience else {
            return call.await;
        };
        tokio::time::timeout(patience, call)
            .await
            .unwrap_or_else(|_| {
                let late = "the database did not answer within the time allowed";
                Err(Error::new(ErrorKind::Timeout, operation, late)
                    .with_context("seconds", patience.as_secs()))
            })
    }
}

fn named<T>(error: Error, collection: &Collection<T>, id: &RecordId) -> Error {
    error
        .with_context("collection", collection.name())
        .with_context("id", id)
}
