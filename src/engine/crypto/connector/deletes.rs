//! How a file is removed, and the keys of its versions destroyed.

use crate::connector::{Expect, FilePath};
use crate::error::{ErrorKind, Result};
use crate::storage::Batch;

use super::place::Place;
use super::records::{SealedFile, SealedVersion};

impl Place {
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
        // The object goes first: without its key it would be lost even if the account then refuses. After
        // a crash in between the record stands for a file that is missing, and a tidy destroys its keys.
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
}
