//! Why a sealed object does not open.

use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, ErrorKind};

use super::header::MAGIC;

/// Why a sealed object does not open: four answers, to be told apart by the host.
///
/// It is the cause of an [`Error`] of kind [`ErrorKind::Corrupt`]; [`SealedError::of`] finds it there.
/// Whoever asks over a network gets one answer for all of them.
///
/// # Example
///
/// ```
/// use garland::crypto::{Header, SealedError};
///
/// let error = Header::parse(&[0; 72]).unwrap_err();
/// assert_eq!(SealedError::of(&error), Some(SealedError::Header));
/// assert_eq!(SealedError::Header.code(), "header");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SealedError {
    /// It does not begin as a sealed object of a format that is known here.
    Header,
    /// The key is another one, or the tenant, file, version or purpose, or the header was changed.
    WrongKeyOrContext,
    /// A chunk is not what was sealed there.
    Corrupt {
        /// Which one, from 0.
        chunk: u32,
    },
    /// The end is missing, or no file has a sealed object of this length. A cut in the middle of a chunk is told from
    /// a [corrupt](SealedError::Corrupt) one only by a reader that knows the length.
    Truncated,
}

impl SealedError {
    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::WrongKeyOrContext => "wrong_key_or_context",
            Self::Corrupt { .. } => "corrupt",
            Self::Truncated => "truncated",
        }
    }

    /// Finds it among the causes of an error.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref() {
                return Some(*found);
            }
            cause = error.source();
        }
        None
    }

    /// Of an object that ends within its header: `start` is how it begins.
    pub(super) fn of_start(start: &[u8]) -> Self {
        let start = start.get(..MAGIC.len()).unwrap_or(start);
        if MAGIC.starts_with(start) {
            Self::Truncated
        } else {
            Self::Header
        }
    }

    pub(super) fn with_message(self, operation: &'static str, message: &'static str) -> Error {
        Error::new(ErrorKind::Corrupt, operation, message).with_source(self)
    }
}

impl fmt::Display for SealedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl StdError for SealedError {}

impl From<SealedError> for Error {
    fn from(failure: SealedError) -> Self {
        let message = match failure {
            SealedError::Header => "it does not begin as a sealed object does",
            SealedError::WrongKeyOrContext => "the key or the context is not that of this object",
            SealedError::Corrupt { .. } => "a chunk is not what was sealed",
            SealedError::Truncated => "the end of the object is missing",
        };
        let error = failure.with_message("sealed.open", message);
        match failure {
            SealedError::Corrupt { chunk } => error.with_context("chunk", chunk),
            _ => error,
        }
    }
}
