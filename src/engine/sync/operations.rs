//! Steps that must not stop half way: written down before they are begun, finished by the next run.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{ConnectorName, FilePath, FileVersion, NamedConnector};
use crate::engine::transfer::Calls;
use crate::error::{ErrorKind, Result};
use crate::id::RunId;
use crate::storage::{Batch, Collection, Precondition, Query, RecordId, Store, Versioned};

use super::ledger::{Done, Ledger};
use super::moves;
use super::progress::Phase;
use super::report::FailedFile;
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

/// What came of finishing what an earlier run has begun.
#[derive(Debug, Default)]
pub(super) struct Finished {
    /// How many steps were done.
    pub(super) steps: u64,
    /// What could not be done yet. The files are to be left alone until it can.
    pub(super) failed: Vec<FailedFile>,
    pub(super) left_alone: BTreeSet<FilePath>,
}

/// Finishes what an earlier run has begun, as far as the world still is what that run saw.
pub(super) async fn finish(
    ledger: &Ledger,
    places: &[NamedConnector],
    calls: &Calls,
    now: Timestamp,
) -> Result<Finished> {
    let mut finished = Finished::default();
    let Some(agreement) = ledger.agreements.first() else {
        return Ok(finished);
    };
    for operation in unfinished(&ledger.store, agreement).await? {
        let OperationRecord {
            new_path,
            places: left,
            ..
        } = &operation.value;
        let mut done = Vec::new();
        let mut stuck = false;
        for (name, path, version) in left {
            let Some(place) = places.iter().find(|place| place.name() == name) else {
                continue;
            };
            match moves::rename(place.files()?, calls, path, version, new_path).await {
                Ok(_) => done.push(Done {
                    action: Phase::Rename.name(),
                    path: path.clone(),
                    new_path: Some(new_path.clone()),
                    from: None,
                    on: vec![name.clone()],
                }),
                Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
                // Done before the crash, or somebody was there since: the new plan sees what is.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::AlreadyExists
                    ) => {}
                Err(error) => {
                    stuck = true;
                    let error = error.with_context("replica", name);
                    let failed = FailedFile::new(path.clone(), Phase::Resume, error);
                    finished.failed.push(failed);
                    finished.left_alone.extend([path.clone(), new_path.clone()]);
                }
            }
        }
        finished.steps += done.len() as u64;
        let mut batch = Batch::new(now);
        if !done.is_empty() {
            ledger.tell(&mut batch, &done)?;
        }
        if !stuck {
            let at = Precondition::At(operation.version);
            batch.delete(&SYNC_OPERATIONS, operation.id, at);
        }
        ledger.store.commit(batch).await?;
    }
    Ok(finished)
}
