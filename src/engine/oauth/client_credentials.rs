//! A program in its own name ([RFC 6749, 4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::{Clock, Timestamp};
use crate::connector::kit::{AccessToken, Credentials, HttpClient, HttpRequest};
use crate::error::{Error, ErrorKind, Result};

use super::answer::{Failure, Tokens};
use super::endpoint::{Asking, tokens};
use super::minted::{Mint, Minted};
use super::options::OAuthOptions;
use super::provider::{ClientAuthentication, Provider};

/// A program in its own name, without any person's account. Tokens are in memory only: there are always others to be had.
/// Cheap to clone; clones share them.
#[derive(Clone)]
pub struct ClientCredentials(Arc<Minted<Client>>);

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("provider", &self.0.mint.provider.id)
            .finish_non_exhaustive()
    }
}

impl ClientCredentials {
    /// Asks a provider for [`Provider::scopes`] by [`Provider::authentication`]. [`Provider::parameters`] go along, such as
    /// Box's `box_subject_type`.
    ///
    /// # Errors
    /// - As [`Provider::check`].
    /// - [`ErrorKind::InvalidInput`]: a provider without a way to prove who asks.
    pub fn new(provider: Provider, client: HttpClient, clock: Arc<dyn Clock>) -> Result<Self> {
        provider.check()?;
        if matches!(provider.authentication, ClientAuthentication::None) {
            let message = "a program in its own name has a secret";
            return Err(
                Error::new(ErrorKind::InvalidInput, "client_credentials.new", message)
                    .with_context("provider", &provider.id),
            );
        }
        let mint = Client {
            provider,
            client,
            clock: Arc::clone(&clock),
        };
        Ok(Self(Arc::new(Minted::new(mint, clock))))
    }

    /// Returns a token that is good for now.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the provider does not take the program.
    /// - [`ErrorKind::Timeout`], [`ErrorKind::Unavailable`], [`ErrorKind::RateLimited`]: it has a fault.
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn token(&self) -> Result<AccessToken> {
        self.0.token().await
    }
}

#[async_trait]
impl Credentials for ClientCredentials {
    async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        self.token().await?.put_on(request);
        Ok(())
    }

    async fn refused(&self, request: &HttpRequest) -> Result<bool> {
        Ok(self.0.refused(request))
    }
}

struct Client {
    provider: Provider,
    client: HttpClient,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Mint for Client {
    async fn mint(&self) -> Result<(Tokens, Timestamp)> {
        let scope = self.provider.scopes.join(" ");
        let mut form = vec![("grant_type", "client_credentials")];
        if !scope.is_empty() {
            form.push(("scope", &scope));
        }
        let more = self.provider.parameters.iter();
        form.extend(more.map(|(name, value)| (name.as_str(), value.as_str())));
        let at = Asking {
            operation: "oauth.client_credentials",
            now: self.clock.now(),
            patience: OAuthOptions::default().patience(),
        };
        let answer = tokens(&self.client, &self.provider, &form, &at).await;
        Ok((answer.map_err(Failure::into_error)?, at.now))
    }
}
