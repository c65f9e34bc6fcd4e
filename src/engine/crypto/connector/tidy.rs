//! Putting the records in order after crashes, and after what happened behind our back.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt as _;

use crate::clock::Timestamp;
use crate::connector::FilePath;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::RecordId;

use super::book::{Saved, crowded, tries};
use super::place::Place;
use super::records::{SealedFile, SealedVersion};
use super::standing::Sight;

/// Nothing younger is tidied away.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a [`tidy`](super::SealedConnector::tidy) has found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Tidied {
    /// Uploads and renames that had come to their end unheard.
    pub found: u64,
    /// Uploads and renames that came to nothing, and are off the record.
    pub dropped: u64,
    /// Files whose object is missing now and that are noted as such.
    pub missing: u64,
    /// Files that were missing for long, and whose keys are destroyed.
    pub erased: u64,
}

impl Place {
    pub(super) async fn tidy(&self, before: Timestamp) -> Result<Tidied> {
        let now = self.book.keys.clock().now();
        let latest = Timestamp::from_millis(
            now.as_millis()
                .saturating_sub(i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX)),
        );
        let before = before.min(latest);
        let mut tidied = Tidied::default();
        let there = self.there().await?;
        let mut records = self.book.all();
        while let Some(record) = records.next().await.transpose()? {
            self.tidy_pending(&record.value, before, &mut tidied)
                .await?;
        }
        self.tidy_missing(&there, before, &mut tidied).await?;
        Ok(tidied)
    }

    /// The records of everything that is on the account.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: so little of what should be there is that it may be the wrong account.
    async fn there(&self) -> Result<HashSet<RecordId>> {
        let mut there = self.listed().await?;
        let (mut known, mut here, mut missing) = (0_u64, 0_u64, 0_u64);
        let mut records = self.book.all();
        while let Some(record) = records.next().await.transpose()? {
            let file = record.value;
            // Listings do not show what is garland's own.
            if file.path.is_internal() {
                let object = self.object(&file.path).await?;
                if self.files()?.stat(&object).await?.is_some() {
                    there.insert(record.id.clone());
                }
            }
            let is_here = there.contains(&record.id);
            here += u64::from(is_here);
            let current = file.current.as_ref();
            if current.is_some_and(|one| one.moving_to.is_none()) {
                known += 1;
                missing += u64::from(!is_here);
            }
        }
        let none = missing > 0 && here == 0;
        let most = known > 10 && missing > known / 2;
        if (none || most) && !self.options.erase_most {
            return Err(Error::new(
                ErrorKind::Conflict,
                "sealed.tidy",
                "most files are not on the account, which may be the wrong one",
            )
            .with_context("name", &self.book.name)
            .with_context("known", known)
            .with_context("missing", missing));
        }
        Ok(there)
    }

    /// Finds out how uploads and renames ended.
    async fn tidy_pending(
        &self,
        file: &SealedFile,
        before: Timestamp,
        tidied: &mut Tidied,
    ) -> Result<()> {
        let moving = file
            .current
            .as_ref()
            .is_some_and(|one| one.moving_to.is_some());
        if file.pending.is_empty() && !moving {
            return Ok(());
        }
        let path = &file.path;
        let settled = self.settle(path).await?.file;
        if settled.current_id() != file.current_id() {
            tidied.found += 1;
        }
        let old = |one: &&SealedVersion| one.at < before;
        for version in settled.pending.iter().filter(old) {
            match self.look_for(path, version).await? {
                Sight::Absent => {}
                // It is there, or nobody can tell.
                Sight::There(_) | Sight::Hidden => continue,
            }
            if self.drop_pending(path, version, before).await? {
                tidied.dropped += 1;
            }
        }
        Ok(())
    }

    /// Takes a version off the record that came to nothing; one look later than it was first noted, as an
    /// account may be slow to show what it has.
    async fn drop_pending(
        &self,
        path: &FilePath,
        version: &SealedVersion,
        before: Timestamp,
    ) -> Result<bool> {
        for _ in tries() {
            let mut found = self.book.find(path).await?;
            let Some(pending) = found.file.take_pending(&version.version) else {
                return Ok(false);
            };
            if pending.at >= before {
                return Ok(false);
            }
            let mut batch = self.book.batch();
            let Some(since) = pending.absent_since else {
                let mut pending = pending;
                pending.absent_since = Some(batch.at());
                found.file.pending.push(pending);
                if self.book.save(batch, [found]).await? == Saved::Done {
                    return Ok(false);
                }
                continue;
            };
            if since >= before {
                return Ok(false);
            }
            let origin = match &pending.moved_from {
                Some(origin) => Some(self.book.find_by_id(origin.clone(), path).await?),
                None => None,
            };
            if let Some(mut origin) = origin {
                let current = origin.file.current.as_ref();
                let current = current.filter(|one| one.version == pending.version);
                if current.is_some_and(|one| one.moving_to.as_ref() == Some(&found.id)) {
                    // The rename is ended from where it began.
                    return Ok(false);
                }
                let is_current = current.is_some();
                let mut replaced = origin.file.replaced.iter_mut();
                let replaced = replaced.find(|one| one.version == pending.version);
                // As long as the record that it was to come from holds it, the key is that one's.
                match replaced {
                    Some(replaced) => replaced.moving_to = None,
                    None if is_current => {}
                    None => self.book.destroy(&mut batch, &pending)?,
                }
                if self.book.save(batch, [found, origin]).await? == Saved::Done {
                    return Ok(true);
                }
                continue;
            } else {
                self.book.destroy(&mut batch, &pending)?;
            }
            if self.book.save(batch, [found]).await? == Saved::Done {
                return Ok(true);
            }
        }
        Err(crowded(path))
    }

    /// Looks after files whose object somebody has removed.
    async fn tidy_missing(
        &self,
        there: &HashSet<RecordId>,
        before: Timestamp,
        tidied: &mut Tidied,
    ) -> Result<()> {
        let mut records = self.book.all();
        while let Some(record) = records.next().await.transpose()? {
            let file = record.value;
            if file.current.is_none() && file.pending.is_empty() {
                // A delete came to its end, and not to that of the keys.
                self.erase_all(&file.path, &file.replaced).await?;
            } else if there.contains(&record.id) {
                self.note_there(&file).await?;
            } else if file.current.is_some() && file.pending.is_empty() {
                self.note_missing(&file, before, tidied).await?;
            }
        }
        Ok(())
    }

    async fn note_there(&self, file: &SealedFile) -> Result<()> {
        if file.missing_since.is_none() {
            return Ok(());
        }
        self.book
            .edit(&file.path, |file, _| {
                file.missing_since = None;
                Ok(())
            })
            .await
    }

    async fn note_missing(
        &self,
        file: &SealedFile,
        before: Timestamp,
        tidied: &mut Tidied,
    ) -> Result<()> {
        let long_gone = file.missing_since.is_some_and(|since| since < before);
        let id = file.current_id();
        if !long_gone {
            tidied.missing += 1;
            return self
                .book
                .edit(&file.path, |file, batch| {
                    if file.current_id() == id {
                        file.missing_since.get_or_insert(batch.at());
                    }
                    Ok(())
                })
                .await;
        }
        // A listing may lag; this is the last look.
        let object = self.object(&file.path).await?;
        if self.files()?.stat(&object).await?.is_some() {
            return self.note_there(file).await;
        }
        let versions: Vec<SealedVersion> =
            file.current.iter().chain(&file.replaced).cloned().collect();
        tidied.erased += 1;
        let left = self
            .book
            .edit(&file.path, |file, batch| {
                if file.current_id() == id && file.pending.is_empty() {
                    return self.erase(file, &versions, batch);
                }
                Ok(false)
            })
            .await?;
        if left {
            self.erase_all(&file.path, &file.replaced).await?;
        }
        Ok(())
    }

    /// The records of everything that the account lists.
    async fn listed(&self) -> Result<HashSet<RecordId>> {
        let secrets = self.secrets().await?;
        let mut there = HashSet::new();
        let mut pages = self.files()?.list();
        while let Some(page) = pages.next().await.transpose()? {
            for entry in page.entries {
                if let Some(path) = secrets.names.file(&entry.path) {
                    there.insert(self.book.id(&path)?);
                }
            }
        }
        Ok(there)
    }

    pub(super) async fn prune(&self, before: Timestamp) -> Result<u64> {
        self.secrets().await?;
        let mut pruned = 0;
        let mut records = self.book.all();
        while let Some(record) = records.next().await.transpose()? {
            let file = record.value;
            if !file.replaced.iter().any(|one| one.at < before) {
                continue;
            }
            // As many as fit one batch; the rest goes with the next.
            loop {
                let erased = self
                    .book
                    .edit(&file.path, |file, batch| {
                        let old = file.replaced.iter().filter(|one| one.at < before);
                        let old: Vec<SealedVersion> = old.cloned().collect();
                        let count = file.replaced.len();
                        self.erase(file, &old, batch)?;
                        Ok(count.saturating_sub(file.replaced.len()) as u64)
                    })
                    .await?;
                pruned += erased;
                if erased == 0 {
                    break;
                }
            }
        }
        Ok(pruned)
    }
}
