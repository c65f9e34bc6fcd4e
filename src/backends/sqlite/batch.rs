//! One batch inside a transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Statement, params};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{
    Batch, ChainHash, CollectionName, Committed, IndexKey, IndexName, JournalHead, JournalName,
    Json, RecordId, Version, Write,
};

use super::error::map;
use super::numbers::{signed, unsigned};
use super::schema::make_view;

const COMMIT: &str = "sqlite.commit";

/// Why a batch is not written.
pub(super) enum Failure {
    /// It may not be: nothing of it was written, and the transaction goes on.
    Refused(Error),
    /// The database failed: the transaction must be rolled back.
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Broken(cause)
    }
}

/// Writes batches into the open transaction of a connection.
pub(super) struct BatchWriter<'c> {
    connection: &'c Connection,
    statements: Statements<'c>,
    /// Collections that have their view.
    viewed: HashSet<CollectionName>,
    /// Ends of the journals this transaction has appended to, not yet written.
    heads: HashMap<(OrganizationId, JournalName), JournalHead>,
}

impl<'c> BatchWriter<'c> {
    pub(super) fn new(connection: &'c Connection) -> Result<Self> {
        Ok(Self {
            connection,
            statements: Statements::prepare(connection).map_err(|cause| map(COMMIT, cause))?,
            viewed: HashSet::new(),
            heads: HashMap::new(),
        })
    }

    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.statements.begin.execute([]).map(drop)
    }

    /// Makes what the transaction has written durable.
    pub(super) fn commit(&mut self) -> rusqlite::Result<()> {
        for ((organization, journal), head) in self.heads.drain() {
            self.statements.set_head.execute(params![
                organization.as_str(),
                journal.as_str(),
                signed(head.sequence),
                head.hash.as_bytes(),
            ])?;
        }
        self.statements.commit.execute([]).map(drop)
    }

    /// Undoes what the transaction has written, if SQLite has not done so already.
    pub(super) fn roll_back(&mut self) {
        self.heads.clear();
        self.viewed.clear();
        if !self.connection.is_autocommit() {
            // What cannot be rolled back now is undone when the connection closes.
            self.connection.execute_batch("ROLLBACK").ok();
        }
    }

    /// Writes a batch. All its preconditions are checked before anything is written: no record is
    /// named twice, so that none depends on what the batch itself writes. No savepoint is needed.
    pub(super) fn write(
        &mut self,
        organization: &OrganizationId,
        batch: &Batch,
    ) -> Result<Committed, Failure> {
        let at = batch.at();
        let mut before = Vec::with_capacity(batch.writes().len());
        for write in batch.writes() {
            before.push(self.before(organization, write)?);
        }
        let mut committed = Committed::default();
        for (write, before) in batch.writes().iter().zip(before) {
            match write {
                Write::Put {
                    collection,
                    id,
                    value,
                    indexes,
                    ..
                } => {
                    let place = Place(organization, collection, id);
                    let version = self.put(&place, before, value, indexes)?;
                    committed.versions.push(version);
                    self.view(collection)?;
                }
                Write::Delete { collection, id, .. } => {
                    if let Some(before) = before {
                        self.delete(&Place(organization, collection, id), &before)?;
                    }
                }
                Write::Check { .. } => {}
                Write::Append { journal, event } => {
                    let sequence = self.append(organization, journal, at, event)?;
                    committed.sequences.push(sequence);
                }
            }
        }
        Ok(committed)
    }

    /// Reads what a step will change, and checks its precondition.
    fn before(
        &mut self,
        organization: &OrganizationId,
        write: &Write,
    ) -> Result<Option<Before>, Failure> {
        let Some((collection, id, precondition)) = write.target() else {
            return Ok(None);
        };
        let key = params![organization.as_str(), collection.as_str(), id.as_str()];
        let found = self
            .statements
            .find
            .query_row(key, |row| {
                let version = Version::new(unsigned(row, 0)?);
                Ok((version, row.get::<_, Option<String>>(1)?))
            })
            .optional()?;
        let version = found.as_ref().map(|(version, _)| *version);
        precondition
            .verify(collection, id, version)
            .map_err(Failure::Refused)?;
        let Some((version, keys)) = found else {
            return Ok(None);
        };
        let indexes = keys.map_or(Ok(BTreeMap::new()), |keys| {
            serde_json::from_str(&keys).map_err(|cause| {
                let error = Error::new(
                    ErrorKind::Corrupt,
                    COMMIT,
                    "the index keys of a record cannot be read",
                );
                let error = error
                    .with_context("collection", collection)
                    .with_context("id", id);
                Failure::Refused(error.with_source(cause))
            })
        })?;
        Ok(Some(Before { version, indexes }))
    }

    fn put(
        &mut self,
        place: &Place<'_>,
        before: Option<Before>,
        value: &Json,
        indexes: &[(IndexName, IndexKey)],
    ) -> Result<Version, Failure> {
        let Place(organization, collection, id) = place;
        let indexes: BTreeMap<Box<str>, Box<str>> = indexes
            .iter()
            .map(|(name, key)| (name.as_str().into(), key.as_str().into()))
            .collect();
        let keys = if indexes.is_empty() {
            None
        } else {
            Some(Json::of(&indexes).map_err(Failure::Refused)?)
        };
        let version = before.as_ref().map(|before| before.version);
        let version = version.unwrap_or_default().next();
        let statement = match before {
            Some(_) => &mut self.statements.update,
            None => &mut self.statements.insert,
        };
        statement.execute(params![
            organization.as_str(),
            collection.as_str(),
            id.as_str(),
            signed(version.get()),
            value.as_str(),
            keys.as_ref().map(Json::as_str),
        ])?;
        let old = before.map(|before| before.indexes).unwrap_or_default();
        if old != indexes {
            self.unindex(place, &old)?;
            for (name, key) in &indexes {
                self.statements.insert_entry.execute(params![
                    organization.as_str(),
                    collection.as_str(),
                    name,
                    key,
                    id.as_str(),
                ])?;
            }
        }
        Ok(version)
    }

    fn delete(&mut self, place: &Place<'_>, before: &Before) -> Result<(), Failure> {
        let Place(organization, collection, id) = place;
        let key = params![organization.as_str(), collection.as_str(), id.as_str()];
        self.statements.delete.execute(key)?;
        self.unindex(place, &before.indexes)
    }

    fn unindex(
        &mut self,
        place: &Place<'_>,
        indexes: &BTreeMap<Box<str>, Box<str>>,
    ) -> Result<(), Failure> {
        let Place(organization, collection, id) = place;
        for (name, key) in indexes {
            self.statements.delete_entry.execute(params![
                organization.as_str(),
                collection.as_str(),
                name,
                key,
                id.as_str(),
            ])?;
        }
        Ok(())
    }

    fn append(
        &mut self,
        organization: &OrganizationId,
        journal: &JournalName,
        at: Timestamp,
        event: &Json,
    ) -> Result<u64, Failure> {
        let key = (organization.clone(), journal.clone());
        let head = match self.heads.get(&key) {
            Some(head) => *head,
            None => self
                .statements
                .head
                .query_row(params![key.0.as_str(), key.1.as_str()], |row| {
                    Ok(JournalHead::new(
                        unsigned(row, 0)?,
                        ChainHash::new(row.get(1)?),
                    ))
                })
                .optional()?
                .unwrap_or_default(),
        };
        let sequence = head.sequence.saturating_add(1);
        let hash = head.hash.link(sequence, at, event);
        self.statements.insert_event.execute(params![
            key.0.as_str(),
            key.1.as_str(),
            signed(sequence),
            at.as_millis(),
            event.as_str(),
            hash.as_bytes(),
        ])?;
        self.heads.insert(key, JournalHead::new(sequence, hash));
        Ok(sequence)
    }

    fn view(&mut self, collection: &CollectionName) -> Result<(), Failure> {
        if !self.viewed.contains(collection) {
            make_view(self.connection, collection)?;
            self.viewed.insert(collection.clone());
        }
        Ok(())
    }
}

/// What a record was before a step.
struct Before {
    version: Version,
    indexes: BTreeMap<Box<str>, Box<str>>,
}

/// Where a record is.
struct Place<'b>(&'b OrganizationId, &'b CollectionName, &'b RecordId);

struct Statements<'c> {
    begin: Statement<'c>,
    commit: Statement<'c>,
    find: Statement<'c>,
    insert: Statement<'c>,
    update: Statement<'c>,
    delete: Statement<'c>,
    insert_entry: Statement<'c>,
    delete_entry: Statement<'c>,
    head: Statement<'c>,
    set_head: Statement<'c>,
    insert_event: Statement<'c>,
}

impl<'c> Statements<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            find: connection.prepare(
                "SELECT version, index_keys FROM records
                 WHERE organization = ?1 AND collection = ?2 AND id = ?3",
            )?,
            insert: connection.prepare(
                "INSERT INTO records (organization, collection, id, version, value, index_keys)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?,
            update: connection.prepare(
                "UPDATE records SET version = ?4, value = ?5, index_keys = ?6
                 WHERE organization = ?1 AND collection = ?2 AND id = ?3",
            )?,
            delete: connection.prepare(
                "DELETE FROM records WHERE organization = ?1 AND collection = ?2 AND id = ?3",
            )?,
            insert_entry: connection.prepare(
                "INSERT INTO index_entries (organization, collection, name, key, id)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
            delete_entry: connection.prepare(
                "DELETE FROM index_entries
                 WHERE organization = ?1 AND collection = ?2 AND name = ?3 AND key = ?4 AND id = ?5",
            )?,
            head: connection.prepare(
                "SELECT sequence, hash FROM journal_heads
                 WHERE organization = ?1 AND journal = ?2",
            )?,
            set_head: connection.prepare(
                "INSERT INTO journal_heads (organization, journal, sequence, hash)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash",
            )?,
            insert_event: connection.prepare(
                "INSERT INTO journal_entries (organization, journal, sequence, at, event, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?,
        })
    }
}
