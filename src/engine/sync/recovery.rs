//! Versions that were replaced or deleted: where they go, how long they stay.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{ConnectorName, Expect, FilePath, NamedConnector};
use crate::engine::transfer::Calls;
use crate::error::{ErrorKind, Result};
use crate::id::RunId;
use crate::storage::{Batch, Collection, IndexKey, IndexName, Precondition, Query, RecordId};

use super::ledger::{ACTS, Done, Ledger};
use super::scan::OWN_FOLDER;

/// The collection of recovered versions.
pub const SYNC_RECOVERED: Collection<RecoveredFile> = Collection::new("sync_recovered");

const BY_TIME: IndexName = IndexName::new("by_time");

/// How many files are pruned at a time: what one journal event names.
const PAGE: usize = 48;

/// A version that a run has moved out of the way instead of losing it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct RecoveredFile {
    /// The place.
    pub connector: ConnectorName,
    /// Where it was.
    pub path: FilePath,
    /// Where it is now.
    pub recovered: FilePath,
    /// The run that moved it.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
}

impl RecoveredFile {
    /// Adds the record to a batch.
    pub(super) fn record(&self, batch: &mut Batch) -> Result<()> {
        let id = id(&self.connector, &self.recovered)?;
        let key = IndexKey::parse(format!("{:020}", self.at.as_millis().max(0)))?;
        batch.put_with(
            &SYNC_RECOVERED,
            id,
            self,
            Precondition::Any,
            vec![(BY_TIME, key)],
        )?;
        Ok(())
    }
}

/// Where a version of `path` goes in `run`; `number` counts the versions of one path in one run.
pub(super) fn recovery_path(run: RunId, number: u32, path: &FilePath) -> Result<FilePath> {
    let suffix = if number < 2 {
        String::new()
    } else {
        format!("-{number}")
    };
    FilePath::parse(format!("{OWN_FOLDER}/recovered/{run}{suffix}/{path}"))
}

/// Removes what was recovered before `until` from `places`; returns how many files that were.
pub(super) async fn prune(
    ledger: &Ledger,
    places: &[NamedConnector],
    calls: &Calls,
    now: Timestamp,
    until: Timestamp,
) -> Result<u64> {
    let end = format!("{:020}", until.as_millis().max(0)).into();
    let old = std::ops::Bound::Excluded(end);
    let mut query = Query::all(SYNC_RECOVERED.name().clone())
        .by(BY_TIME)
        .between(std::ops::Bound::Unbounded, old)
        .with_limit(PAGE);
    let mut removed = 0;
    loop {
        let page = ledger.store.query(&query).await?;
        let mut batch = Batch::new(now);
        let mut done = Vec::new();
        for record in &page.records {
            let file: RecoveredFile = record.value.read()?;
            let Some(place) = places.iter().find(|place| *place.name() == file.connector) else {
                continue;
            };
            let files = place.files()?;
            let path = &file.recovered;
            let gone = calls
                .repeat("sync.prune", || async {
                    match files.delete(path, &Expect::Anything).await {
                        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                        other => other,
                    }
                })
                .await;
            match gone {
                Ok(()) => {
                    batch.delete(&SYNC_RECOVERED, record.id.clone(), Precondition::Any);
                    removed += 1;
                    done.push(Done {
                        action: "prune",
                        path: file.recovered.clone(),
                        new_path: None,
                        from: None,
                        on: vec![file.connector.clone()],
                    });
                }
                Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
                // It is tried again by the next run.
                Err(error) => tracing::warn!(path = %path, error = %error, "could not be pruned"),
            }
        }
        if !done.is_empty() {
            ledger.tell(&mut batch, ACTS, &done)?;
        }
        ledger.store.commit(batch).await?;
        match page.next {
            Some(cursor) => query = query.with_after(cursor),
            None => return Ok(removed),
        }
    }
}

fn id(connector: &ConnectorName, recovered: &FilePath) -> Result<RecordId> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(connector.as_str().as_bytes()).update(b"/");
    hasher.update(recovered.as_str().as_bytes());
    RecordId::parse(hasher.finalize().to_hex().to_string())
}
