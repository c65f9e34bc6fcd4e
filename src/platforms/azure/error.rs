//! What refusals of Azure mean.

use crate::connector::kit::{Refusal, Verdict};
use crate::error::ErrorKind;

/// Judges by the [codes of the blob service](https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes),
/// which are in a header also where there is no body.
pub(super) fn judge(refusal: &Refusal) -> Option<Verdict> {
    let code = refusal.header("x-ms-error-code")?;
    let body = String::from_utf8_lossy(refusal.body());
    let kind = match code {
        // Some servers of its kind say so of who could not be told, and not of who may not.
        "AuthorizationFailure" if body.contains("failed to authenticate") => {
            ErrorKind::Unauthenticated
        }
        "InvalidOperation" if body.contains("contentMD5 doesn't match") => ErrorKind::Corrupt,
        _ => kind(code).unwrap_or_else(|| refusal.kind()),
    };
    let verdict = Verdict::new(kind).with_reason(code);
    if code == "AuthenticationFailed" && is_about_time(&body) {
        // The key may be good: nothing is gained by connecting the account again.
        let told = Verdict::new(ErrorKind::Denied).with_reason(code);
        return Some(told.with_message(
            "the clock of this machine differs too much from the platform's; set it and try again",
        ));
    }
    Some(verdict)
}

/// Only the sentence beside the code tells that the date is what is wrong.
fn is_about_time(body: &str) -> bool {
    body.contains("Request date header too old")
        || body.contains("not within the valid range of time")
}

fn kind(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "BlobNotFound" | "ContainerNotFound" | "ResourceNotFound" | "ContainerBeingDeleted" => {
            ErrorKind::NotFound
        }
        "BlobAlreadyExists"
        | "ResourceAlreadyExists"
        | "TargetConditionNotMet"
        | "ConditionNotMet"
        | "SourceConditionNotMet"
        | "CannotVerifyCopySource" => ErrorKind::Conflict,
        // A hierarchical namespace has folders of their own.
        "ResourceTypeMismatch" | "PathConflict" | "PathAlreadyExists" => ErrorKind::AlreadyExists,
        "InvalidBlockList" | "InvalidBlockId" => ErrorKind::Expired,
        "ServerBusy" | "TooManyRequests" | "OperationTimedOut" => ErrorKind::RateLimited,
        "InternalError" | "PendingCopyOperation" => ErrorKind::Unavailable,
        "AuthenticationFailed" | "InvalidAuthenticationInfo" | "NoAuthenticationInformation" => {
            ErrorKind::Unauthenticated
        }
        "AuthorizationFailure"
        | "AuthorizationPermissionMismatch"
        | "AccountIsDisabled"
        | "InsufficientAccountPermissions"
        | "PublicAccessNotPermitted"
        | "BlobArchived"
        | "AuthorizationSourceIPMismatch" => ErrorKind::Denied,
        "Md5Mismatch" | "Crc64Mismatch" => ErrorKind::Corrupt,
        "RequestBodyTooLarge" | "BlockCountExceedsLimit" | "BlockListTooLong" => {
            ErrorKind::LimitExceeded
        }
        "LeaseIdMissing" | "LeaseAlreadyPresent" => ErrorKind::Locked,
        _ => return None,
    })
}
