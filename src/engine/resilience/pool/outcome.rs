//! What became of a call, as far as it tells about the platform.

use serde::Serialize;

use crate::engine::resilience::layers::is_own;
use crate::error::{Error, ErrorKind, Result};

/// What became of a call, as far as it tells about the platform.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The platform answered; that a file does not exist is an answer too.
    Answered,
    /// It asked to slow down (429).
    RateLimited,
    /// It did not answer in time, or only to say that it cannot (503, a broken connection).
    Unavailable,
    /// It does not accept the credentials.
    Unauthenticated,
    /// The caller gave up; this tells nothing.
    Cancelled,
}

impl Outcome {
    /// Reads the outcome from the result of a call. One that a layer of our own has refused tells as little as one that
    /// was given up.
    ///
    /// # Example
    ///
    /// ```
    /// use garland::resilience::pool::Outcome;
    /// use garland::{Error, ErrorKind};
    ///
    /// let error = |kind| Err::<(), _>(Error::new(kind, "files.stat", "failed"));
    /// assert_eq!(Outcome::of(&error(ErrorKind::RateLimited)), Outcome::RateLimited);
    /// assert_eq!(Outcome::of(&error(ErrorKind::Timeout)), Outcome::Unavailable);
    /// assert_eq!(Outcome::of(&error(ErrorKind::NotFound)), Outcome::Answered);
    /// ```
    #[must_use]
    pub fn of<T>(result: &Result<T>) -> Self {
        if result.as_ref().is_err_and(is_own) {
            return Self::Cancelled;
        }
        match result.as_ref().map_err(Error::kind) {
            Err(ErrorKind::RateLimited) => Self::RateLimited,
            Err(ErrorKind::Timeout | ErrorKind::Unavailable) => Self::Unavailable,
            Err(ErrorKind::Unauthenticated) => Self::Unauthenticated,
            Err(ErrorKind::Cancelled) => Self::Cancelled,
            _ => Self::Answered,
        }
    }

    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Unauthenticated => "unauthenticated",
            Self::Cancelled => "cancelled",
        }
    }

    /// Tells whether fewer calls at once might have gone better.
    pub(super) fn is_overload(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable)
    }
}
