//! Steps that must not stop half way: written down before they are begun, finished by the next run.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{ConnectorName, FilePath, FileVersion, NamedConnector};
use crate::engine::transfer::Calls;
use crate::error::{ErrorKind, Result};
use crate::id::RunId;
use crate::storage::{Collection, Precondition, Query, RecordId, Store, Versioned};

use super::ledger::{ACTS, Done, Ledger};
use super::moves;
use super::progress::Phase;
use super::report::FailedFile;
use super::state::Agreement;

/// The collection of steps under way.
pub const SYNC_OPERATIONS: Collection<OperationRecord> = Collection::new("sync_operations");

/// A rename or a delete on one or several places, to be done on all of them.
///
/// A rename that stopped half way would multiply conflict copies; a delete that nobody remembers
/// would look like somebody else's, and take along what was put back meanwhile.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct OperationRecord {
    /// The run that began it.
    pub run: RunId,
    /// When.
    pub begun: Timestamp,
    /// The file, as the plan calls it.
    pub path: FilePath,
    /// Where it goes; `None` if it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_path: Option<FilePath>,
    /// Where it is: the place, the path there, and the version that is meant.
    pub places: Vec<(ConnectorName, FilePath, FileVersion)>,
}

/// Names the record of an operation.
pub(super) fn id(
    agreement: &Agreement,
    path: &FilePath,
    new_path: Option<&FilePath>,
) -> Result<RecordId> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(path.as_str().as_bytes()).update(b"\0");
    hasher.update(new_path.map_or("", FilePath::as_str).as_bytes());
    let digest = hasher.finalize().to_hex();
    RecordId::parse(format!("{}/{digest}", agreement.as_str()))
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
            path: planned,
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
            let files = place.files()?;
            let outcome = match new_path {
                Some(to) => moves::rename(files, calls, path, version, to)
                    .await
                    .map(|_| Phase::Rename),
                None => moves::delete(files, calls, path, version)
                    .await
                    .map(|()| Phase::Delete),
            };
            match outcome {
                Ok(phase) => done.push(Done {
                    action: phase.name(),
                    path: path.clone(),
                    new_path: new_path.clone(),
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
                    let paths = [Some(path), Some(planned), new_path.as_ref()];
                    finished
                        .left_alone
                        .extend(paths.into_iter().flatten().cloned());
                }
            }
        }
        finished.steps += done.len() as u64;
        let mut batch = ledger.batch(now);
        if !done.is_empty() {
            ledger.tell(&mut batch, ACTS, &done)?;
        }
        if !stuck {
            if new_path.is_none() {
                // Whatever is there now was put there since.
                let names: Vec<_> = left.iter().map(|(name, ..)| name).collect();
                ledger
                    .forget(&mut batch, places, planned, &names, now)
                    .await?;
            }
            ledger.make_room(&mut batch, now).await?;
            let at = Precondition::At(operation.version);
            batch.delete(&SYNC_OPERATIONS, operation.id, at);
        }
        ledger.store.commit(batch).await?;
    }
    Ok(finished)
}
