//! What the system answers, as garland's errors.

use std::fmt;
use std::io;

use rustix::io::Errno;

use crate::error::{Error, ErrorKind};

/// Maps a system error, once, here.
pub(super) fn fault(operation: &'static str, path: impl fmt::Display, cause: Errno) -> Error {
    let (kind, message) = match cause {
        Errno::NOENT => (ErrorKind::NotFound, "no such file"),
        Errno::ACCESS | Errno::PERM => (ErrorKind::Denied, "the system does not permit it"),
        Errno::ROFS => (ErrorKind::Denied, "the file system is read-only"),
        Errno::LOOP => (ErrorKind::Denied, "a symbolic link is on the way"),
        Errno::NOSPC | Errno::DQUOT => (ErrorKind::Full, "no space is left"),
        Errno::FBIG => (ErrorKind::LimitExceeded, "the file is too large"),
        Errno::NAMETOOLONG | Errno::INVAL | Errno::ILSEQ => {
            (ErrorKind::InvalidInput, "the file system refuses the name")
        }
        Errno::EXIST => (ErrorKind::AlreadyExists, "a file is there already"),
        Errno::ISDIR | Errno::NOTEMPTY => (ErrorKind::AlreadyExists, "a folder is there already"),
        Errno::NOTDIR => (ErrorKind::AlreadyExists, "a file is where a folder must be"),
        _ => (ErrorKind::Unavailable, "the file system failed"),
    };
    Error::new(kind, operation, message)
        .with_context("path", path)
        .with_source(io::Error::from(cause))
}

/// Maps an error of a flush (`fsync`, `syncfs`). None of them may be tried again.
///
/// Linux tells of a failed write-back once and then takes the pages for clean, so a second flush
/// would succeed without the bytes being on the disk.
///
/// Source: <https://wiki.postgresql.org/wiki/Fsync_Errors>
pub(super) fn flush_fault(operation: &'static str, path: impl fmt::Display, cause: Errno) -> Error {
    let kind = match cause {
        Errno::NOSPC | Errno::DQUOT => ErrorKind::Full,
        _ => ErrorKind::Corrupt,
    };
    refuse(
        kind,
        operation,
        path,
        "what was written may not be on the disk",
    )
    .with_source(io::Error::from(cause))
}

/// Maps an error of the standard library.
pub(super) fn io_fault(
    operation: &'static str,
    path: impl fmt::Display,
    cause: io::Error,
) -> Error {
    match Errno::from_io_error(&cause) {
        Some(errno) => fault(operation, path, errno),
        None => Error::new(ErrorKind::Unavailable, operation, "the file system failed")
            .with_context("path", path)
            .with_source(cause),
    }
}

/// Makes an error that no system call told.
pub(super) fn refuse(
    kind: ErrorKind,
    operation: &'static str,
    path: impl fmt::Display,
    message: &'static str,
) -> Error {
    Error::new(kind, operation, message).with_context("path", path)
}
