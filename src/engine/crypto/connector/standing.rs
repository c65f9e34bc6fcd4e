//! What stands at a path that is about to be moved, removed or replaced.

use crate::connector::{Expect, FilePath, FileVersion};
use crate::error::{Error, ErrorKind, Result};

use super::book::Found;
use super::place::{Place, foreign, not_found};
use super::records::SealedVersion;

impl Place {
    /// Finds a file that is about to be moved or removed.
    pub(super) async fn standing(&self, path: &FilePath, operation: &'static str) -> Result<Found> {
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
    pub(super) async fn expect_there(
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
