//! What a server's refusals mean.

use crate::connector::kit::{Refusal, Verdict};
use crate::error::{Error, ErrorKind};

use super::xml::{Told, exception};

/// Judges a refusal by the exception that sabre/dav names; all else by its status.
pub(super) fn judge(refusal: &Refusal) -> Option<Verdict> {
    let reason = exception(refusal.body())?;
    let kind = match (reason.as_str(), refusal.status()) {
        ("InsufficientStorage" | "QuotaExceeded", _) | (_, 507) => ErrorKind::Full,
        ("FileLocked" | "Locked" | "ConflictingLock", _) | (_, 423) => ErrorKind::Locked,
        ("InvalidPath" | "InvalidFilename", _) => ErrorKind::InvalidInput,
        ("EntityTooLarge", _) | (_, 413) => ErrorKind::LimitExceeded,
        // Only what was sent against its checksum is refused with this one.
        ("ChecksumMismatch" | "BadChecksum", _) => ErrorKind::Corrupt,
        (_, 400) => ErrorKind::InvalidInput,
        (_, 401) => ErrorKind::Unauthenticated,
        (_, 403) => ErrorKind::Denied,
        (_, 404) => ErrorKind::NotFound,
        (_, 405) => ErrorKind::Unsupported,
        (_, 409 | 412) => ErrorKind::Conflict,
        (_, 429) => ErrorKind::RateLimited,
        (_, 500..=599) => ErrorKind::Unavailable,
        _ => return None,
    };
    Some(Verdict::new(kind).with_reason(reason))
}

/// What a status inside a `207 Multi-Status` means, if it is none of success.
pub(super) fn inner_fault(told: &[Told], operation: &'static str) -> Option<Error> {
    let mut statuses = told.iter().filter_map(|told| told.status);
    let status = statuses.find(|status| !(200..300).contains(status) && *status != 424)?;
    let kind = match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        409 | 412 => ErrorKind::Conflict,
        423 => ErrorKind::Locked,
        507 => ErrorKind::Full,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    };
    let message = "the server did a part of it only";
    Some(Error::new(kind, operation, message).with_context("status", status))
}
