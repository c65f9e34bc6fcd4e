//! Connecting an account through a browser: authorization code with PKCE.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tracing::Instrument as _;
use url::Url;

use crate::connector::ConnectorName;
use crate::engine::crypto::pkce::{Challenge, Verifier};
use crate::engine::crypto::{Entropy, draw, same};
use crate::error::{Error, ErrorKind, Result};

use super::account::OAuthAccount;
use super::answer::{Failure, reported};
use super::callback::Callback;
use super::endpoint::{Asking, tokens};
use super::id_token;
use super::pending::Pending;
use super::provider::{Provider, is_safe};
use super::secret::Secret;
use super::service::OAuth;

/// Longest name of a session in bytes.
const LONGEST_SESSION: usize = 1_024;

/// What is asked of a person: to let the host at one of their accounts.
#[derive(Clone)]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// What the account is called here from then on.
    pub account: ConnectorName,
    /// The id of the [`Provider`].
    pub provider: String,
    /// Where the browser comes back to, exactly as it is registered with the provider.
    pub redirect: String,
    /// The session of the browser, as the host knows it, of 1 to 1,024 bytes: an answer in another one is refused.
    pub session: String,
    /// What is asked for. Default [`Provider::scopes`].
    pub scopes: Option<Vec<String>>,
    /// Whose account it is, to spare a question: an address or a name at the provider. Default nobody.
    pub login_hint: Option<String>,
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("account", &self.account)
            .field("provider", &self.provider)
            .field("redirect", &self.redirect)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl AuthorizationRequest {
    /// Asks for the provider's usual scopes.
    #[must_use]
    pub fn new(
        account: ConnectorName,
        provider: impl Into<String>,
        redirect: impl Into<String>,
        session: impl Into<String>,
    ) -> Self {
        Self {
            account,
            provider: provider.into(),
            redirect: redirect.into(),
            session: session.into(),
            scopes: None,
            login_hint: None,
        }
    }

    /// Sets [`AuthorizationRequest::scopes`].
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Sets [`AuthorizationRequest::login_hint`].
    #[must_use]
    pub fn with_login_hint(mut self, hint: impl Into<String>) -> Self {
        self.login_hint = Some(hint.into());
        self
    }
}

/// An authorization on its way: where the browser goes. Printed without the address, which bears the state.
#[derive(Clone)]
pub struct StartedAuthorization {
    url: String,
    state: Secret,
}

impl StartedAuthorization {
    /// Returns where to send the browser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the state that has to come back.
    #[must_use]
    pub fn state(&self) -> &str {
        self.state.expose()
    }
}

impl fmt::Debug for StartedAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartedAuthorization")
            .finish_non_exhaustive()
    }
}

impl OAuth {
    /// Begins to connect an account: the browser goes to [`StartedAuthorization::url`], and what it comes back with goes
    /// to [`finish`](Self::finish).
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no provider of this id.
    /// - [`ErrorKind::Unsupported`]: the provider has no authorization endpoint.
    /// - [`ErrorKind::InvalidInput`]: a redirect that is no address, or a session that is empty or too long.
    /// - [`ErrorKind::Unavailable`]: no random bytes.
    /// - Those of the keys and the database.
    ///
    /// # Cancel safety
    /// Safe to drop; what may be left ends by itself.
    pub async fn begin(&self, request: AuthorizationRequest) -> Result<StartedAuthorization> {
        let fault = |message: &str| Error::new(ErrorKind::InvalidInput, "oauth.begin", message);
        let inner = self.inner();
        let provider = inner.provider(&request.provider)?;
        let endpoint = provider.authorization.as_deref().ok_or_else(|| {
            let message = "this provider has no authorization endpoint";
            Error::new(ErrorKind::Unsupported, "oauth.begin", message)
                .with_context("provider", &provider.id)
        })?;
        if !(1..=LONGEST_SESSION).contains(&request.session.len()) {
            return Err(fault("a session has 1 to 1,024 bytes"));
        }
        if !is_redirect(&request.redirect) {
            return Err(fault(
                "a redirect is an address of https, of http on this machine, or of a program's own scheme",
            ));
        }
        let verifier = Verifier::generate(&*inner.entropy)?;
        let (state, nonce) = (random(&*inner.entropy)?, random(&*inner.entropy)?);
        let scopes = request.scopes.unwrap_or_else(|| provider.scopes.clone());
        let asked = Asked {
            redirect: &request.redirect,
            scopes: &scopes,
            hint: request.login_hint.as_deref(),
            state: &state,
            nonce: &nonce,
            challenge: verifier.challenge(),
        };
        let url = asked.address(endpoint, &provider)?;
        let pending = Pending {
            account: request.account,
            provider: request.provider,
            redirect: request.redirect,
            session: Secret::new(request.session),
            verifier: Secret::new(verifier.expose()),
            nonce,
            scopes,
        };
        inner.keep_pending(&state, &pending).await?;
        Ok(StartedAuthorization { url, state })
    }

    /// Ends what [`begin`](Self::begin) began: checks the answer, exchanges the code, and keeps the account. An account of
    /// this name that is there already is replaced.
    ///
    /// A state is good once, whatever comes of it. Of the account that was there the old tokens are forgotten and not
    /// revoked, because with some providers that would end the new consent too.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`]: an unknown or used state, another session, another issuer, or an ID token of something
    ///   else. Nobody should look at the answer further.
    /// - [`ErrorKind::Expired`]: it took too long.
    /// - [`ErrorKind::Denied`]: the person or the provider said no; the provider's code stands in the context `reason`.
    /// - [`ErrorKind::Unauthenticated`]: the code is not good any more, or PKCE does not fit.
    /// - [`ErrorKind::Timeout`], [`ErrorKind::Unavailable`]: the provider has a fault. A code is good once: begin again.
    /// - Those of the keys and the database.
    ///
    /// # Cancel safety
    /// After a drop the state is spent, and the account is connected or as before.
    pub async fn finish(&self, session: &str, callback: &Callback) -> Result<OAuthAccount> {
        let span = tracing::debug_span!("oauth.finish");
        Box::pin(self.finished(session, callback))
            .instrument(span)
            .await
    }

    async fn finished(&self, session: &str, callback: &Callback) -> Result<OAuthAccount> {
        let refused = |message: &str| Error::new(ErrorKind::Refused, "oauth.finish", message);
        let inner = self.inner();
        let state = callback.state().filter(|state| !state.is_empty());
        let state = state.ok_or_else(|| refused("the answer has no state"))?;
        let pending = inner.take_pending(state, session).await?;
        let provider = inner.provider(&pending.provider)?;
        // Source: RFC 9207, 2.4: before anything else of the answer is used, its errors too.
        match (&callback.issuer, &provider.issuer) {
            (Some(said), Some(own)) if !same(said.as_bytes(), own.as_bytes()) => {
                return Err(refused("the answer is of another provider"));
            }
            (None, _) if provider.sends_issuer => {
                return Err(refused("the answer does not say which provider it is of"));
            }
            _ => {}
        }
        if let Some(code) = &callback.error {
            return Err(reported("oauth.finish", code).with_context("provider", &provider.id));
        }
        let code = callback.code.as_ref().filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| refused("the answer has no code"))?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &pending.redirect),
            ("code_verifier", pending.verifier.expose()),
        ];
        let at = Asking {
            operation: "oauth.finish",
            now: inner.clock.now(),
            patience: inner.options.patience(),
        };
        let answer = tokens(&inner.client, &provider, &form, &at).await;
        let answer = answer.map_err(Failure::into_error)?;
        match &answer.id_token {
            Some(token) => {
                id_token::check(token, &pending, &provider, at.now, inner.options.skew)?;
            }
            None if asks_who(&pending.scopes) => {
                return Err(refused(
                    "the provider gives no ID token, which was asked for",
                ));
            }
            None => {}
        }
        let connected = self
            .keep(
                &pending.account,
                &provider,
                &pending.scopes,
                &answer,
                at.now,
            )
            .await;
        connected?;
        self.account(&pending.account).await
    }
}

/// What stands in the address.
struct Asked<'a> {
    redirect: &'a str,
    scopes: &'a [String],
    hint: Option<&'a str>,
    state: &'a Secret,
    nonce: &'a Secret,
    challenge: Challenge,
}

impl Asked<'_> {
    fn address(&self, endpoint: &str, provider: &Provider) -> Result<String> {
        let mut url = Url::parse(endpoint).map_err(|cause| {
            let message = "the authorization endpoint is no address";
            Error::new(ErrorKind::InvalidInput, "oauth.begin", message).with_source(cause)
        })?;
        let challenge = self.challenge.to_string();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &provider.client_id)
            .append_pair("redirect_uri", self.redirect)
            .append_pair("state", self.state.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", Challenge::METHOD);
        if !self.scopes.is_empty() {
            query.append_pair("scope", &self.scopes.join(" "));
        }
        if asks_who(self.scopes) {
            query.append_pair("nonce", self.nonce.expose());
        }
        if let Some(hint) = self.hint {
            query.append_pair("login_hint", hint);
        }
        for (name, value) in &provider.parameters {
            query.append_pair(name, value);
        }
        drop(query);
        Ok(url.into())
    }
}

/// A nonce comes back in an ID token, and that comes with this scope only.
fn asks_who(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == "openid")
}

/// A program may have a scheme of its own, with a dot in it ([RFC 8252, 7.1](https://www.rfc-editor.org/rfc/rfc8252#section-7.1)).
fn is_redirect(address: &str) -> bool {
    let own = |url: Url| url.scheme().contains('.') && url.fragment().is_none();
    is_safe(address) || Url::parse(address).is_ok_and(own)
}

/// 256 bits in base64url.
fn random(entropy: &dyn Entropy) -> Result<Secret> {
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(draw::<32>(entropy)?)))
}
