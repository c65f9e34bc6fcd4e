//! What Drive's refusals mean.

use serde::Deserialize;

use crate::connector::kit::{Refusal, Verdict};
use crate::error::ErrorKind;

/// The body of a refusal, in the form of v3 and in the newer one of all Google APIs.
#[derive(Debug, Deserialize)]
struct Body {
    error: Fault,
}

#[derive(Debug, Deserialize)]
struct Fault {
    #[serde(default)]
    errors: Vec<Item>,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Item {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    location: String,
}

/// Judges a refusal by its reason
/// ([resolve errors](https://developers.google.com/workspace/drive/api/guides/handle-errors)).
pub(super) fn judge(refusal: &Refusal) -> Option<Verdict> {
    let Body { error } = refusal.json()?;
    let item = error.errors.into_iter().next().unwrap_or_default();
    let kind = match (&*item.reason, refusal.status()) {
        (
            "rateLimitExceeded"
            | "userRateLimitExceeded"
            | "sharingRateLimitExceeded"
            | "dailyLimitExceeded"
            | "quotaExceeded"
            | "uploadLimitExceeded"
            | "downloadQuotaExceeded",
            _,
        ) => ErrorKind::RateLimited,
        (
            "storageQuotaExceeded"
            | "teamDriveFileLimitExceeded"
            | "activeItemCreationLimitExceeded"
            | "numChildrenInNonRootLimitExceeded",
            _,
        ) => ErrorKind::Full,
        ("exportSizeLimitExceeded" | "teamDriveHierarchyTooDeep" | "uploadTooLarge", _) => {
            ErrorKind::LimitExceeded
        }
        ("fileNotDownloadable" | "fileNotExportable" | "fileNotCopyable", _) => {
            ErrorKind::Unsupported
        }
        // An id that was made beforehand, or the name of a channel, is taken.
        ("fileIdInUse" | "channelIdNotUnique", _) | (_, 409) => ErrorKind::AlreadyExists,
        // A place in a listing or in the feed that Drive no longer knows.
        ("invalid", 400) if item.location == "pageToken" => ErrorKind::Expired,
        ("notFound", 404) if item.location == "pageToken" => ErrorKind::Expired,
        ("backendError" | "internalError" | "transientError", _) => ErrorKind::Unavailable,
        _ => by_status(refusal.status())?,
    };
    let verdict = Verdict::new(kind);
    let named = Some(item.reason).filter(|reason| !reason.is_empty());
    Some(match named.or(error.status) {
        Some(reason) => verdict.with_reason(reason),
        None => verdict,
    })
}

/// What a reason that is not known means, so that it is passed on all the same.
fn by_status(status: u16) -> Option<ErrorKind> {
    Some(match status {
        400 => ErrorKind::InvalidInput,
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        410 => ErrorKind::Expired,
        429 => ErrorKind::RateLimited,
        500..=599 => ErrorKind::Unavailable,
        _ => return None,
    })
}
