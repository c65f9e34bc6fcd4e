//! What is kept of heads.

use futures_util::TryStreamExt;
use futures_util::stream::{BoxStream, StreamExt};
use serde::{Deserialize, Serialize};
use std::ops::Bound;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Collection, JournalName, Query, Record, RecordId, Store};

use super::checkpoint::{Origin, escaped};
use super::head::SignedHead;
use super::signer::{HeadVerifier, is_genuine};
use super::tree::Frontier;

/// The collection of signed heads, by journal and size.
pub const AUDIT_HEADS: Collection<HeadRecord> = Collection::new("audit_heads");

/// A signed head as it is kept, with what the next one is made from.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct HeadRecord {
    /// How many entries it covers.
    pub size: u64,
    /// When it was made.
    pub at: Timestamp,
    /// The head.
    pub head: SignedHead,
    /// The right edge of the tree. The head's root follows from it, so that it cannot be bent
    /// without the head's key.
    pub frontier: Frontier,
}

impl HeadRecord {
    pub(super) fn new(head: SignedHead, frontier: Frontier) -> Self {
        Self {
            size: head.size(),
            at: head.checkpoint().at,
            head,
            frontier,
        }
    }

    /// Tells whether it is what its signature says: of this journal, and not bent.
    pub(super) async fn is_sound(
        &self,
        origin: &Origin,
        verifier: &dyn HeadVerifier,
    ) -> Result<bool> {
        let said = self.head.checkpoint();
        let fits = said.origin == *origin
            && (said.size, said.root) == (self.frontier.size(), self.frontier.root());
        Ok(fits && is_genuine(&self.head, verifier).await?)
    }
}

/// Names the record of a head; ordered by size.
pub(super) fn id(journal: &JournalName, size: u64) -> Result<RecordId> {
    RecordId::parse(format!("{}{size:020}", prefix(journal)))
}

fn prefix(journal: &JournalName) -> String {
    let mut name = escaped(journal);
    if name.len() > RecordId::MAX / 2 {
        // `~` stands in no escaped name.
        name = format!("~{}", blake3::hash(name.as_bytes()).to_hex());
    }
    format!("{name}/")
}

/// Reads the last head.
pub(super) async fn last(store: &Store, journal: &JournalName) -> Result<Option<HeadRecord>> {
    let query = Query::all(AUDIT_HEADS.name().clone())
        .prefix(&prefix(journal))
        .descending()
        .with_limit(1);
    let page = store.query(&query).await?;
    let read = |record: &Record| {
        record.value.read().map_err(|cause| {
            Error::new(
                ErrorKind::Corrupt,
                "audit.read",
                "the last head cannot be read",
            )
            .with_context("id", &record.id)
            .with_source(cause)
        })
    };
    page.records.first().map(read).transpose()
}

/// Reads the record of one head.
pub(super) async fn one(
    store: &Store,
    journal: &JournalName,
    size: u64,
) -> Result<Option<HeadRecord>> {
    let found = store.get(&AUDIT_HEADS, &id(journal, size)?).await?;
    Ok(found.map(|record| record.value))
}

/// Reads the heads that cover more than `after` entries, by size.
pub(super) fn following(
    store: &Store,
    journal: &JournalName,
    after: u64,
) -> BoxStream<'static, Result<HeadRecord>> {
    let prefix = prefix(journal);
    let all = Query::all(AUDIT_HEADS.name().clone())
        .prefix(&prefix)
        .with_limit(100);
    let from = Bound::Excluded(format!("{prefix}{after:020}").into());
    let to = all.to.clone();
    let records = store.all(&AUDIT_HEADS, all.between(from, to));
    records.map_ok(|record| record.value).boxed()
}
