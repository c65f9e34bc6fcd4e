//! What refusals of Google mean.

use serde::Deserialize;

use crate::connector::kit::{Refusal, Verdict};
use crate::error::ErrorKind;

#[derive(Deserialize)]
struct Told {
    error: Fault,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    errors: Vec<Reason>,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

/// Judges by the [reasons of the JSON API](https://cloud.google.com/storage/docs/json_api/v1/status-codes).
pub(super) fn judge(refusal: &Refusal) -> Option<Verdict> {
    let Told { error } = refusal.json()?;
    let reason = error.errors.into_iter().next()?.reason;
    // A hash that does not fit has no reason of its own.
    let is_spoiled = refusal.status() == 400 && error.message.contains("match calculated");
    let kind = if is_spoiled {
        ErrorKind::Corrupt
    } else {
        kind(&reason, refusal.status()).unwrap_or_else(|| refusal.kind())
    };
    Some(Verdict::new(kind).with_reason(reason))
}

fn kind(reason: &str, status: u16) -> Option<ErrorKind> {
    Some(match reason {
        "rateLimitExceeded"
        | "userRateLimitExceeded"
        | "quotaExceeded"
        | "dailyLimitExceeded"
        | "resourceUsageLimitExceeded" => ErrorKind::RateLimited,
        "conditionNotMet" => ErrorKind::Conflict,
        "notFound" => ErrorKind::NotFound,
        "authError" | "required" if status == 401 => ErrorKind::Unauthenticated,
        "forbidden"
        | "insufficientPermissions"
        | "accountDisabled"
        | "userProjectMissing"
        | "retentionPolicyNotMet"
        | "objectUnderActiveHold" => ErrorKind::Denied,
        "uploadTooLarge" => ErrorKind::LimitExceeded,
        "backendError" | "internalError" | "uploadBrokenConnection" => ErrorKind::Unavailable,
        _ => return None,
    })
}
