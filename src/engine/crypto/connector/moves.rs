//! How records follow what happens on the account: arrivals, renames, deletes.
//!
//! A record says beforehand what may come to its path, and afterwards what has come. A crash in between
//! leaves both possibilities on record, and the 72 bytes that the object begins with decide.
//!
//! INVARIANT: the key of a version is destroyed only by the record that holds the version as its current
//! one or as a replaced one, and is not about to give it away, or as one that never came to be.

use crate::connector::{Expect, FileEntry, FilePath, FileVersion};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Batch;

use super::book::{Found, Saved, crowded, tries};
use super::options::Replaced;
use super::place::{Place, foreign, not_found};
use super::records::{Facts, SealedFile, SealedVersion};
use super::tidy::DAY;

impl Place {
    /// Returns what is on record for a path once it is certain which of its versions is there. Nothing
    /// is certain of a path at which nothing is, or nothing of ours.
    pub(super) async fn settle(&self, path: &FilePath) -> Result<Found> {
        for _ in tries() {
            let found = self.book.find(path).await?;
            if found
                .file
                .current
                .as_ref()
                .is_some_and(|one| one.moving_to.is_some())
            {
                match self.end_move(found.clone()).await? {
                    Some(Saved::Done) => continue,
                    Some(Saved::Stale) => {
                        tracing::debug!(path = %path, "somebody else has ended a rename");
                        continue;
                    }
                    // It may still go either way.
                    None => {}
                }
            }
            if found.file.pending.is_empty() {
                return Ok(found);
            }
            let seen = match self.look(path).await {
                Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(found),
                seen => seen?,
            };
            let Some(seen) = seen else { return Ok(found) };
            let Ok(there) = found.file.recognise(&seen.header) else {
                return Ok(found);
            };
            if found.file.current_id() == Some(&there.version) {
                return Ok(found);
            }
            let version = there.version.clone();
            let saved = self.arrive(found, &version, &seen.object, None).await?;
            if saved == Saved::Stale {
                tracing::debug!(path = %path, "somebody else has seen the object");
            }
        }
        Err(crowded(path))
    }

    /// Returns what is on record for a path at which something is; `None` if that is nothing of ours.
    pub(super) async fn owner(&self, path: &FilePath) -> Result<Option<SealedFile>> {
        let file = match self.book.get(path).await? {
            // Perhaps what is there came in while nobody heard of it.
            Some(file) if !file.pending.is_empty() => self.settle(path).await?.file,
            Some(file) => file,
            None => return Ok(None),
        };
        Ok(Some(file).filter(|file| file.current.is_some()))
    }

    /// Puts on record that an upload has come to its place. `base` is what was there when it began.
    pub(super) async fn arrived(
        &self,
        path: &FilePath,
        version: &str,
        base: Option<&str>,
        object: &FileVersion,
        facts: &Facts,
    ) -> Result<()> {
        for _ in tries() {
            let mut found = self.book.find(path).await?;
            if let Some(current) = &mut found.file.current
                && current.version == version
            {
                // A reader has seen it first.
                current.object = Some(object.clone());
                current.keep_facts(&self.secrets().await?.facts, facts)?;
                let batch = self.book.batch();
                if self.book.save(batch, [found]).await? == Saved::Done {
                    return Ok(());
                }
                continue;
            }
            if found
                .file
                .current
                .as_ref()
                .is_some_and(|one| one.moving_to.is_some())
                && let Some(Saved::Done | Saved::Stale) = self.end_move(found.clone()).await?
            {
                continue;
            }
            let is = |one: &SealedVersion| one.version == version;
            if found.file.replaced.iter().any(is) {
                // Somebody has seen it, and another has come since.
                return Ok(());
            }
            if !found.file.pending.iter().any(is) {
                return Err(Error::new(
                    ErrorKind::Expired,
                    "sealed.finish",
                    "the upload was tidied away before its end",
                )
                .with_context("path", path));
            }
            if found.file.current_id() != base {
                // Other uploads have ended meanwhile. What is there tells which was the last.
                let Some(seen) = self.look(path).await? else {
                    return Ok(());
                };
                let there = match found.file.recognise(&seen.header) {
                    Ok(there) => there,
                    Err(error) if self.book.find(path).await?.file == found.file => {
                        return Err(error);
                    }
                    // It was announced after the record was read.
                    Err(_) => continue,
                };
                if there.version != version {
                    return self.book.forget(path, version).await;
                }
            }
            if self.arrive(found, version, object, Some(facts)).await? == Saved::Done {
                return Ok(());
            }
        }
        Err(crowded(path))
    }

    /// Makes a version on its way the current one.
    async fn arrive(
        &self,
        mut found: Found,
        version: &str,
        object: &FileVersion,
        facts: Option<&Facts>,
    ) -> Result<Saved> {
        let mut batch = self.book.batch();
        let Some(mut arrived) = found.file.take_pending(version) else {
            return Ok(Saved::Stale);
        };
        arrived.object = Some(object.clone());
        (arrived.sent, arrived.absent_since) = (None, None);
        arrived.at = batch.at();
        if let Some(facts) = facts {
            arrived.keep_facts(&self.secrets().await?.facts, facts)?;
        }
        self.retire(&mut found.file, &mut batch)?;
        found.file.missing_since = None;
        let Some(origin) = arrived.moved_from.take() else {
            found.file.current = Some(arrived);
            return self.book.save(batch, [found]).await;
        };
        let mut from = self.book.find_by_id(origin, &found.file.path).await?;
        if from.file.current_id() == Some(version) {
            from.file.current = None;
            found.file.replaced.append(&mut from.file.replaced);
            self.cap(&mut found.file, &mut batch)?;
        }
        from.file.replaced.retain(|one| one.version != version);
        found.file.current = Some(arrived);
        self.book.save(batch, [found, from]).await
    }

    /// Takes the current version out of the way of another.
    fn retire(&self, file: &mut SealedFile, batch: &mut Batch) -> Result<()> {
        let Some(mut old) = file.current.take() else {
            return Ok(());
        };
        match self.options.replaced {
            // The record it was going to has it from here on.
            Replaced::Erase if old.moving_to.is_some() => Ok(()),
            Replaced::Keep => {
                old.at = batch.at();
                file.replaced.push(old);
                self.cap(file, batch)
            }
            Replaced::Erase => self.book.destroy(batch, &old),
        }
    }

    /// Destroys the keys of the oldest versions that were replaced where there are too many, as far as
    /// the batch has room.
    fn cap(&self, file: &mut SealedFile, batch: &mut Batch) -> Result<()> {
        // Two steps for a version, and room for the records and an object's arrival.
        while file.replaced.len() > Replaced::MOST && batch.has_room(6) {
            let versions = file.replaced.iter().enumerate();
            let still = versions.filter(|(_, one)| one.moving_to.is_none());
            let Some((oldest, _)) = still.min_by_key(|(_, one)| one.at) else {
                break;
            };
            let version = file.replaced.remove(oldest);
            self.book.destroy(batch, &version)?;
        }
        Ok(())
    }

    /// Finds out how a rename ended of which nobody heard; `None` if neither place tells, and it may still
    /// go either way.
    async fn end_move(&self, mut from: Found) -> Result<Option<Saved>> {
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

    /// Looks whether the object of a version is at a path.
    pub(super) async fn look_for(&self, path: &FilePath, version: &SealedVersion) -> Result<Sight> {
        let seen = match self.look(path).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(Sight::Hidden),
            seen => seen?,
        };
        let Some(seen) = seen else {
            return Ok(Sight::Absent);
        };
        if version.has_salt(&seen.header) {
            return Ok(Sight::There(seen.object));
        }
        let other = self.book.find(path).await?.file;
        Ok(match other.recognise(&seen.header) {
            Ok(_) => Sight::Absent,
            Err(_) => Sight::Hidden,
        })
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

    /// What an operation on the account must expect for the file to be as expected.
    pub(super) async fn expect(
        &self,
        path: &FilePath,
        expect: &Expect,
        operation: &'static str,
    ) -> Result<Expect> {
        let Expect::Version(version) = expect else {
            return Ok(expect.clone());
        };
        match self.expected(path, version).await? {
            Some(object) => Ok(Expect::Version(object)),
            None => Err(Error::new(
                ErrorKind::Conflict,
                operation,
                "the file is gone, or another version is there",
            )
            .with_context("path", path)),
        }
    }

    /// As [`expect`](Self::expect), where a file that is gone is not found.
    async fn expect_there(
        &self,
        path: &FilePath,
        expect: &Expect,
        operation: &'static str,
    ) -> Result<Expect> {
        let error = match self.expect(path, expect, operation).await {
            Err(error) if error.kind() == ErrorKind::Conflict => error,
            settled => return settled,
        };
        let object = self.object(path).await?;
        match self.files()?.stat(&object).await? {
            Some(_) => Err(error),
            None => Err(not_found(operation, path)),
        }
    }

    /// Finds a file that is about to be moved or removed.
    async fn standing(&self, path: &FilePath, operation: &'static str) -> Result<Found> {
        let found = self.settle(path).await?;
        if let Some(current) = &found.file.current {
            if current.moving_to.is_none() {
                return Ok(found);
            }
            if let Sight::There(_) = self.look_for(path, current).await? {
                let message = "it is not certain yet how a rename of the file ended";
                return Err(Error::new(ErrorKind::Unavailable, operation, message)
                    .with_context("path", path));
            }
        }
        let object = self.object(path).await?;
        match self.files()?.stat(&object).await? {
            Some(_) => Err(foreign(path)),
            None => Err(not_found(operation, path)),
        }
    }

    pub(super) async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        let operation = "sealed.delete";
        let found = self.standing(path, operation).await?;
        let expect = self.expect_there(path, expect, operation).await?;
        let object = self.object(path).await?;
        let removed = self.files()?.delete(&object, &expect).await;
        let gone: Vec<SealedVersion> = found
            .file
            .current
            .into_iter()
            .chain(found.file.replaced)
            .collect();
        match removed {
            Ok(()) => self.erase_all(path, &gone).await,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mark = |file: &mut SealedFile, batch: &mut Batch| {
                    if gone.first().map(|one| &*one.version) == file.current_id() {
                        file.missing_since.get_or_insert(batch.at());
                    }
                    Ok(())
                };
                self.book.edit(path, mark).await?;
                Err(error.with_context("file", path))
            }
            Err(error) => Err(error.with_context("file", path)),
        }
    }

    /// Destroys the keys of versions that the record of a path still holds.
    pub(super) async fn erase_all(&self, path: &FilePath, gone: &[SealedVersion]) -> Result<()> {
        let erase = |file: &mut SealedFile, batch: &mut Batch| self.erase(file, gone, batch);
        while self.book.edit(path, erase).await? {}
        Ok(())
    }

    /// Destroys the keys of versions that a record still holds, as many as a batch takes; tells whether
    /// others are left, among those that were replaced.
    pub(super) fn erase(
        &self,
        file: &mut SealedFile,
        gone: &[SealedVersion],
        batch: &mut Batch,
    ) -> Result<bool> {
        let mut left = false;
        for version in gone {
            // Two steps for a version, and room for the record.
            if !batch.has_room(4) {
                let mut kept = file.replaced.iter().filter(|one| one.moving_to.is_none());
                left = kept.any(|one| gone.iter().any(|gone| gone.version == one.version));
                break;
            }
            let is =
                |one: &SealedVersion| one.version == version.version && one.moving_to.is_none();
            let current = file.current.take_if(|one| is(one));
            let old = file.replaced.iter().position(is);
            let old = old.map(|at| file.replaced.remove(at));
            for version in current.into_iter().chain(old) {
                self.book.destroy(batch, &version)?;
            }
        }
        if file.current.is_none() {
            file.missing_since = None;
        }
        Ok(left)
    }

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
}

/// What a look at a path tells of one version.
pub(super) enum Sight {
    /// Its object is there.
    There(FileVersion),
    /// Nothing is there, or another version.
    Absent,
    /// Something is there that was not sealed for the path: it tells nothing.
    Hidden,
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
