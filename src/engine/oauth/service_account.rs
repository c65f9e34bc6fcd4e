//! A program that signs for itself: Google's service accounts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::{Clock, Timestamp};
use crate::connector::kit::{AccessToken, Credentials, HttpClient, HttpRequest};
use crate::engine::crypto::off_runtime;
use crate::error::{Error, ErrorKind, Result};

use super::answer::{Failure, Tokens};
use super::endpoint::{Asking, tokens};
use super::minted::{Mint, Minted};
use super::options::OAuthOptions;
use super::provider::{Provider, is_safe};
use super::records::before;
use super::secret::Secret;

/// How long an assertion is good; Google takes no longer one.
const LIFE: Duration = Duration::from_secs(3600);

/// How far ahead of Google's our clock may be: an assertion from the future is refused.
const SKEW: Duration = Duration::from_secs(60);

/// The key of a service account, as the file that Google gives.
///
/// Printed without the key.
#[derive(Clone)]
pub struct ServiceAccountKey {
    email: String,
    key_id: Option<String>,
    token_uri: String,
    endpoint: String,
    pair: Arc<RsaKeyPair>,
}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountKey")
            .field("email", &self.email)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: String,
    client_email: String,
    #[serde(default)]
    private_key_id: Option<String>,
    private_key: Secret,
    token_uri: String,
}

impl ServiceAccountKey {
    /// Reads the JSON file of a service account, with an RSA key of 2,048 bits or more in PKCS#8.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: another file, or another key.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let fault =
            |message: &str| Error::new(ErrorKind::InvalidInput, "service_account.parse", message);
        // The cause may quote the key.
        let file: File = serde_json::from_slice(json).map_err(|cause| {
            fault("this is no file of a service account")
                .with_context("line", cause.line())
                .with_context("column", cause.column())
        })?;
        if file.kind != "service_account" {
            return Err(fault("this is a file of another kind of account"));
        }
        if !is_safe(&file.token_uri) {
            return Err(fault("tokens come over TLS, or from this machine"));
        }
        let der = der(file.private_key.expose())
            .ok_or_else(|| fault("the key is not one of PKCS#8 in PEM"))?;
        let pair = RsaKeyPair::from_pkcs8(&der)
            .map_err(|cause| fault("the key is no RSA key that can be used").with_source(cause))?;
        Ok(Self {
            email: file.client_email,
            key_id: file.private_key_id,
            endpoint: file.token_uri.clone(),
            token_uri: file.token_uri,
            pair: Arc::new(pair),
        })
    }

    /// Asks another address than the one in the file, such as a proxy's. The assertion stays for the one in the file.
    #[must_use]
    pub fn with_token_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = url.into();
        self
    }

    /// Returns the account's address, with which people share folders.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Signs an assertion ([RFC 7523](https://www.rfc-editor.org/rfc/rfc7523), RS256).
    fn assertion(&self, asked: &Asked, now: Timestamp) -> Result<Zeroizing<String>> {
        let wrong = || {
            let message = "the assertion cannot be made";
            Error::new(ErrorKind::Unexpected, "service_account.sign", message)
        };
        let header = Header {
            alg: "RS256",
            typ: "JWT",
            kid: self.key_id.as_deref(),
        };
        let issued = before(now, SKEW).as_millis() / 1_000;
        let claims = Claims {
            iss: &self.email,
            scope: &asked.scope,
            aud: &self.token_uri,
            sub: asked.subject.as_deref(),
            iat: issued,
            exp: issued.saturating_add(i64::try_from(LIFE.as_secs()).unwrap_or(i64::MAX)),
        };
        let [header, claims] = [serde_json::to_vec(&header), serde_json::to_vec(&claims)];
        let mut text = Zeroizing::new(URL_SAFE_NO_PAD.encode(header.map_err(|_| wrong())?));
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(claims.map_err(|_| wrong())?, &mut text);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .map_err(|cause| wrong().with_source(cause))?;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        Ok(text)
    }
}

/// A service account of Google, by its key. Tokens are in memory only: there are always others to be had. Cheap to clone;
/// clones share them.
#[derive(Clone)]
pub struct ServiceAccount(Arc<Minted<Signer>>);

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount")
            .field("key", &self.0.mint.key)
            .finish_non_exhaustive()
    }
}

impl ServiceAccount {
    /// Asks for `scopes` as the account itself.
    #[must_use]
    pub fn new<S: Into<String>>(
        key: ServiceAccountKey,
        scopes: impl IntoIterator<Item = S>,
        client: HttpClient,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::for_subject(key, scopes, None, client, clock)
    }

    /// Asks for `scopes` as the person `subject`, whom the administrator of their domain lets the account act for.
    #[must_use]
    pub fn acting_for<S: Into<String>>(
        key: ServiceAccountKey,
        scopes: impl IntoIterator<Item = S>,
        subject: impl Into<String>,
        client: HttpClient,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::for_subject(key, scopes, Some(subject.into()), client, clock)
    }

    /// Returns a token that is good for now.
    ///
    /// # Errors
    /// - [`ErrorKind::Unauthenticated`]: the key was deleted, the clock is wrong, or the account may not act for the person.
    /// - [`ErrorKind::Timeout`], [`ErrorKind::Unavailable`], [`ErrorKind::RateLimited`]: the provider has a fault.
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn token(&self) -> Result<AccessToken> {
        self.0.token().await
    }

    fn for_subject<S: Into<String>>(
        key: ServiceAccountKey,
        scopes: impl IntoIterator<Item = S>,
        subject: Option<String>,
        client: HttpClient,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        let asked = Asked {
            scope: scopes.join(" "),
            subject,
        };
        // The assertion says who asks: the form has no client of its own.
        let provider = Provider::new("service-account", "", key.endpoint.clone());
        let signer = Signer {
            key,
            asked: Arc::new(asked),
            provider,
            client,
            clock: Arc::clone(&clock),
        };
        Self(Arc::new(Minted::new(signer, clock)))
    }
}

#[async_trait]
impl Credentials for ServiceAccount {
    async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        self.token().await?.put_on(request);
        Ok(())
    }

    async fn refused(&self, request: &HttpRequest) -> Result<bool> {
        Ok(self.0.refused(request))
    }
}

struct Signer {
    key: ServiceAccountKey,
    asked: Arc<Asked>,
    provider: Provider,
    client: HttpClient,
    clock: Arc<dyn Clock>,
}

struct Asked {
    scope: String,
    subject: Option<String>,
}

#[async_trait]
impl Mint for Signer {
    async fn mint(&self) -> Result<(Tokens, Timestamp)> {
        let now = self.clock.now();
        let (key, asked) = (self.key.clone(), Arc::clone(&self.asked));
        // Half a millisecond of arithmetic.
        let sign = move || key.assertion(&asked, now);
        let assertion = off_runtime("service_account.sign", sign).await?;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion.as_str()),
        ];
        let at = Asking {
            operation: "oauth.service_account",
            now,
            patience: OAuthOptions::default().patience(),
        };
        let answer = tokens(&self.client, &self.provider, &form, &at).await;
        Ok((answer.map_err(Failure::into_error)?, now))
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    iat: i64,
    exp: i64,
}

/// Takes a key out of its PEM ([RFC 7468](https://www.rfc-editor.org/rfc/rfc7468#section-10)).
fn der(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let body: Zeroizing<String> =
        Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    STANDARD.decode(body.as_bytes()).ok().map(Zeroizing::new)
}
