//! How sessions are made.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;

/// Makes the sessions of one account, and tells whether one still works.
///
/// # For implementors
/// A session is closed by dropping it; whatever says goodbye on the wire goes into its `Drop`, and must not block. Both
/// methods may be dropped at any `await`, and are when they take too long; a `connect` that is dropped must leave
/// nothing open.
#[async_trait]
pub trait SessionFactory: fmt::Debug + Send + Sync + 'static {
    /// One open session.
    type Session: Send + 'static;

    /// Opens a session, ready for use: connected, and logged in.
    ///
    /// # Errors
    /// Why there is none; handed on to whoever asked for it.
    async fn connect(&self) -> Result<Self::Session>;

    /// Makes sure that a session that has lain idle still works, by one cheap exchange with the other side.
    ///
    /// # Errors
    /// Any error: the session is dropped, and the next one taken.
    async fn validate(&self, session: &mut Self::Session) -> Result<()>;
}
