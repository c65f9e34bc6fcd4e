//! What is expected of a key, as a server can be told.

use crate::connector::{Expect, FilePath};
use crate::error::{Error, ErrorKind, Result};

use super::bucket::{Bucket, Object};

/// The condition that goes along with a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::platforms) enum Guard {
    /// None.
    Free,
    /// Nothing may be there.
    Absent,
    /// This revision must be there.
    Revision(Box<str>),
}

impl Guard {
    /// Checks what is expected of a path that is to be written, and returns what the call is to be guarded with: nothing
    /// where it takes no conditions.
    pub(super) async fn before_write<B: Bucket>(
        bucket: &B,
        key: &str,
        path: &FilePath,
        expect: &Expect,
        takes_conditions: bool,
    ) -> Result<Self> {
        match expect {
            Expect::Anything => Ok(Self::Free),
            Expect::Absent if takes_conditions => Ok(Self::Absent),
            Expect::Absent => match bucket.look(key).await? {
                None => Ok(Self::Free),
                Some(_) => Err(taken(path)),
            },
            Expect::Version(_) => {
                let now = bucket.look(key).await?;
                let now = now.ok_or_else(|| another(path))?;
                Self::before_change(&now, path, expect, takes_conditions)
            }
        }
    }

    /// The same for a file that is there and is to be moved or removed.
    pub(super) fn before_change(
        now: &Object,
        path: &FilePath,
        expect: &Expect,
        takes_conditions: bool,
    ) -> Result<Self> {
        match expect {
            Expect::Anything => return Ok(Self::Free),
            Expect::Version(version) if !now.is_other_than(version) => {}
            _ => return Err(another(path)),
        }
        let revision = now.version.revision.clone().filter(|_| takes_conditions);
        Ok(revision.map_or(Self::Free, Self::Revision))
    }

    /// The condition that a call has had since long, whatever it was then.
    pub(super) fn given(expect: &Expect) -> Self {
        match expect {
            Expect::Anything => Self::Free,
            Expect::Absent => Self::Absent,
            Expect::Version(version) => {
                let revision = version.revision.clone();
                revision.map_or(Self::Free, Self::Revision)
            }
        }
    }

    /// Says what it means that a guarded call was refused.
    pub(super) fn explain(&self, path: &FilePath, error: Error) -> Error {
        match (self, error.kind()) {
            (Self::Absent, ErrorKind::Conflict | ErrorKind::AlreadyExists) => taken(path),
            (Self::Revision(_), ErrorKind::Conflict | ErrorKind::NotFound) => another(path),
            _ => error.with_context("path", path),
        }
    }
}

/// Something is there already.
pub(super) fn taken(path: &FilePath) -> Error {
    Error::new(ErrorKind::AlreadyExists, "files.write", "a file is there")
        .with_context("path", path)
}

/// Another version is there, or none.
pub(super) fn another(path: &FilePath) -> Error {
    let message = "another version is there than expected";
    Error::new(ErrorKind::Conflict, "files.write", message).with_context("path", path)
}
