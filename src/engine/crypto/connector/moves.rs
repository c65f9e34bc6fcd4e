//! How records follow what happens on the account: arrivals, renames, deletes.
//!
//! A record says beforehand what may come to its path, and afterwards what has come. A crash in between
//! leaves both possibilities on record, and the 72 bytes that the object begins with decide.
//!
//! INVARIANT: the key of a version is destroyed only by the record that holds the version as its current
//! one and is not about to give it away, or as one that was replaced, or as one that never came to be.

use crate::connector::{Expect, FileEntry, FilePath, FileVersion};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Batch;

use super::book::{Found, Saved, crowded, tries};
use super::options::Replaced;
use super::place::{Place, foreign, not_found};
use super::records::{Facts, SealedFile, SealedVersion};

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
                if self.end_move(found).await? == Saved::Stale {
                    tracing::debug!(path = %path, "somebody else has ended a rename");
                }
                continue;
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
            if !found.file.pending.iter().any(|one| one.version == version) {
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
                let there = found.file.recognise(&seen.header)?;
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
        arrived.sent = None;
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
        }
        found.file.current = Some(arrived);
        self.book.save(batch, [found, from]).await
    }

    /// Takes the current version out of the way of another.
    fn retire(&self, file: &mut SealedFile, batch: &mut Batch) -> Result<()> {
        let Some(mut old) = file.current.take() else {
            return Ok(());
        };
        if old.moving_to.is_some() {
            // The record it was going to has it from here on.
            return Ok(());
        }
        match self.options.replaced {
            Replaced::Keep => {
                old.at = batch.at();
                file.replaced.push(old);
                Ok(())
            }
            Replaced::Erase => self.book.destroy(batch, &old),
        }
    }

    /// Finds out how a rename ended of which nobody heard.
    async fn end_move(&self, mut from: Found) -> Result<Saved> {
        let Some(current) = &mut from.file.current else {
            return Ok(Saved::Stale);
        };
        let Some(target) = current.moving_to.take() else {
            return Ok(Saved::Stale);
        };
        let version = current.version.clone();
        let mut to = self.book.find_by_id(target, &from.file.path).await?;
        let claims = |one: &SealedVersion| {
            one.version == version && one.moved_from.as_ref() == Some(&from.id)
        };
        if to.file.pending.iter().any(claims) {
            let seen = match self.look(&to.file.path).await {
                Err(error) if error.kind() == ErrorKind::Corrupt => None,
                seen => seen?,
            };
            let there = seen.as_ref().and_then(|seen| {
                let there = to.file.recognise(&seen.header).ok()?;
                (there.version == version).then_some(&seen.object)
            });
            if let Some(object) = there {
                let mut batch = self.book.batch();
                return self.hand_over(from, to, object, &version, &mut batch).await;
            }
            to.file.take_pending(&version);
        }
        self.book.save(self.book.batch(), [to, from]).await
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
        let pending = to.file.take_pending(version);
        let Some(mut moved) = current.or(pending) else {
            return Ok(Saved::Stale);
        };
        self.retire(&mut to.file, batch)?;
        moved.object = Some(object.clone());
        moved.at = batch.at();
        (moved.moving_to, moved.moved_from) = (None, None);
        to.file.current = Some(moved);
        to.file.missing_since = None;
        to.file.replaced.append(&mut from.file.replaced);
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
        if found.file.current.is_some() {
            return Ok(found);
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
            Ok(()) => {
                let erase =
                    |file: &mut SealedFile, batch: &mut Batch| self.erase(file, &gone, batch);
                self.book.edit(path, erase).await
            }
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

    /// Destroys the keys of versions that a record still holds, as many as a batch takes. The rest waits
    /// among those that were replaced.
    pub(super) fn erase(
        &self,
        file: &mut SealedFile,
        gone: &[SealedVersion],
        batch: &mut Batch,
    ) -> Result<()> {
        for version in gone {
            // Two steps for a version, and room for the record.
            if !batch.has_room(4) {
                break;
            }
            let is = |one: &SealedVersion| one.version == version.version;
            let current = file
                .current
                .take_if(|one| is(one) && one.moving_to.is_none());
            let old = file.replaced.iter().position(is);
            let old = old.map(|at| file.replaced.remove(at));
            for version in current.into_iter().chain(old) {
                self.book.destroy(batch, &version)?;
            }
        }
        if file.current.is_none() {
            file.missing_since = None;
        }
        Ok(())
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
            Err(error) => {
                if did_not_happen(&error) {
                    self.take_back(from, to, &version.version).await?;
                }
                Err(error.with_context("file", from))
            }
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
            if to
                .file
                .pending
                .iter()
                .any(|one| one.moved_from.as_ref() == Some(&from.id))
            {
                to.file.take_pending(version);
            }
            if let Some(current) = &mut from.file.current {
                current.moving_to = current.moving_to.take().filter(|target| *target != to.id);
            }
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
                // Another process may have looked in between and not found it yet.
                if !to
                    .file
                    .pending
                    .iter()
                    .any(|one| one.version == version.version)
                {
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

/// Tells whether an error leaves no doubt that nothing was done.
fn did_not_happen(error: &Error) -> bool {
    use ErrorKind::{
        AlreadyExists, Changed, Conflict, Denied, Full, InvalidInput, NotFound, Unsupported,
    };
    matches!(
        error.kind(),
        AlreadyExists | Changed | Conflict | Denied | Full | InvalidInput | NotFound | Unsupported
    )
}
