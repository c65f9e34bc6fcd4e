//! Reading and writing the records of one account.

use futures_util::stream::BoxStream;

use crate::connector::{ConnectorName, FilePath, NameRules};
use crate::engine::crypto::keys::KeyRing;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, Precondition, Query, RecordId, Store, Versioned};

use super::records::{SEALED_FILES, SealedFile, SealedVersion};

/// How often a record is read again because somebody else was faster.
const TRIES: u32 = 32;

/// The records of one account.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) name: ConnectorName,
    pub(super) keys: KeyRing,
    /// Tells which names are the same.
    pub(super) names: NameRules,
}

/// A record as it was found, and as it shall be.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) file: SealedFile,
    pub(super) id: RecordId,
    found: Precondition,
    was: SealedFile,
}

/// Whether somebody else was faster.
#[derive(Debug, Eq, PartialEq)]
#[must_use]
pub(super) enum Saved {
    Done,
    Stale,
}

impl Book {
    pub(super) fn store(&self) -> &Store {
        self.keys.store()
    }

    /// Begins a batch of this moment.
    pub(super) fn batch(&self) -> Batch {
        Batch::new(self.keys.clock().now())
    }

    /// Paths can be longer than ids, so the id ends in a digest.
    pub(super) fn id(&self, path: &FilePath) -> Result<RecordId> {
        let key = self.names.key(path.as_str());
        let digest = blake3::hash(key.as_bytes()).to_hex();
        RecordId::parse(format!("{}/{digest}", self.name))
    }

    pub(super) async fn get(&self, path: &FilePath) -> Result<Option<SealedFile>> {
        let found = self.store().get(&SEALED_FILES, &self.id(path)?).await?;
        Ok(found.map(|record| record.value))
    }

    /// Every record of this account.
    pub(super) fn all(&self) -> BoxStream<'static, Result<Versioned<SealedFile>>> {
        let query = Query::all(SEALED_FILES.name().clone()).prefix(&format!("{}/", self.name));
        self.store().all(&SEALED_FILES, query)
    }

    /// Reads the record of a path to change it; an empty one where there is none.
    pub(super) async fn find(&self, path: &FilePath) -> Result<Found> {
        self.find_by_id(self.id(path)?, path).await
    }

    /// As [`find`](Self::find), by the record's id; `path` is for a record that has to be made.
    pub(super) async fn find_by_id(&self, id: RecordId, path: &FilePath) -> Result<Found> {
        let record = self.store().get(&SEALED_FILES, &id).await?;
        let (file, found) = match record {
            Some(record) => (record.value, Precondition::At(record.version)),
            None => {
                let file = SealedFile::new(self.name.clone(), path.clone());
                (file, Precondition::Absent)
            }
        };
        let was = file.clone();
        Ok(Found {
            file,
            id,
            found,
            was,
        })
    }

    /// Adds the destruction of a version's key to a batch: two steps.
    ///
    /// INVARIANT: only for the record that holds the version as its current one or as a replaced one, and
    /// is not about to give it away, or as one that never came to be.
    pub(super) fn destroy(&self, batch: &mut Batch, version: &SealedVersion) -> Result<()> {
        self.keys.destroy(batch, &version.key_name())
    }

    /// Commits a batch with changed records, unless one of them is not any more what it was.
    pub(super) async fn save<const N: usize>(
        &self,
        mut batch: Batch,
        records: [Found; N],
    ) -> Result<Saved> {
        for record in records {
            let Found {
                file,
                id,
                found,
                was,
            } = record;
            if file.is_empty() {
                if found != Precondition::Absent {
                    batch.delete(&SEALED_FILES, id, found);
                }
            } else if file != was {
                batch.put_with(&SEALED_FILES, id, &file, found, Vec::new())?;
            }
        }
        match self.store().commit(batch).await {
            Ok(_) => Ok(Saved::Done),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(Saved::Stale),
            Err(error) => Err(error),
        }
    }

    /// Changes the record of a path; `change` runs again where somebody else was faster.
    pub(super) async fn edit<T>(
        &self,
        path: &FilePath,
        mut change: impl FnMut(&mut SealedFile, &mut Batch) -> Result<T>,
    ) -> Result<T> {
        for _ in 0..TRIES {
            let mut found = self.find(path).await?;
            let mut batch = self.batch();
            let answer = change(&mut found.file, &mut batch)?;
            if self.save(batch, [found]).await? == Saved::Done {
                return Ok(answer);
            }
        }
        Err(crowded(path))
    }

    /// Takes out a version that never came to be, and destroys its key. One that is gone already, or
    /// that has come to its place, is left alone.
    pub(super) async fn forget(&self, path: &FilePath, version: &str) -> Result<()> {
        self.edit(path, |file, batch| {
            match file.take_pending(version) {
                // The key belongs to the record that the rename began from.
                Some(one) if one.moved_from.is_some() => Ok(()),
                Some(one) => self.destroy(batch, &one),
                None => Ok(()),
            }
        })
        .await
    }
}

/// Runs through tries of a change that others may overtake.
pub(super) fn tries() -> std::ops::Range<u32> {
    0..TRIES
}

pub(super) fn crowded(path: &FilePath) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "sealed.record",
        "too many others change the record of this file",
    )
    .with_context("path", path)
}
