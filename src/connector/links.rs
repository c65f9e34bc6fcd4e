//! Share links.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;

use super::path::FilePath;

/// Who can follow a link.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkScope {
    /// Whoever has the link.
    Anyone,
    /// Members of the account's organization on the platform.
    #[default]
    Organization,
}

/// What a link shall allow.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct LinkOptions {
    /// Who can follow it. By default the narrower scope.
    pub scope: LinkScope,
    /// When it ends; never by default.
    pub expires: Option<Timestamp>,
    /// A password asked of whoever follows it.
    pub password: Option<String>,
}

impl LinkOptions {
    /// Sets [`LinkOptions::scope`].
    #[must_use]
    pub fn with_scope(mut self, scope: LinkScope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets [`LinkOptions::expires`].
    #[must_use]
    pub fn with_expires(mut self, expires: Timestamp) -> Self {
        self.expires = Some(expires);
        self
    }

    /// Sets [`LinkOptions::password`].
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }
}

impl fmt::Debug for LinkOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkOptions")
            .field("scope", &self.scope)
            .field("expires", &self.expires)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .finish()
    }
}

/// A link that the platform has made.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct ShareLink {
    /// The platform's name of the link, by which it is revoked.
    pub id: Box<str>,
    /// What to hand out. Whoever has it may have the file, so it is not printed.
    pub url: String,
    /// What it leads to.
    pub path: FilePath,
    /// When it ends, as the platform confirmed.
    pub expires: Option<Timestamp>,
}

impl ShareLink {
    /// Makes the record of a link.
    #[must_use]
    pub fn new(id: impl Into<Box<str>>, url: impl Into<String>, path: FilePath) -> Self {
        Self {
            id: id.into(),
            url: url.into(),
            path,
            expires: None,
        }
    }

    /// Sets [`ShareLink::expires`].
    #[must_use]
    pub fn with_expires(mut self, expires: impl Into<Option<Timestamp>>) -> Self {
        self.expires = expires.into();
        self
    }
}

impl fmt::Debug for ShareLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareLink")
            .field("id", &self.id)
            .field("path", &self.path)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Links to files and folders of one account.
#[async_trait]
pub trait LinkSharing: fmt::Debug + Send + Sync {
    /// Makes a link to a file or a folder.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): nothing is at `path`.
    /// - [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported): the account cannot give a link
    ///   that narrow. A wider one is never made instead.
    async fn create_link(&self, path: &FilePath, options: &LinkOptions) -> Result<ShareLink>;

    /// Returns the links to `path`.
    ///
    /// # Errors
    /// Those of the platform.
    async fn links(&self, path: &FilePath) -> Result<Vec<ShareLink>>;

    /// Ends a link. One that has ended already is no error.
    ///
    /// # Errors
    /// Those of the platform.
    async fn revoke_link(&self, id: &str) -> Result<()>;
}
