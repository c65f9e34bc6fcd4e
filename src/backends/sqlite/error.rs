//! What SQLite's errors mean.

use rusqlite::ffi::ErrorCode;

use crate::error::{Error, ErrorKind};

/// Tells what an error of SQLite means for `operation`.
pub(super) fn map(operation: &'static str, cause: rusqlite::Error) -> Error {
    let (kind, message) = meaning(&cause);
    Error::new(kind, operation, message).with_source(cause)
}

fn meaning(cause: &rusqlite::Error) -> (ErrorKind, &'static str) {
    let code = match cause {
        // A column is of another type, or its text is not UTF-8.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => ErrorCode::DatabaseCorrupt,
        other => match other.sqlite_error_code() {
            Some(code) => code,
            None => return (ErrorKind::Unexpected, "SQLite was used wrongly"),
        },
    };
    match code {
        ErrorCode::NotADatabase => (
            ErrorKind::Corrupt,
            "the file is not a SQLite database: name another file, or move this one away",
        ),
        ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation => (
            ErrorKind::Corrupt,
            "the database is damaged: restore a backup, or save what can be read with the \
             `.recover` command of the `sqlite3` shell",
        ),
        ErrorCode::DiskFull => (
            ErrorKind::Full,
            "the disk is full, or the database is as large as it may be",
        ),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => (
            ErrorKind::Unavailable,
            "another process keeps the database busy",
        ),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => (
            ErrorKind::Denied,
            "this process may not write to the database",
        ),
        ErrorCode::CannotOpen => (
            ErrorKind::Denied,
            "the database cannot be opened: is it a file, and may this process write in its folder",
        ),
        ErrorCode::TooBig => (
            ErrorKind::LimitExceeded,
            "a value is larger than SQLite takes",
        ),
        ErrorCode::SystemIoFailure
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::OperationAborted
        | ErrorCode::OperationInterrupted
        | ErrorCode::SchemaChanged
        | ErrorCode::OutOfMemory => (ErrorKind::Unavailable, "the disk or the system failed"),
        _ => (ErrorKind::Unexpected, "SQLite refused what it was told"),
    }
}

/// A copy, for everybody whose batch was in the transaction.
pub(super) fn copy(cause: &rusqlite::Error) -> rusqlite::Error {
    match cause {
        rusqlite::Error::SqliteFailure(code, text) => {
            rusqlite::Error::SqliteFailure(*code, text.clone())
        }
        other => rusqlite::Error::ToSqlConversionFailure(other.to_string().into()),
    }
}
