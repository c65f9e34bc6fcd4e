//! A connected account, as the credentials of a connector.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::connector::ConnectorName;
use crate::connector::kit::{AccessToken, Credentials, HttpRequest};
use crate::error::{Error, ErrorKind, Result};

use super::connection::Connection;
use super::records::AccountRecord;
use super::tasks::Tasks;

/// A connected account: credentials that are always fresh. Cheap to clone; all of one name and one [`OAuth`](super::OAuth)
/// share their tokens.
///
/// A token is refreshed some time before its end, while the old one is still used; only one that has run out, or that the
/// platform refused, is waited for. A caller that goes away breaks no refresh off.
#[derive(Clone)]
pub struct OAuthAccount {
    connection: Arc<Connection>,
    tasks: Arc<Tasks>,
}

impl fmt::Debug for OAuthAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthAccount")
            .field("name", self.name())
            .field("provider", &self.connection.provider().id)
            .finish_non_exhaustive()
    }
}

impl OAuthAccount {
    pub(super) fn new(connection: Arc<Connection>, tasks: Arc<Tasks>) -> Self {
        Self { connection, tasks }
    }

    /// Returns what the account is called.
    #[must_use]
    pub fn name(&self) -> &ConnectorName {
        &self.connection.name
    }

    /// Returns a token that is good for now.
    ///
    /// # Errors
    /// - [`ErrorKind::Unauthenticated`]: the account has to be connected again, or was disconnected.
    /// - [`ErrorKind::Denied`]: the provider does not take the host's program.
    /// - [`ErrorKind::Timeout`], [`ErrorKind::Unavailable`], [`ErrorKind::RateLimited`]: the provider has a fault, and the
    ///   last token has run out.
    /// - Those of the keys and the database.
    ///
    /// # Cancel safety
    /// Safe to drop; a refresh goes on.
    pub async fn token(&self) -> Result<AccessToken> {
        self.connection.token(&self.tasks).await
    }

    /// Asks for other tokens now, such as after the owner gave more rights.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    ///
    /// # Cancel safety
    /// Safe to drop; the refresh goes on.
    pub async fn refresh(&self) -> Result<()> {
        let record = self.record().await?;
        let edition = record.edition();
        self.connection.renewed(&self.tasks, Some(edition)).await
    }

    /// Returns what is recorded of the account: its state, its times, its scopes.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: it was disconnected; those of the database.
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn record(&self) -> Result<AccountRecord> {
        let record = self.connection.inner.record(self.name()).await?;
        record.map(|record| record.value).ok_or_else(|| {
            let message = "the account is not connected any more";
            Error::new(ErrorKind::NotFound, "oauth.record", message)
                .with_context("account", self.name())
        })
    }

    pub(super) async fn mark_ending(&self) -> Result<()> {
        self.connection.mark_ending().await
    }
}

#[async_trait]
impl Credentials for OAuthAccount {
    async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        self.token().await?.put_on(request);
        Ok(())
    }

    async fn refused(&self, request: &HttpRequest) -> Result<bool> {
        self.connection.refused(&self.tasks, request).await
    }
}
