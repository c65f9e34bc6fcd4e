//! Renames and deletes whose answer may be lost: done exactly once all the same.

use crate::connector::{Expect, FileEntry, FilePath, FileStore, FileVersion};
use crate::engine::transfer::Calls;
use crate::error::{Error, ErrorKind, Result};

/// Renames the file at `from`, which must be `version`, to `to`, where nothing may be.
///
/// After an answer that did not come, both places are looked at before anything is tried again.
pub(super) async fn rename(
    files: &dyn FileStore,
    calls: &Calls,
    from: &FilePath,
    version: &FileVersion,
    to: &FilePath,
) -> Result<FileEntry> {
    let expect = Expect::Version(version.clone());
    let precision = files.facts().time_precision.unwrap_or_default();
    let mut failures = 0;
    loop {
        let error = match calls
            .once("sync.rename", files.rename(from, &expect, to))
            .await
        {
            Err(error) if error.is_retryable() => error,
            settled => return settled,
        };
        failures += 1;
        let there = calls.repeat("sync.look", || files.stat(to)).await?;
        if let Some(entry) = there {
            let gone = calls
                .repeat("sync.look", || files.stat(from))
                .await?
                .is_none();
            if gone && !version.as_ref().changed(entry.version.as_ref(), precision) {
                return Ok(entry);
            }
            return Err(
                Error::new(ErrorKind::AlreadyExists, "sync.rename", "a file is there")
                    .with_context("path", to),
            );
        }
        calls.wait("sync.rename", failures, error).await?;
    }
}

/// Deletes the file at `path`, which must be `version`. One that is gone already is no error.
pub(super) async fn delete(
    files: &dyn FileStore,
    calls: &Calls,
    path: &FilePath,
    version: &FileVersion,
) -> Result<()> {
    let expect = Expect::Version(version.clone());
    calls
        .repeat("sync.delete", || async {
            match files.delete(path, &expect).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                other => other,
            }
        })
        .await
}
