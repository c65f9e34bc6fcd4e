//! How a file goes from the record of one path to that of another.
//!
//! A rename is put on both records before it is done. Where nobody heard of its end, what is at the two
//! places tells.

use crate::connector::{Expect, FileEntry, FilePath, FileVersion};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Batch;

use super::book::{Found, Saved, crowded, tries};
use super::place::{Place, not_found};
use super::records::SealedVersion;
use super::standing::Sight;
use super::tidy::DAY;

impl Place {
    pub(super) async fn rename(
        &self,
        from: &FilePath,
        expect: &Expect,
        to: &FilePath,
    ) -> Result<FileEntry> {
        let operation = "sealed.rename";
        self.check_name(to, operation)?;
        let found = self.standing(from, operation).await?;
        let expect = self.expect_there(from, expect, operation).await?;
        let [source, target] = [self.object(from).await?, self.object(to).await?];
        if found.id == self.book.id(to)? {
            let entry = self.files()?.rename(&source, &expect, &target).await?;
            return self.respelled(to, entry).await;
        }
        let version = self.announce(from, to, found).await?;
        match self.files()?.rename(&source, &expect, &target).await {
            Ok(entry) => self.renamed(from, to, version, entry).await,
            Err(error) if is_certain(&error) => {
                // It may be that of a second try, or of what came after the rename.
                if let Sight::There(object) = self.look_for(to, &version).await? {
                    tracing::debug!(%error, path = %from, "a rename that failed was done");
                    let entry = FileEntry::new(target, object);
                    return self.renamed(from, to, version, entry).await;
                }
                if let Sight::There(_) = self.look_for(from, &version).await? {
                    self.take_back(from, to, &version.version).await?;
                }
                Err(error.with_context("file", from))
            }
            Err(error) => Err(error.with_context("file", from)),
        }
    }

    /// Puts a rename on record before it is done.
    async fn announce(
        &self,
        path: &FilePath,
        to_path: &FilePath,
        found: Found,
    ) -> Result<SealedVersion> {
        let mut found = Some(found);
        for _ in tries() {
            let mut from = match found.take() {
                Some(found) => found,
                None => self.standing(path, "sealed.rename").await?,
            };
            let mut to = self.book.find(to_path).await?;
            let Some(current) = &mut from.file.current else {
                return Err(not_found("sealed.rename", path));
            };
            let batch = self.book.batch();
            current.moving_to = Some(to.id.clone());
            let mut coming = current.clone();
            coming.at = batch.at();
            (coming.moving_to, coming.moved_from) = (None, Some(from.id.clone()));
            to.file.take_pending(&coming.version);
            to.file.pending.push(coming.clone());
            if self.book.save(batch, [to, from]).await? == Saved::Done {
                return Ok(coming);
            }
        }
        Err(crowded(path))
    }

    /// Takes an announced rename off the record.
    async fn take_back(&self, path: &FilePath, to_path: &FilePath, version: &str) -> Result<()> {
        for _ in tries() {
            let mut from = self.book.find(path).await?;
            let mut to = self.book.find(to_path).await?;
            let current = from.file.current.as_mut();
            let ours = current
                .filter(|one| one.version == version && one.moving_to.as_ref() == Some(&to.id));
            let Some(current) = ours else {
                // Somebody else has ended it.
                return Ok(());
            };
            current.moving_to = None;
            to.file.take_pending(version);
            if self.book.save(self.book.batch(), [to, from]).await? == Saved::Done {
                return Ok(());
            }
        }
        Err(crowded(path))
    }

    /// Puts a rename on record that was done.
    async fn renamed(
        &self,
        path: &FilePath,
        to_path: &FilePath,
        version: SealedVersion,
        entry: FileEntry,
    ) -> Result<FileEntry> {
        for _ in tries() {
            let from = self.book.find(path).await?;
            let mut to = self.book.find(to_path).await?;
            let spelled = self.spelled(&entry.path, to_path).await?;
            to.file.path = spelled.clone();
            if to.file.current_id() != Some(&version.version) {
                let mut claims = to.file.pending.iter();
                if !claims.any(|one| one.version == version.version) {
                    if from.file.current_id() != Some(&version.version) {
                        // It has moved on, or another has replaced it.
                        let secrets = self.secrets().await?;
                        return Ok(self.entry(spelled, &entry.version, &to.file, secrets));
                    }
                    // Another process may have looked in between and not found it yet.
                    to.file.pending.push(version.clone());
                }
                let mut batch = self.book.batch();
                let handed = self
                    .hand_over(from, to, &entry.version, &version.version, &mut batch)
                    .await?;
                if handed == Saved::Stale {
                    continue;
                }
            }
            let found = self.book.find(to_path).await?;
            let secrets = self.secrets().await?;
            return Ok(self.entry(spelled, &entry.version, &found.file, secrets));
        }
        Err(crowded(to_path))
    }

    /// Puts on record that only the spelling of a name has changed.
    async fn respelled(&self, to: &FilePath, entry: FileEntry) -> Result<FileEntry> {
        let spelled = self.spelled(&entry.path, to).await?;
        let file = self
            .book
            .edit(to, |file, _| {
                file.path = spelled.clone();
                if let Some(current) = &mut file.current {
                    current.object = Some(entry.version.clone());
                }
                Ok(file.clone())
            })
            .await?;
        let secrets = self.secrets().await?;
        Ok(self.entry(spelled, &entry.version, &file, secrets))
    }

    /// The path as the account spells it.
    pub(super) async fn spelled(&self, object: &FilePath, asked: &FilePath) -> Result<FilePath> {
        let file = self.secrets().await?.names.file(object);
        Ok(file.unwrap_or_else(|| asked.clone()))
    }

    /// Finds out how a rename ended of which nobody heard; `None` if neither place tells, and it may still
    /// go either way.
    pub(super) async fn end_move(&self, mut from: Found) -> Result<Option<Saved>> {
        let Some(current) = &mut from.file.current else {
            return Ok(Some(Saved::Stale));
        };
        let Some(target) = current.moving_to.take() else {
            return Ok(Some(Saved::Stale));
        };
        let version = current.version.clone();
        let mut to = self.book.find_by_id(target, &from.file.path).await?;
        let claims = |one: &SealedVersion| {
            one.version == version && one.moved_from.as_ref() == Some(&from.id)
        };
        let claim = to.file.pending.iter().find(|one| claims(one)).cloned();
        if let Some(claim) = claim {
            let target = self.look_for(&to.file.path, &claim).await?;
            if let Sight::There(object) = &target {
                let mut batch = self.book.batch();
                let handed = self.hand_over(from, to, object, &version, &mut batch);
                return handed.await.map(Some);
            }
            let source = self.look_for(&from.file.path, &claim).await?;
            let age = self.book.batch().at().saturating_since(claim.at);
            let ended = match (target, source) {
                (Sight::Absent, Sight::There(_)) => true,
                // A copy that is under way may look like anything.
                (Sight::Hidden, Sight::There(_)) | (Sight::Absent, Sight::Absent) => age > DAY,
                _ => false,
            };
            if !ended {
                return Ok(None);
            }
            to.file.take_pending(&version);
        }
        let saved = self.book.save(self.book.batch(), [to, from]).await?;
        Ok(Some(saved))
    }

    /// Gives a version from the record of its old path to that of its new one.
    async fn hand_over(
        &self,
        mut from: Found,
        mut to: Found,
        object: &FileVersion,
        version: &str,
        batch: &mut Batch,
    ) -> Result<Saved> {
        let current = from.file.current.take_if(|one| one.version == version);
        let held = current.is_some();
        let pending = to.file.take_pending(version);
        let Some(mut moved) = current.or(pending) else {
            return Ok(Saved::Stale);
        };
        self.retire(&mut to.file, batch)?;
        moved.object = Some(object.clone());
        moved.at = batch.at();
        (moved.moving_to, moved.moved_from) = (None, None);
        moved.absent_since = None;
        from.file.replaced.retain(|one| one.version != version);
        to.file.current = Some(moved);
        to.file.missing_since = None;
        if held {
            to.file.replaced.append(&mut from.file.replaced);
            self.cap(&mut to.file, batch)?;
        }
        let batch = std::mem::replace(batch, self.book.batch());
        self.book.save(batch, [to, from]).await
    }
}

/// Tells whether an error comes from an account that has answered: nothing goes on behind it.
fn is_certain(error: &Error) -> bool {
    use ErrorKind::{
        AlreadyExists, Changed, Conflict, Denied, Full, InvalidInput, NotFound, Unsupported,
    };
    matches!(
        error.kind(),
        AlreadyExists | Changed | Conflict | Denied | Full | InvalidInput | NotFound | Unsupported
    )
}
