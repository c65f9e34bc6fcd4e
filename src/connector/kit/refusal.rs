//! Answers that are not good ones, and what they mean.

use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::clock::Timestamp;
use crate::connector::RateAdvice;
use crate::error::{Error, ErrorKind};

use super::answer::{HttpAnswer, from_json};

/// How much of the body of a refusal is read, in bytes.
const MOST: u64 = 64 << 10;

/// The longest reason that is passed on, in characters.
const REASON: usize = 120;

/// Says what a refusal means, where the status alone does not tell. `None` leaves it to the status.
pub type Judge = fn(&Refusal) -> Option<Verdict>;

/// An answer whose status is not one that was asked for.
#[derive(Debug)]
pub struct Refusal {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// What a [`Refusal`] means.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// What a caller can do.
    pub kind: ErrorKind,
    /// The platform's own code for it, such as `userRateLimitExceeded`. Never a sentence: those can hold anything.
    pub reason: Option<String>,
    /// How long to wait, where the body tells; headers are read anyway.
    pub retry_after: Option<Duration>,
    /// What happened, where the kind alone would mislead: lower case, without a full stop.
    pub message: Option<&'static str>,
}

impl Verdict {
    /// Means `kind`, without a reason.
    #[must_use]
    pub fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            reason: None,
            retry_after: None,
            message: None,
        }
    }

    /// Sets [`Verdict::reason`].
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Sets [`Verdict::retry_after`].
    #[must_use]
    pub fn with_retry_after(mut self, wait: impl Into<Option<Duration>>) -> Self {
        self.retry_after = wait.into();
        self
    }

    /// Sets [`Verdict::message`].
    #[must_use]
    pub fn with_message(mut self, message: &'static str) -> Self {
        self.message = Some(message);
        self
    }
}

impl Refusal {
    /// Takes in an answer. A body that cannot be read is an empty one: the status says enough.
    pub(super) async fn of(mut answer: HttpAnswer) -> Self {
        let body = answer.up_to(MOST).await.unwrap_or_default();
        let headers = answer.headers();
        Self {
            status: answer.status(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body,
        }
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns what the status alone means, for a judge that knows the reason but no better kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        by_status(self.status)
    }

    /// Returns the first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the body, the first 64 KiB of it.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Reads the body as JSON; `None` if it is not of that form.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        from_json(&self.body).ok()
    }

    /// Returns what the refusal means: as `judge` says, otherwise by its status.
    pub(super) fn into_error(
        self,
        platform: &'static str,
        operation: &'static str,
        judge: Judge,
        now: Timestamp,
    ) -> Error {
        let verdict = judge(&self).unwrap_or_else(|| Verdict::new(by_status(self.status)));
        let headers = self.headers.iter();
        let advice = RateAdvice::from_headers(headers.map(|(n, v)| (n.as_str(), v.as_str())), now);
        let wait = verdict.retry_after.or_else(|| advice.wait());
        let text = verdict.message.unwrap_or_else(|| message(verdict.kind));
        let mut error = Error::new(verdict.kind, operation, text)
            .with_context("platform", platform)
            .with_context("status", self.status);
        if let Some(reason) = verdict.reason {
            let reason: String = reason.chars().take(REASON).collect();
            error = error.with_context("reason", reason);
        }
        match wait.filter(|_| verdict.kind.is_retryable() || verdict.kind == ErrorKind::Locked) {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }
}

/// What a status means where the platform says no more
/// ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-15), [RFC 4918](https://www.rfc-editor.org/rfc/rfc4918#section-11)).
fn by_status(status: u16) -> ErrorKind {
    match status {
        300..=399 => ErrorKind::Refused,
        400 | 406 | 414 | 415 | 416 | 422 | 431 => ErrorKind::InvalidInput,
        401 => ErrorKind::Unauthenticated,
        402 | 507 => ErrorKind::Full,
        403 | 451 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        405 | 501 | 505 => ErrorKind::Unsupported,
        408 => ErrorKind::Timeout,
        409 | 412 => ErrorKind::Conflict,
        410 => ErrorKind::Expired,
        413 => ErrorKind::LimitExceeded,
        423 => ErrorKind::Locked,
        425 | 500..=599 => ErrorKind::Unavailable,
        429 => ErrorKind::RateLimited,
        _ => ErrorKind::Unexpected,
    }
}

fn message(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "the platform has no such thing",
        ErrorKind::AlreadyExists => "the platform has one of that name already",
        ErrorKind::Conflict => "the platform has another version than expected",
        ErrorKind::InvalidInput => "the platform does not take the request",
        ErrorKind::Denied => "the platform does not allow this account to do it",
        ErrorKind::Unauthenticated => {
            "the platform does not accept the credentials; connect the account again"
        }
        ErrorKind::RateLimited => "the platform asks to slow down",
        ErrorKind::Full => "the account on the platform has no room left",
        ErrorKind::Timeout => "the platform did not answer in time",
        ErrorKind::Unavailable => "the platform has a fault for now",
        ErrorKind::Corrupt => "the platform has other bytes than were sent",
        ErrorKind::Changed => "the file on the platform has changed",
        ErrorKind::Unsupported => "the platform cannot do it",
        ErrorKind::Expired => "the platform no longer knows it",
        ErrorKind::Locked => "somebody holds a lock on the platform",
        ErrorKind::Refused => "the platform sends the call elsewhere, where it does not go",
        ErrorKind::LimitExceeded => "it is more than the platform takes",
        ErrorKind::Cancelled | ErrorKind::Unexpected => {
            "the platform answered what it is not known to answer"
        }
    }
}
