//! Steps that must not stop half way: written down before they are begun, finished by the next run.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{ConnectorName, FilePath, FileVersion, NamedConnector};
use crate::engine::transfer::Calls;
use crate::error::{ErrorKind, Result};
use crate::id::RunId;
use crate::storage::{Batch, Collection, Precondition, Query, RecordId, Store, Versioned};

use super::moves;
use super::state::Agreement;

/// The collection of steps under way.
pub const SYNC_OPERATIONS: Collection<OperationRecord> = Collection::new("sync_operations");

/// A rename on several places that must happen on all of them, or conflict copies would multiply.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct OperationRecord {
    /// The run that began it.
    pub run: RunId,
    /// When.
    pub begun: Timestamp,
    /// Where the file goes.
    pub new_path: FilePath,
    /// Where it is: the place, the path there, and the version that is meant.
    pub places: Vec<(ConnectorName, FilePath, FileVersion)>,
}

/// Names the record of a rename.
pub(super) fn id(agreement: &Agreement, new_path: &FilePath) -> Result<RecordId> {
    RecordId::parse(format!(
        "{}/{}",
        agreement.as_str(),
        blake3::hash(new_path.as_str().as_bytes()).to_hex()
    ))
}

/// Reads what an earlier run has left unfinished.
pub(super) async fn unfinished(
    store: &Store,
    agreement: &Agreement,
) -> Result<Vec<Versioned<OperationRecord>>> {
    use futures_util::TryStreamExt;
    let query =
        Query::all(SYNC_OPERATIONS.name().clone()).prefix(&format!("{}/", agreement.as_str()));
    store.all(&SYNC_OPERATIONS, query).try_collect().await
}

/// Finishes what an earlier run has begun, as far as the world still is what that run saw; returns
/// how many steps that were.
pub(super) async fn finish(
    store: &Store,
    agreement: &Agreement,
    places: &[NamedConnector],
    calls: &Calls,
    now: Timestamp,
) -> Result<u64> {
    let mut finished = 0;
    for operation in unfinished(store, agreement).await? {
        let OperationRecord {
            new_path,
            places: left,
            ..
        } = &operation.value;
        for (name, path, version) in left {
            let Some(place) = places.iter().find(|place| place.name() == name) else {
                continue;
            };
            match moves::rename(place.files()?, calls, path, version, new_path).await {
                Ok(_) => finished += 1,
                // Done before the crash, or somebody was there since: the new plan sees what is.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::AlreadyExists
                    ) => {}
                Err(error) => return Err(error),
            }
        }
        let mut batch = Batch::new(now);
        batch.delete(
            &SYNC_OPERATIONS,
            operation.id,
            Precondition::At(operation.version),
        );
        store.commit(batch).await?;
    }
    Ok(finished)
}
