//! What refusals of S3 mean.

use crate::connector::kit::{Refusal, Verdict};
use crate::error::ErrorKind;
use crate::platforms::objects::{read_xml, text_of};

/// Judges by the [codes of S3](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), and by those that
/// `MinIO` adds. An answer to `HEAD` has no body, and is judged by its status.
pub(super) fn judge(refusal: &Refusal) -> Option<Verdict> {
    let code = read_xml(refusal.body(), code).ok()?;
    Some(verdict(&code, refusal.status()))
}

/// The code of an error, which some calls send with status 200.
pub(super) fn code(root: roxmltree::Node<'_, '_>) -> Option<String> {
    let is_error = root.tag_name().name() == "Error";
    is_error.then(|| text_of(root, "Code").unwrap_or_default().to_owned())
}

pub(super) fn verdict(code: &str, status: u16) -> Verdict {
    let kind = kind(code).unwrap_or(match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        405 | 501 => ErrorKind::Unsupported,
        409 | 412 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        507 => ErrorKind::Full,
        300..=399 => ErrorKind::Refused,
        400..=499 => ErrorKind::InvalidInput,
        _ => ErrorKind::Unavailable,
    });
    let verdict = Verdict::new(kind).with_reason(code);
    if code == "RequestTimeTooSkewed" {
        return verdict.with_message(
            "the clock of this machine differs too much from the platform's; set it and try again",
        );
    }
    verdict
}

fn kind(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "NoSuchKey" | "NoSuchBucket" | "NoSuchVersion" | "NotFound" => ErrorKind::NotFound,
        "NoSuchUpload" | "InvalidPart" => ErrorKind::Expired,
        "PreconditionFailed" => ErrorKind::Conflict,
        // `MinIO` keeps keys as files of a folder, where one name cannot be both.
        "XMinioObjectExistsAsDirectory" | "XMinioParentIsObject" | "XMinioObjectParentIsObject" => {
            ErrorKind::AlreadyExists
        }
        "SlowDown"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "BandwidthLimitExceeded"
        | "ReduceYourRequestRate"
        | "SlowDownRead"
        | "SlowDownWrite" => ErrorKind::RateLimited,
        "InternalError"
        | "ServiceUnavailable"
        | "OperationAborted"
        | "ConditionalRequestConflict"
        | "XMinioServerNotInitialized" => ErrorKind::Unavailable,
        "RequestTimeout" => ErrorKind::Timeout,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidToken"
        | "ExpiredToken"
        | "TokenRefreshRequired"
        | "InvalidSecurity"
        | "NotSignedUp"
        | "Unauthorized" => ErrorKind::Unauthenticated,
        // The keys are good: nothing is gained by connecting the account again.
        "RequestTimeTooSkewed" => ErrorKind::Denied,
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "InvalidObjectState" => {
            ErrorKind::Denied
        }
        "BadDigest"
        | "XAmzContentSHA256Mismatch"
        | "InvalidDigest"
        | "XAmzContentChecksumMismatch" => ErrorKind::Corrupt,
        "IncompleteBody" => ErrorKind::Unavailable,
        "EntityTooLarge" => ErrorKind::LimitExceeded,
        "QuotaExceeded"
        | "ServiceQuotaExceeded"
        | "XMinioStorageFull"
        | "XMinioAdminBucketQuotaExceeded" => ErrorKind::Full,
        "NotImplemented" | "MethodNotAllowed" => ErrorKind::Unsupported,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_before_the_status() {
        assert_eq!(verdict("NoSuchUpload", 404).kind, ErrorKind::Expired);
        assert_eq!(verdict("SlowDown", 503).kind, ErrorKind::RateLimited);
        assert_eq!(verdict("RequestTimeout", 400).kind, ErrorKind::Timeout);
        assert_eq!(verdict("NewCode", 404).kind, ErrorKind::NotFound);
        assert_eq!(verdict("NewCode", 200).kind, ErrorKind::Unavailable);
    }

    #[test]
    fn a_clock_that_is_wrong_is_said() {
        let verdict = verdict("RequestTimeTooSkewed", 403);
        assert_eq!(verdict.kind, ErrorKind::Denied);
        assert!(verdict.message.is_some_and(|text| text.contains("clock")));
    }
}
