//! Records that run out by themselves, and are taken away some at a time.

use std::ops::Bound;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::error::{ErrorKind, Result};
use crate::storage::{
    Batch, Collection, IndexKey, IndexName, Precondition, Query, RecordId, Store,
};

/// Orders records by when they can go.
const BY_END: IndexName = IndexName::new("end");

/// How many records that have run out go with each that is written.
pub(super) const SWEPT: usize = 8;

/// What a record that runs out at a moment is indexed by.
pub(super) fn ends(at: Timestamp) -> Result<(IndexName, IndexKey)> {
    Ok((BY_END, end_key(at)?))
}

/// Writes a record that runs out at `end`, and takes away some of its collection that have run out.
///
/// # Errors
/// - [`ErrorKind::Conflict`]: a record of this id is there.
/// - Those of the database.
pub(crate) async fn put_new<T: Serialize + Sync>(
    store: &Store,
    collection: &Collection<T>,
    (id, value): (RecordId, &T),
    now: Timestamp,
    end: Timestamp,
) -> Result<()> {
    let mut most = SWEPT;
    loop {
        let mut batch = Batch::new(now);
        if most > 0 {
            sweep(&mut batch, store, collection, most, Some(&id)).await?;
        }
        let fresh = Precondition::Absent;
        batch.put_with(collection, id.clone(), value, fresh, vec![ends(end)?])?;
        match store.commit(batch).await {
            // It is there, or somebody else has swept the same records.
            Err(error) if error.kind() == ErrorKind::Conflict && most > 0 => most = 0,
            done => return done.map(drop),
        }
    }
}

/// Takes up to `most` records away whose end has come, but not the one that the batch writes.
pub(super) async fn sweep<T>(
    batch: &mut Batch,
    store: &Store,
    collection: &Collection<T>,
    most: usize,
    but: Option<&RecordId>,
) -> Result<usize> {
    let now = end_key(batch.at())?;
    let to = Bound::Included(now.as_str().into());
    let query = Query::all(collection.name().clone())
        .by(BY_END)
        .between(Bound::Unbounded, to)
        .with_limit(most);
    let page = store.query(&query).await?;
    let mut swept = 0;
    for record in page.records {
        if but != Some(&record.id) {
            batch.delete(collection, record.id, Precondition::At(record.version));
            swept += 1;
        }
    }
    Ok(swept)
}

/// Ordered by time as text; all before 1970 is one.
fn end_key(at: Timestamp) -> Result<IndexKey> {
    IndexKey::parse(format!("{:020}", at.as_millis().max(0)))
}
