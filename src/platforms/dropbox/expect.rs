//! What an [`Expect`] asks of what is there.

use std::time::Duration;

use crate::connector::{Expect, FilePath, FileVersion};
use crate::error::{Error, ErrorKind, Result};

use super::model::Remote;

/// Checks what is at the target of a write.
pub(super) fn check(
    operation: &'static str,
    path: &FilePath,
    expect: &Expect,
    there: Option<&Remote>,
) -> Result<()> {
    match (expect, there) {
        (Expect::Absent, Some(_)) => Err(taken(operation, path)),
        (Expect::Version(_), None) => Err(conflict(operation, path)),
        (Expect::Version(version), Some(file)) if is_other(version, file) => {
            Err(conflict(operation, path))
        }
        _ => Ok(()),
    }
}

/// Checks what is at the source of a rename or a delete, and returns it.
pub(super) fn check_there(
    operation: &'static str,
    path: &FilePath,
    expect: &Expect,
    there: Option<Remote>,
) -> Result<Remote> {
    let file = there.ok_or_else(|| missing(operation, path))?;
    if matches!(expect, Expect::Absent) {
        return Err(conflict(operation, path));
    }
    check(operation, path, expect, Some(&file))?;
    Ok(file)
}

/// Tells whether a file is not the version that is expected.
pub(super) fn is_other(expected: &FileVersion, there: &Remote) -> bool {
    let version = there.version();
    expected
        .as_ref()
        .changed(version.as_ref(), Duration::from_secs(1))
}

pub(super) fn taken(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::AlreadyExists, operation, "a file is there").with_context("path", path)
}

pub(super) fn conflict(operation: &'static str, path: &FilePath) -> Error {
    let message = "another version than expected is there";
    Error::new(ErrorKind::Conflict, operation, message).with_context("path", path)
}

pub(super) fn missing(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such file").with_context("path", path)
}

pub(super) fn changed(operation: &'static str, path: &FilePath) -> Error {
    let message = "another version than asked for is there";
    Error::new(ErrorKind::Changed, operation, message).with_context("path", path)
}

/// The file keeps changing.
pub(super) fn moving(operation: &'static str, path: &FilePath) -> Error {
    let message = "the file keeps being written to";
    Error::new(ErrorKind::Unavailable, operation, message).with_context("path", path)
}
