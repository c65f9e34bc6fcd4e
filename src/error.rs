//! The crate's one error type.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// A result whose error is garland's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an [`Error`].
///
/// Each kind has a stable [`code`](ErrorKind::code) for bindings, logs and tests.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The thing named does not exist.
    NotFound,
    /// The thing to be created exists already; nothing was overwritten.
    AlreadyExists,
    /// A precondition did not hold: somebody else changed the thing. Read it again, then decide.
    Conflict,
    /// The caller's value is malformed or out of range. Nothing was changed.
    InvalidInput,
    /// The account or actor may not do this.
    Denied,
    /// The platform does not accept the credentials. Connect the account again.
    Unauthenticated,
    /// The platform asks to slow down; see [`Error::retry_after`].
    RateLimited,
    /// No space, or the account's quota is used up.
    Full,
    /// No answer within the time allowed.
    Timeout,
    /// A passing fault of the platform, the disk or the network.
    Unavailable,
    /// Bytes or records are not what they must be; nothing was delivered.
    Corrupt,
    /// A file changed while it was read.
    Changed,
    /// This account, platform or version cannot do it.
    Unsupported,
    /// A cursor, session or lease has run out. Start again from the beginning.
    Expired,
    /// The caller cancelled the work.
    Cancelled,
    /// Somebody else is at it; see [`Error::retry_after`].
    Locked,
    /// A guard refused to go on, because the work looked dangerous.
    Refused,
    /// A bound set by the caller or the platform was exceeded.
    LimitExceeded,
    /// A fault in garland or in an implementation of one of its traits. Please report it.
    Unexpected,
}

impl ErrorKind {
    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::InvalidInput => "invalid_input",
            Self::Denied => "denied",
            Self::Unauthenticated => "unauthenticated",
            Self::RateLimited => "rate_limited",
            Self::Full => "full",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Changed => "changed",
            Self::Unsupported => "unsupported",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Locked => "locked",
            Self::Refused => "refused",
            Self::LimitExceeded => "limit_exceeded",
            Self::Unexpected => "unexpected",
        }
    }

    /// Tells whether the same call may succeed later with nothing changed.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Timeout | Self::Unavailable)
    }
}

impl serde::Serialize for ErrorKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What happened, to what, and what can be done.
///
/// It prints as one line without its causes; [`source`](StdError::source) keeps the chain.
/// Secrets and file contents never enter it.
///
/// # Example
///
/// ```
/// use garland::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotFound, "files.stat", "no such file")
///     .with_context("path", "day/IMG_1.jpg");
/// assert_eq!(error.to_string(), "no such file in files.stat, path `day/IMG_1.jpg`");
/// assert!(!error.is_retryable());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    message: String,
    context: Vec<(&'static str, String)>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error of `kind` that happened in `operation` (`area.verb`).
    ///
    /// `message` is lower case, without a full stop and without secrets.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation,
            message: message.into(),
            context: Vec::new(),
            retry_after: None,
            source: None,
        }))
    }

    /// Adds a named value to the message, such as the path at hand.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "so that a literal, a reference and a temporary all do"
    )]
    pub fn with_context(mut self, name: &'static str, value: impl ToString) -> Self {
        self.0.context.push((name, value.to_string()));
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Sets how long to wait before the next try.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Returns what a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the operation that failed, as `area.verb`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// Returns what happened, without operation and context.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Tells whether the same call may succeed later with nothing changed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.kind.is_retryable()
    }

    /// Returns how long the other side asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.0.message, self.0.operation)?;
        for (name, value) in &self.0.context {
            write!(f, ", {name} `{}`", value.escape_debug())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {self}", self.0.kind)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_kept_but_not_repeated() {
        let cause = std::io::Error::other("disk on fire");
        let error = Error::new(ErrorKind::Unavailable, "files.read", "read failed")
            .with_context("path", "a\nb")
            .with_source(cause);
        assert_eq!(error.to_string(), "read failed in files.read, path `a\\nb`");
        assert_eq!(
            format!("{error:?}"),
            "[unavailable] read failed in files.read, path `a\\nb`: disk on fire"
        );
        assert!(error.is_retryable());
    }
}
