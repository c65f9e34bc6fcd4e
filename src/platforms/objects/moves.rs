//! Copies and renames.

use crate::connector::{Expect, FileEntry, FilePath, FileVersion};
use crate::error::{Error, ErrorKind, Result};

use super::bucket::{Bucket, Object};
use super::files::{BucketFiles, missing};
use super::guard::{Guard, another, taken};
use super::list::entry;

impl<B: Bucket> BucketFiles<B> {
    pub(super) async fn copy_version(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        let target = self.writable(to)?;
        let source = self.look(from).await?.ok_or_else(|| missing(from))?;
        if source.is_other_than(version) {
            return Err(changed(from));
        }
        let acts = self.bucket.acts();
        let guard = Guard::before_write(&*self.bucket, &target, to, expect, acts.copy).await?;
        let copied = self.copy_object(from, &source, to, &guard).await?;
        Ok(copied.map(|object| entry(to.clone(), object)))
    }

    /// Copies the file to its new path, never over another, and removes it at the old one if it still is what was copied.
    ///
    /// Cut off in between, both are there and nothing is lost. When the removal is refused the copy is taken back; when
    /// nobody knows what came of it, both stay, because the removal may still be on its way.
    pub(super) async fn move_to(
        &self,
        from: &FilePath,
        expect: &Expect,
        to: &FilePath,
    ) -> Result<FileEntry> {
        let target = self.writable(to)?;
        let source = self.look(from).await?.ok_or_else(|| missing(from))?;
        Guard::before_change(&source, from, expect, false)?;
        let acts = self.bucket.acts();
        let free = Guard::before_write(&*self.bucket, &target, to, &Expect::Absent, acts.copy);
        let guard = free.await?;
        let copied = self.copy_object(from, &source, to, &guard).await?;
        let copy = copied.ok_or_else(|| {
            let message = "the platform cannot move a file of this size";
            Error::new(ErrorKind::Unsupported, "files.rename", message).with_context("path", from)
        })?;
        if let Err(error) = self.remove(from, &source).await {
            if !error.is_retryable()
                && let Err(left) = self.remove(to, &copy).await
            {
                // The caller is told why the file was not moved; this only means that it is there twice.
                tracing::debug!(error = %left, "the copy of a file that was not moved is left");
            }
            return Err(error);
        }
        Ok(entry(to.clone(), copy))
    }

    async fn look(&self, path: &FilePath) -> Result<Option<Object>> {
        let object = self.bucket.look(&self.keys.key(path)).await;
        object.map_err(|error| error.with_context("path", path))
    }

    async fn copy_object(
        &self,
        from: &FilePath,
        source: &Object,
        to: &FilePath,
        guard: &Guard,
    ) -> Result<Option<Object>> {
        let (key, target) = (self.keys.key(from), self.keys.key(to));
        let copied = self.bucket.copy(&key, source, &target, guard).await;
        let Err(error) = copied else { return copied };
        if !matches!(
            error.kind(),
            ErrorKind::Conflict | ErrorKind::AlreadyExists | ErrorKind::NotFound
        ) {
            return Err(error.with_context("path", from));
        }
        // Which of the two conditions it was, the answer does not tell.
        match self.look(from).await? {
            None => Err(missing(from)),
            Some(now) if now.is_other_than(&source.version) => Err(changed(from)),
            Some(_) if *guard == Guard::Absent => Err(taken(to)),
            Some(_) => Err(guard.explain(to, error)),
        }
    }

    /// Removes a file if it still is this one.
    async fn remove(&self, path: &FilePath, object: &Object) -> Result<()> {
        let guard = if self.bucket.acts().delete {
            let revision = object.version.revision.clone();
            revision.map_or(Guard::Free, Guard::Revision)
        } else {
            match self.look(path).await? {
                Some(now) if !now.is_other_than(&object.version) => Guard::Free,
                _ => return Err(another(path)),
            }
        };
        let gone = self.bucket.delete(&self.keys.key(path), &guard).await;
        gone.map_err(|error| guard.explain(path, error))
    }
}

/// The file to be copied is not the one that was meant.
fn changed(path: &FilePath) -> Error {
    let message = "another version is there than the one to be copied";
    Error::new(ErrorKind::Changed, "files.copy", message).with_context("path", path)
}
