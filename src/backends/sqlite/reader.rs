//! What is read, on one connection.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::backends::page::{PageOfEntries, PageOfRecords};
use crate::backends::span::Span;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{
    ChainHash, CollectionName, IndexKey, JournalEntry, JournalHead, JournalName, Json, Query,
    Record, RecordId, RecordPage, Version,
};

use super::error::map;
use super::numbers::{signed, unsigned};

pub(super) fn get(
    connection: &Connection,
    organization: &OrganizationId,
    collection: &CollectionName,
    id: &RecordId,
) -> Result<Option<Record>> {
    (|| {
        let mut statement = connection.prepare_cached(
            "SELECT id, version, value FROM records
             WHERE organization = ?1 AND collection = ?2 AND id = ?3",
        )?;
        let key = params![organization.as_str(), collection.as_str(), id.as_str()];
        statement.query_row(key, record).optional()
    })()
    .map_err(|cause| map("sqlite.get", cause))
}

pub(super) fn query(
    connection: &Connection,
    organization: &OrganizationId,
    query: &Query,
) -> Result<RecordPage> {
    let Some(span) = Span::of(query)? else {
        return Ok(RecordPage::default());
    };
    match &query.index {
        None => by_id(connection, organization, query, &span),
        Some(_) => by_index(connection, organization, query, &span),
    }
    .map_err(|cause| map("sqlite.query", cause).with_context("collection", &query.collection))
}

fn by_id(
    connection: &Connection,
    organization: &OrganizationId,
    query: &Query,
    span: &Span,
) -> rusqlite::Result<RecordPage> {
    let mut statement =
        connection.prepare_cached(&sql_by_id(span.to.is_some(), query.descending))?;
    let mut rows = statement.query(params![
        organization.as_str(),
        query.collection.as_str(),
        span.from.0,
        span.to.as_ref().map(|to| &to.0),
    ])?;
    let mut page = PageOfRecords::new(query.limit);
    while let Some(row) = rows.next()? {
        if page.is_full() {
            return Ok(page.finish(true));
        }
        page.push(None, record(row)?);
    }
    Ok(page.finish(false))
}

fn by_index(
    connection: &Connection,
    organization: &OrganizationId,
    query: &Query,
    span: &Span,
) -> rusqlite::Result<RecordPage> {
    let sql = sql_by_index(span.to.is_some(), query.descending);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![
        organization.as_str(),
        query.collection.as_str(),
        query.index.as_ref().map(|index| index.as_str()),
        span.from.0,
        span.from.1,
        span.to.as_ref().map(|to| &to.0),
        span.to.as_ref().map(|to| &to.1),
    ])?;
    let mut page = PageOfRecords::new(query.limit);
    while let Some(row) = rows.next()? {
        if page.is_full() {
            return Ok(page.finish(true));
        }
        let key = IndexKey::parse(text(row, 3)?).map_err(|error| conversion(3, error))?;
        page.push(Some(key), record(row)?);
    }
    Ok(page.finish(false))
}

pub(super) fn read_journal(
    connection: &Connection,
    organization: &OrganizationId,
    journal: &JournalName,
    after: u64,
    limit: usize,
) -> Result<Vec<JournalEntry>> {
    (|| {
        let mut statement = connection.prepare_cached(
            "SELECT sequence, at, event, hash FROM journal_entries
             WHERE organization = ?1 AND journal = ?2 AND sequence > ?3 ORDER BY sequence",
        )?;
        let mut rows = statement.query(params![
            organization.as_str(),
            journal.as_str(),
            signed(after)
        ])?;
        let mut page = PageOfEntries::new(limit);
        while !page.is_full() {
            let Some(row) = rows.next()? else {
                break;
            };
            page.push(JournalEntry::stored(
                unsigned(row, 0)?,
                Timestamp::from_millis(row.get(1)?),
                Json::stored(text(row, 2)?),
                ChainHash::new(row.get(3)?),
            ));
        }
        Ok(page.finish())
    })()
    .map_err(|cause| map("sqlite.read_journal", cause).with_context("journal", journal))
}

pub(super) fn journal_head(
    connection: &Connection,
    organization: &OrganizationId,
    journal: &JournalName,
) -> Result<JournalHead> {
    (|| {
        let mut statement = connection.prepare_cached(
            "SELECT sequence, hash FROM journal_heads WHERE organization = ?1 AND journal = ?2",
        )?;
        let key = params![organization.as_str(), journal.as_str()];
        let head = statement.query_row(key, |row| {
            Ok(JournalHead::new(
                unsigned(row, 0)?,
                ChainHash::new(row.get(1)?),
            ))
        });
        head.optional()
    })()
    .map(Option::unwrap_or_default)
    .map_err(|cause| map("sqlite.journal_head", cause).with_context("journal", journal))
}

fn sql_by_id(bounded: bool, descending: bool) -> String {
    let below = if bounded { "id < ?4" } else { "?4 IS NULL" };
    let order = direction(descending);
    format!(
        "SELECT id, version, value FROM records
         WHERE organization = ?1 AND collection = ?2 AND id >= ?3 AND {below}
         ORDER BY id {order}"
    )
}

fn sql_by_index(bounded: bool, descending: bool) -> String {
    let below = if bounded {
        "(e.key, e.id) < (?6, ?7)"
    } else {
        "?6 IS NULL AND ?7 IS NULL"
    };
    let order = direction(descending);
    // `CROSS JOIN` keeps the entries outside, as they have the order.
    format!(
        "SELECT r.id, r.version, r.value, e.key FROM index_entries AS e CROSS JOIN records AS r
         ON r.organization = ?1 AND r.collection = ?2 AND r.id = e.id
         WHERE e.organization = ?1 AND e.collection = ?2 AND e.name = ?3
         AND (e.key, e.id) >= (?4, ?5) AND {below}
         ORDER BY e.key {order}, e.id {order}"
    )
}

fn direction(descending: bool) -> &'static str {
    if descending { "DESC" } else { "ASC" }
}

/// Reads a record from columns `id`, `version`, `value`.
fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let id = RecordId::parse(text(row, 0)?).map_err(|error| conversion(0, error))?;
    let version = Version::new(unsigned(row, 1)?);
    Ok(Record::new(id, version, Json::stored(text(row, 2)?)))
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    match row.get_ref(column)? {
        ValueRef::Text(bytes) => {
            std::str::from_utf8(bytes).map_err(|cause| rusqlite::Error::Utf8Error(column, cause))
        }
        other => Err(conversion(
            column,
            Error::new(ErrorKind::Corrupt, "sqlite.read", "a column is not text")
                .with_context("type", other.data_type()),
        )),
    }
}

fn conversion(column: usize, error: Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
}

#[cfg(test)]
mod tests {
    use super::super::schema::open_writer;
    use super::*;

    #[test]
    fn queries_walk_the_order_and_sort_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_writer(&folder.path().join("a.db"), None).unwrap();
        for (bounded, descending) in [(false, false), (false, true), (true, false), (true, true)] {
            let (by_id, by_index) = (
                sql_by_id(bounded, descending),
                sql_by_index(bounded, descending),
            );
            assert_eq!(
                plan(&connection, &by_id),
                ["SEARCH records USING PRIMARY KEY (organization=? AND collection=? AND id>?BOUND)"
                    .replace("BOUND", if bounded { " AND id<?" } else { "" })]
            );
            let steps = plan(&connection, &by_index);
            assert_eq!(steps.len(), 2, "{steps:?}");
            let entries = "SEARCH e USING PRIMARY KEY (organization=? AND collection=? AND name=? \
                           AND (key,id)>(?,?)";
            assert!(steps[0].starts_with(entries), "{steps:?}");
            assert!(
                steps[1].starts_with("SEARCH r USING PRIMARY KEY"),
                "{steps:?}"
            );
        }
    }

    fn plan(connection: &Connection, sql: &str) -> Vec<String> {
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let rows = statement.raw_query().mapped(|row| row.get(3));
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }
}
