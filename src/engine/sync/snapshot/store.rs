//! Keeping snapshots.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::clock::{Clock, Timestamp};
use crate::connector::{ChangeCursor, ConnectorName, FilePath, FileVersion, Skipped};
use crate::engine::sync::inventory::Inventory;
use crate::error::{ErrorKind, Result};
use crate::id::{Ids, RunId};
use crate::storage::{Batch, Precondition, Query, RecordId, Store, Version};

use super::follow::Followed;
use super::record::{
    SYNC_SNAPSHOTS, SnapshotRecord, head_id, part_id, part_of, parts_for, parts_prefix,
};

/// How many parts one batch writes.
const BATCH: usize = 64;

/// How many parts are in memory at a time when all are written.
const BAND: usize = 256;

/// The most skipped things that a snapshot remembers; a place with more is listed each time.
const MOST_SKIPPED: usize = 1_000;

/// Where the snapshot of one place is kept.
#[derive(Clone, Debug)]
pub(in crate::engine::sync) struct Shelf {
    pub(in crate::engine::sync) store: Store,
    pub(in crate::engine::sync) clock: Arc<dyn Clock>,
    pub(in crate::engine::sync) ids: Ids,
    pub(in crate::engine::sync) place: ConnectorName,
}

/// A snapshot as it was kept.
#[derive(Debug)]
pub(in crate::engine::sync) struct Kept {
    version: Version,
    generation: Box<str>,
    parts: u64,
    pub(in crate::engine::sync) cursor: ChangeCursor,
    pub(in crate::engine::sync) listed: Timestamp,
    pub(in crate::engine::sync) skipped: Vec<Skipped>,
    pub(in crate::engine::sync) files: Inventory,
}

impl Shelf {
    /// Reads the snapshot; `None` if there is none that can be used.
    pub(in crate::engine::sync) async fn load(&self) -> Result<Option<Kept>> {
        let Some(head) = self
            .store
            .get(&SYNC_SNAPSHOTS, &head_id(&self.place)?)
            .await?
        else {
            return Ok(None);
        };
        let SnapshotRecord::Head {
            cursor,
            generation,
            parts,
            files,
            listed,
            skipped,
        } = head.value
        else {
            return Ok(None);
        };
        let mut builder = Inventory::builder();
        let prefix = format!("{}{generation}/", parts_prefix(&self.place));
        let mut query = Query::all(SYNC_SNAPSHOTS.name().clone()).prefix(&prefix);
        loop {
            let page = self.store.query(&query).await?;
            for record in &page.records {
                if let SnapshotRecord::Part { files } = record.value.read()? {
                    for (path, version) in &files {
                        builder.push(path, version.as_ref());
                    }
                }
            }
            match page.next {
                Some(cursor) => query = query.with_after(cursor),
                None => break,
            }
        }
        let Ok(read) = builder.finish() else {
            return Ok(None);
        };
        // Another run may be writing, or died writing: a listing tells what is there.
        if read.len() as u64 != files {
            return Ok(None);
        }
        Ok(Some(Kept {
            version: head.version,
            generation,
            parts,
            cursor,
            listed,
            skipped,
            files: read,
        }))
    }

    /// Keeps a whole listing in place of whatever is kept. That somebody else kept another meanwhile is no error.
    pub(in crate::engine::sync) async fn keep_whole(
        &self,
        cursor: ChangeCursor,
        files: &Inventory,
        skipped: &[Skipped],
        listed: Timestamp,
    ) -> Result<()> {
        let head = head_id(&self.place)?;
        let was = self.store.get(&SYNC_SNAPSHOTS, &head).await?;
        if skipped.len() > MOST_SKIPPED {
            return self.drop_all(None).await;
        }
        let generation: Box<str> = RunId::generate(&self.ids).to_string().into();
        let parts = parts_for(files.len() as u64);
        for first in (0..parts).step_by(BAND) {
            let band = first..first.saturating_add(BAND as u64).min(parts);
            let filled = filled(files, parts, |part| band.contains(&part));
            self.put_parts(&generation, &filled, None).await?;
        }
        let precondition = was.map_or(Precondition::Absent, |was| Precondition::At(was.version));
        let record = SnapshotRecord::Head {
            cursor,
            generation: generation.clone(),
            parts,
            files: files.len() as u64,
            listed,
            skipped: skipped.to_vec(),
        };
        let mut batch = Batch::new(self.clock.now());
        batch.put_with(&SYNC_SNAPSHOTS, head, &record, precondition, Vec::new())?;
        match self.store.commit(batch).await {
            Ok(_) => self.drop_all(Some(&generation)).await,
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Keeps what a feed has told since `kept`. That somebody else was faster is no error.
    pub(in crate::engine::sync) async fn keep_changes(
        &self,
        kept: &Kept,
        followed: &Followed,
    ) -> Result<()> {
        if followed.cursor == kept.cursor && followed.told.is_empty() {
            return Ok(());
        }
        if followed.skipped.len() > MOST_SKIPPED {
            return self.drop_all(None).await;
        }
        let paths = followed.told.keys();
        let touched: BTreeSet<u64> = paths
            .map(|path| part_of(path.as_str(), kept.parts))
            .collect();
        let mut filled = filled(&followed.files, kept.parts, |part| touched.contains(&part));
        for part in touched {
            filled.entry(part).or_default();
        }
        let head = head_id(&self.place)?;
        let at = Precondition::At(kept.version);
        let record = SnapshotRecord::Head {
            cursor: followed.cursor.clone(),
            generation: kept.generation.clone(),
            parts: kept.parts,
            files: followed.files.len() as u64,
            listed: kept.listed,
            skipped: followed.skipped.clone(),
        };
        let mut last = Batch::new(self.clock.now());
        last.put_with(&SYNC_SNAPSHOTS, head.clone(), &record, at, Vec::new())?;
        // Together with the head where they fit. Otherwise first: who reads them with the old head sees that the
        // number of files is wrong, or goes through changes once more that are in them already.
        let saved = if filled.len() <= BATCH {
            self.fill(&mut last, &kept.generation, &filled)?;
            self.store.commit(last).await.map(drop)
        } else {
            match self
                .put_parts(&kept.generation, &filled, Some((head, at)))
                .await
            {
                Ok(()) => self.store.commit(last).await.map(drop),
                Err(error) => Err(error),
            }
        };
        match saved {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            other => other,
        }
    }

    /// Writes parts, in batches that hold to `check`.
    async fn put_parts(
        &self,
        generation: &str,
        filled: &Filled,
        check: Option<(RecordId, Precondition)>,
    ) -> Result<()> {
        let mut rest = filled.iter().peekable();
        while rest.peek().is_some() {
            let some: Filled = rest
                .by_ref()
                .take(BATCH)
                .map(|(part, files)| (*part, files.clone()))
                .collect();
            let mut batch = Batch::new(self.clock.now());
            if let Some((id, precondition)) = &check {
                batch.check(&SYNC_SNAPSHOTS, id.clone(), *precondition);
            }
            self.fill(&mut batch, generation, &some)?;
            self.store.commit(batch).await?;
        }
        Ok(())
    }

    fn fill(&self, batch: &mut Batch, generation: &str, filled: &Filled) -> Result<()> {
        for (part, files) in filled {
            let id = part_id(&self.place, generation, *part)?;
            let files = files.clone();
            batch.put(&SYNC_SNAPSHOTS, id, &SnapshotRecord::Part { files })?;
        }
        Ok(())
    }

    /// Removes every part that is not of `generation`; the head too if there is none.
    async fn drop_all(&self, generation: Option<&str>) -> Result<()> {
        let mut batch = Batch::new(self.clock.now());
        if generation.is_none() {
            batch.delete(&SYNC_SNAPSHOTS, head_id(&self.place)?, Precondition::Any);
        }
        let stays =
            generation.map(|generation| format!("{}{generation}/", parts_prefix(&self.place)));
        let prefix = parts_prefix(&self.place);
        let mut query = Query::all(SYNC_SNAPSHOTS.name().clone()).prefix(&prefix);
        loop {
            let page = self.store.query(&query).await?;
            for record in page.records {
                let is_kept = stays
                    .as_ref()
                    .is_some_and(|stays| record.id.as_str().starts_with(stays));
                if is_kept {
                    continue;
                }
                if !batch.has_room(1) {
                    let full = std::mem::replace(&mut batch, Batch::new(self.clock.now()));
                    self.store.commit(full).await?;
                }
                batch.delete(&SYNC_SNAPSHOTS, record.id, Precondition::Any);
            }
            match page.next {
                Some(cursor) => query = query.with_after(cursor),
                None => break,
            }
        }
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(())
    }
}

/// The content of parts.
type Filled = BTreeMap<u64, BTreeMap<FilePath, FileVersion>>;

/// Returns what the parts hold that `wanted` names.
fn filled(files: &Inventory, parts: u64, wanted: impl Fn(u64) -> bool) -> Filled {
    let mut filled = Filled::new();
    for (path, version) in files.iter() {
        let part = part_of(path.as_str(), parts);
        if wanted(part) {
            filled
                .entry(part)
                .or_default()
                .insert(path, version.to_version());
        }
    }
    filled
}
