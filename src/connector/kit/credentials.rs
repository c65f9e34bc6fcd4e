//! What proves who asks.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;

use super::request::HttpRequest;

/// Adds to each request what proves who asks.
///
/// # For implementors
/// Called once for every try. Never writes a secret into the address, where logs keep it, if the platform takes a header.
#[async_trait]
pub trait Credentials: fmt::Debug + Send + Sync + 'static {
    /// Adds the proof to a request.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`](crate::ErrorKind::Unauthenticated): there is none any more; connect the account again.
    async fn sign(&self, request: &mut HttpRequest) -> Result<()>;

    /// Is told that the platform refused the proof in `request`, and returns whether there is a newer one to try with.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    async fn refused(&self, request: &HttpRequest) -> Result<bool>;
}

/// No proof at all.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Anonymous;

#[async_trait]
impl Credentials for Anonymous {
    async fn sign(&self, _: &mut HttpRequest) -> Result<()> {
        Ok(())
    }

    async fn refused(&self, _: &HttpRequest) -> Result<bool> {
        Ok(false)
    }
}

/// A token that whoever bears it may use. Neither printed nor serialized.
#[derive(Clone)]
pub struct AccessToken(Box<str>);

impl AccessToken {
    /// Takes a token.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the token itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Adds the token to a request ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
    pub fn put_on(&self, request: &mut HttpRequest) {
        request.set_header("authorization", format!("Bearer {}", self.0));
    }

    /// Tells whether a request bears this token.
    #[must_use]
    pub fn is_on(&self, request: &HttpRequest) -> bool {
        let value = request.header_value("authorization");
        value.and_then(|value| value.strip_prefix("Bearer ")) == Some(&self.0)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// One token for as long as it lives, such as an app's own or one that a host renews itself.
#[derive(Clone, Debug)]
pub struct Bearer(AccessToken);

impl Bearer {
    /// Asks with this token.
    #[must_use]
    pub fn new(token: AccessToken) -> Self {
        Self(token)
    }
}

#[async_trait]
impl Credentials for Bearer {
    async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        self.0.put_on(request);
        Ok(())
    }

    async fn refused(&self, _: &HttpRequest) -> Result<bool> {
        Ok(false)
    }
}

/// A name and a password ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)). An app password is better than the account's own.
#[derive(Clone)]
pub struct BasicLogin(Box<str>);

impl BasicLogin {
    /// Asks as `user` with `password`.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Self {
        use base64::Engine as _;
        let text = format!("{user}:{password}");
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        Self(format!("Basic {encoded}").into())
    }
}

impl fmt::Debug for BasicLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BasicLogin(…)")
    }
}

#[async_trait]
impl Credentials for BasicLogin {
    async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        request.set_header("authorization", &*self.0);
        Ok(())
    }

    async fn refused(&self, _: &HttpRequest) -> Result<bool> {
        Ok(false)
    }
}

/// A key in a header of its own, such as `X-API-Key`, beside other credentials or none.
#[derive(Clone)]
pub struct HeaderKey<C = Anonymous> {
    name: Box<str>,
    value: Box<str>,
    beside: C,
}

impl HeaderKey {
    /// Asks with this header alone.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        Self::beside(Anonymous, name, value)
    }
}

impl<C: Credentials> HeaderKey<C> {
    /// Asks with this header and with other credentials.
    #[must_use]
    pub fn beside(other: C, name: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            beside: other,
        }
    }
}

impl<C: fmt::Debug> fmt::Debug for HeaderKey<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderKey")
            .field("name", &self.name)
            .field("beside", &self.beside)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<C: Credentials> Credentials for HeaderKey<C> {
    async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        request.set_header(&self.name, &*self.value);
        self.beside.sign(request).await
    }

    async fn refused(&self, request: &HttpRequest) -> Result<bool> {
        self.beside.refused(request).await
    }
}
