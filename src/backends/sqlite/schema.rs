//! The tables, how they came to be, and how a connection is set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{CollectionName, LEASES};

use super::error::map;

/// Says in the file's header whose database it is: `garl`.
const APPLICATION: i32 = 0x6761_726c;

/// How long one process waits while another writes.
const BUSY: Duration = Duration::from_secs(5);

/// Each brings the database one version on. A published one is never changed; a new one is added.
///
/// One table holds the records of every collection, so that a new collection is no change of the
/// schema that every connection must read again, and no name of a collection can be in the way of a
/// table; a view named like the collection is what a person looks at. Rows are kept in the order
/// of their key (`WITHOUT ROWID`), so that a page is one walk and a write touches one tree. A record
/// carries its index keys itself: replacing them needs no second index to find the old ones.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE records (
        organization TEXT NOT NULL,
        collection TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        value TEXT NOT NULL, -- JSON
        index_keys TEXT, -- JSON: the name of each index and the key in it
        PRIMARY KEY (organization, collection, id)
    ) WITHOUT ROWID;
    CREATE TABLE index_entries (
        organization TEXT NOT NULL,
        collection TEXT NOT NULL,
        name TEXT NOT NULL,
        key TEXT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (organization, collection, name, key, id)
    ) WITHOUT ROWID;
    CREATE TABLE journal_entries (
        organization TEXT NOT NULL,
        journal TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        at INTEGER NOT NULL, -- milliseconds since 1970 in UTC
        event TEXT NOT NULL, -- JSON
        hash BLOB NOT NULL,
        PRIMARY KEY (organization, journal, sequence)
    ) WITHOUT ROWID;
    CREATE TABLE journal_heads (
        organization TEXT NOT NULL,
        journal TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (organization, journal)
    ) WITHOUT ROWID;
    CREATE VIEW journals AS
        SELECT organization, journal, sequence,
               strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS time,
               event, lower(hex(hash)) AS hash
        FROM journal_entries;
"];

/// Opens a connection to write with, and brings the schema up to date.
///
/// What is deleted or replaced is overwritten with zeros (`secure_delete`): destroying a key is the
/// erasure of a file only if the key does not stay behind in a free page.
pub(super) fn open_writer(path: &Path, max_bytes: Option<u64>) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = open(path, flags)?;
    (|| {
        // Before anything is changed, as the file may be somebody else's.
        let checked = connection
            .unchecked_transaction()
            .map_err(|cause| map(OPEN, cause))?;
        version(&checked)?;
        drop(checked);
        let mode: String =
            ask(&connection, "PRAGMA journal_mode = WAL").map_err(|cause| map(OPEN, cause))?;
        if mode != "wal" {
            return Err(Error::new(
                ErrorKind::Unsupported,
                OPEN,
                "the file system cannot hold the database: it needs shared memory between processes",
            ));
        }
        let pragmas = "
            PRAGMA synchronous = FULL;
            PRAGMA wal_autocheckpoint = 4000;
            PRAGMA journal_size_limit = 67108864;
            PRAGMA secure_delete = ON;
            PRAGMA cache_size = -16384;
            PRAGMA temp_store = MEMORY;
        ";
        connection
            .execute_batch(pragmas)
            .and_then(|()| limit(&connection, max_bytes))
            .map_err(|cause| map(OPEN, cause))?;
        migrate(&mut connection)
    })()
    .map_err(|error| error.with_context("path", path.display()))?;
    Ok(connection)
}

/// Opens a connection to read with.
pub(super) fn open_reader(path: &Path) -> Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -16384;")
        .map_err(|cause| map(OPEN, cause).with_context("path", path.display()))?;
    Ok(connection)
}

/// Frees every lease: the process that held one is dead, as this one has the database to itself.
pub(super) fn clear_leases(connection: &Connection) -> Result<()> {
    // Hops from organization to organization instead of reading every record.
    let delete = |table: &str| {
        let sql = format!(
            "WITH RECURSIVE tenants(tenant) AS (
                SELECT MIN(organization) FROM {table}
                UNION ALL
                SELECT (SELECT MIN(organization) FROM {table} WHERE organization > tenant)
                FROM tenants WHERE tenant IS NOT NULL
            )
            DELETE FROM {table} WHERE collection = ?1
            AND organization IN (SELECT tenant FROM tenants WHERE tenant IS NOT NULL)"
        );
        connection.execute(&sql, [LEASES.name().as_str()])
    };
    delete("index_entries")
        .and_then(|_| delete("records"))
        .map(drop)
        .map_err(|cause| map(OPEN, cause))
}

/// Makes the view of a collection, unless its name is taken or kept for SQLite itself.
pub(super) fn make_view(
    connection: &Connection,
    collection: &CollectionName,
) -> rusqlite::Result<()> {
    const TAKEN: [&str; 5] = [
        "records",
        "index_entries",
        "journal_entries",
        "journal_heads",
        "journals",
    ];
    if TAKEN.contains(&collection.as_str()) || collection.as_str().starts_with("sqlite_") {
        return Ok(());
    }
    // A collection's name has only a–z, 0–9 and `_`, so it can stand here.
    connection.execute_batch(&format!(
        "CREATE VIEW IF NOT EXISTS \"{collection}\" AS
         SELECT organization, id, version, value, index_keys
         FROM records WHERE collection = '{collection}'"
    ))
}

const OPEN: &str = "sqlite.open";

fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|connection| {
            connection.busy_timeout(BUSY)?;
            Ok(connection)
        })
        .map_err(|cause| map(OPEN, cause).with_context("path", path.display()))
}

fn migrate(connection: &mut Connection) -> Result<()> {
    let failed = |cause| map(OPEN, cause);
    if version(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    // Several processes may be here at once: the version counts again inside the transaction.
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let from = version(&transaction)?;
    let pending = MIGRATIONS.get(from..).unwrap_or_default();
    apply(transaction, pending).map_err(failed)
}

fn apply(transaction: Transaction<'_>, migrations: &[&str]) -> rusqlite::Result<()> {
    for migration in migrations {
        transaction.execute_batch(migration)?;
    }
    let version = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    transaction.pragma_update(None, "user_version", version)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()
}

/// Returns how many migrations the database has been through.
fn version(connection: &Connection) -> Result<usize> {
    let read = |sql: &str| ask::<i64>(connection, sql).map_err(|cause| map(OPEN, cause));
    let found = read("PRAGMA user_version")?;
    let application = read("PRAGMA application_id")?;
    let tables = read("SELECT COUNT(*) FROM sqlite_schema")?;
    if application != i64::from(APPLICATION) && (tables > 0 || found != 0) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            OPEN,
            "the file is a database of another program: name another file",
        ));
    }
    usize::try_from(found)
        .ok()
        .filter(|found| *found <= MIGRATIONS.len())
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                OPEN,
                "the database was written by a newer garland: update this program",
            )
            .with_context("schema", found)
            .with_context("known", MIGRATIONS.len())
        })
}

fn limit(connection: &Connection, max_bytes: Option<u64>) -> rusqlite::Result<()> {
    let Some(max_bytes) = max_bytes else {
        return Ok(());
    };
    let page: i64 = ask(connection, "PRAGMA page_size")?;
    let pages = (i64::try_from(max_bytes).unwrap_or(i64::MAX) / page.max(1)).max(1);
    ask::<i64>(connection, &format!("PRAGMA max_page_count = {pages}")).map(drop)
}

/// Runs a statement that answers with one value.
pub(super) fn ask<T: rusqlite::types::FromSql>(
    connection: &Connection,
    sql: &str,
) -> rusqlite::Result<T> {
    connection.query_row(sql, [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_writer(&folder.path().join("a.db"), None).unwrap();
        (folder, connection)
    }

    fn insert(connection: &Connection, organization: &str, collection: &str) {
        connection
            .execute(
                "INSERT INTO records VALUES (?1, ?2, 'x', 1, '[1]', NULL)",
                [organization, collection],
            )
            .unwrap();
    }

    #[test]
    fn commits_are_flushed_to_the_disk() {
        let (_folder, connection) = opened();
        assert_eq!(
            ask::<String>(&connection, "PRAGMA journal_mode").unwrap(),
            "wal"
        );
        assert_eq!(ask::<i64>(&connection, "PRAGMA synchronous").unwrap(), 2);
    }

    #[test]
    fn what_is_deleted_is_overwritten() {
        let (_folder, connection) = opened();
        assert_eq!(ask::<i64>(&connection, "PRAGMA secure_delete").unwrap(), 1);
    }

    #[test]
    fn a_collection_is_seen_under_its_name() {
        let (_folder, connection) = opened();
        for name in ["sync_operations", "select", "7", "records", "sqlite_x"] {
            insert(&connection, "a", name);
            make_view(&connection, &name.parse().unwrap()).unwrap();
            make_view(&connection, &name.parse().unwrap()).unwrap();
        }
        for name in ["sync_operations", "select", "7"] {
            let sql = format!("SELECT value FROM \"{name}\"");
            assert_eq!(ask::<String>(&connection, &sql).unwrap(), "[1]");
        }
    }

    #[test]
    fn leases_of_every_organization_are_cleared_and_nothing_else() {
        let (_folder, connection) = opened();
        for organization in ["a", "b", "c"] {
            insert(&connection, organization, "leases");
            insert(&connection, organization, "leases_of_flats");
        }
        insert(&connection, "d", "leases");
        clear_leases(&connection).unwrap();
        let left = |sql: &str| ask::<i64>(&connection, sql).unwrap();
        assert_eq!(left("SELECT COUNT(*) FROM records"), 3);
        assert_eq!(
            left("SELECT COUNT(*) FROM records WHERE collection = 'leases'"),
            0
        );
    }

    #[test]
    fn a_connection_to_read_with_cannot_write() {
        let (folder, _connection) = opened();
        let reader = open_reader(&folder.path().join("a.db")).unwrap();
        assert!(reader.execute("DELETE FROM records", []).is_err());
    }
}
