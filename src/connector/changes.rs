//! Change feeds: what happened since last time, without a listing.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Result;

use super::files::{FileEntry, Skipped};
use super::path::FilePath;

/// A place in a platform's feed of changes. Opaque; made and read by one connector.
///
/// It holds of which account and folder it is: one of another is [`ErrorKind::Expired`](crate::ErrorKind::Expired), so that
/// nobody goes on with the wrong one when a name has been given to another account.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ChangeCursor(Box<str>);

impl ChangeCursor {
    /// Makes a cursor from a connector's own text.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the connector's own text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One change.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// The file is now so, whatever it was before. If its platform id was known at another path, it
    /// is not there any more.
    Present(FileEntry),
    /// Nothing is at this path any more, neither a file nor, where it was a folder, anything below.
    Gone(FilePath),
    /// The file with this platform id is gone; the platform does not say from where.
    GoneById(Box<str>),
    /// At this name is something now that is not handed out as a file, whatever was there before.
    Skipped(Skipped),
}

/// A part of a feed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChangePage {
    /// What happened, in order. Several changes of one file may have become one.
    pub changes: Vec<Change>,
    /// Where to go on. To be stored only after the changes have been taken in.
    pub next: ChangeCursor,
    /// Whether more is waiting already.
    pub more: bool,
}

impl ChangePage {
    /// Makes a page.
    #[must_use]
    pub fn new(changes: Vec<Change>, next: ChangeCursor, more: bool) -> Self {
        Self {
            changes,
            next,
            more,
        }
    }
}

/// A platform's own record of what changed.
///
/// # For implementors
/// Every change is told sooner or later, in an order in which the last word on each path is the true one. What cannot be
/// told exactly, such as which of two files of one name is the one that counts, is
/// [`ErrorKind::Expired`](crate::ErrorKind::Expired): a listing follows. A feed may be late: a sync asks about what it would
/// delete.
#[async_trait]
pub trait ChangeFeed: fmt::Debug + Send + Sync {
    /// Returns the cursor of this moment. Take it before a full listing, so that no change falls between.
    ///
    /// # Errors
    /// Those of the platform.
    async fn start(&self) -> Result<ChangeCursor>;

    /// Returns what happened after `cursor`, but to garland's own files ([`FilePath::is_internal`]).
    ///
    /// # Errors
    /// - [`ErrorKind::Expired`](crate::ErrorKind::Expired): the platform no longer knows the cursor;
    ///   list everything and start again.
    async fn changes(&self, cursor: &ChangeCursor) -> Result<ChangePage>;
}
