//! Uploads in flight, written down so that a restart goes on where they were.

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Timestamp};
use crate::connector::{ConnectorName, FilePath, FileVersion, UploadToken};
use crate::error::Result;
use crate::storage::{Batch, Collection, Precondition, RecordId, Store};

/// The collection of uploads in flight.
pub const TRANSFER_UPLOADS: Collection<UploadRecord> = Collection::new("transfer_uploads");

/// An upload in flight.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct UploadRecord {
    /// Where it goes.
    pub connector: ConnectorName,
    /// The path there.
    pub path: FilePath,
    /// What is being sent; a token for another version is of no use.
    pub source: FileVersion,
    /// When it began.
    pub begun: Timestamp,
    /// How the platform knows it.
    pub token: UploadToken,
}

/// Reads and writes [`UploadRecord`]s.
#[derive(Clone, Copy)]
pub(super) struct Uploads<'a> {
    pub(super) store: &'a Store,
    pub(super) clock: &'a dyn Clock,
}

impl Uploads<'_> {
    /// Returns the upload to this place that is written down, of whatever version.
    pub(super) async fn find(
        self,
        connector: &ConnectorName,
        path: &FilePath,
    ) -> Result<Option<UploadRecord>> {
        let found = self
            .store
            .get(&TRANSFER_UPLOADS, &id(connector, path)?)
            .await?;
        Ok(found.map(|record| record.value))
    }

    pub(super) async fn remember(
        self,
        connector: &ConnectorName,
        path: &FilePath,
        source: &FileVersion,
        token: UploadToken,
    ) -> Result<()> {
        let begun = self.clock.now();
        let record = UploadRecord {
            connector: connector.clone(),
            path: path.clone(),
            source: source.clone(),
            begun,
            token,
        };
        let mut batch = Batch::new(begun);
        batch.put(&TRANSFER_UPLOADS, id(connector, path)?, &record)?;
        self.store.commit(batch).await.map(|_| ())
    }

    pub(super) async fn forget(self, connector: &ConnectorName, path: &FilePath) -> Result<()> {
        let mut batch = Batch::new(self.clock.now());
        batch.delete(&TRANSFER_UPLOADS, id(connector, path)?, Precondition::Any);
        self.store.commit(batch).await.map(|_| ())
    }
}

/// Paths can be longer than ids, so the id is a digest of both names.
fn id(connector: &ConnectorName, path: &FilePath) -> Result<RecordId> {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(connector.as_str().as_bytes())
        .update(b"/")
        .update(path.as_str().as_bytes());
    RecordId::parse(hasher.finalize().to_hex().to_string())
}
