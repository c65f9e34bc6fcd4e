//! The one answer to whoever shows what does not count.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// Why somebody was turned away: for the host's logs, never for whoever asked.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum DenyReason {
    /// Not of the form it must have.
    Malformed,
    /// Signed by another algorithm than the one that is allowed, or by none.
    Algorithm,
    /// The header says something that must not be followed or is not known.
    Header,
    /// Signed with a key that is not known here, or no longer taken.
    Key,
    /// The signature does not fit.
    Signature,
    /// A thing of another type.
    Type,
    /// A claim is missing or not what it must be.
    Claims,
    /// From another issuer.
    Issuer,
    /// For somebody else.
    Audience,
    /// Too late.
    Expired,
    /// Too early, or from a time that has not come.
    NotYet,
    /// Good for longer than is allowed.
    Lifetime,
    /// Grants what is not known here.
    Permission,
    /// Taken back.
    Revoked,
    /// Used before.
    Reused,
    /// Nobody knows of it (any more).
    Unknown,
    /// Shown by another client, session or for another use than it was made for.
    Binding,
    /// The database did not answer, so nobody is let in.
    Storage,
}

impl DenyReason {
    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Header => "header",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Type => "type",
            Self::Claims => "claims",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::Lifetime => "lifetime",
            Self::Permission => "permission",
            Self::Revoked => "revoked",
            Self::Reused => "reused",
            Self::Unknown => "unknown",
            Self::Binding => "binding",
            Self::Storage => "storage",
        }
    }
}

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Somebody was turned away. Prints the same whatever the reason, so that it can be shown to them.
///
/// # Example
///
/// ```
/// use garland::crypto::tokens::{Denied, DenyReason};
///
/// let denied = Denied::from(DenyReason::Expired);
/// assert_eq!(denied.to_string(), "access denied");
/// assert_eq!(denied.reason().code(), "expired");
/// ```
pub struct Denied {
    reason: DenyReason,
    cause: Option<Error>,
}

impl Denied {
    /// Returns why.
    #[must_use]
    pub fn reason(&self) -> DenyReason {
        self.reason
    }

    /// Returns what went wrong here, with [`DenyReason::Storage`].
    #[must_use]
    pub fn cause(&self) -> Option<&Error> {
        self.cause.as_ref()
    }

    pub(crate) fn storage(cause: Error) -> Self {
        Self {
            reason: DenyReason::Storage,
            cause: Some(cause),
        }
    }
}

impl From<DenyReason> for Denied {
    fn from(reason: DenyReason) -> Self {
        Self {
            reason,
            cause: None,
        }
    }
}

impl From<Denied> for Error {
    /// Keeps nothing but that it was denied, as the result may be shown to whoever asked.
    fn from(denied: Denied) -> Self {
        Self::new(ErrorKind::Denied, "token.check", denied.to_string())
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("access denied")
    }
}

impl fmt::Debug for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "access denied: {}", self.reason)?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause:?}"),
            None => Ok(()),
        }
    }
}

// Without a source on purpose: a chain that is printed to the caller must not tell more.
impl std::error::Error for Denied {}
