//! How the record of a path follows what has come to it.
//!
//! A record says beforehand what may come to its path, and afterwards what has come. A crash in between
//! leaves both possibilities on record, and the 72 bytes that the object begins with decide.

use crate::connector::{FilePath, FileVersion};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Batch;

use super::book::{Found, Saved, crowded, tries};
use super::options::Replaced;
use super::place::Place;
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
    pub(super) fn retire(&self, file: &mut SealedFile, batch: &mut Batch) -> Result<()> {
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
    pub(super) fn cap(&self, file: &mut SealedFile, batch: &mut Batch) -> Result<()> {
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
}
