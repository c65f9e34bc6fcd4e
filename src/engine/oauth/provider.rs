//! Who gives tokens.

use std::fmt;
use std::time::Duration;

use url::{Host, Url};

use crate::connector::kit::BaseUrl;
use crate::engine::crypto::SecretBytes;
use crate::error::{Error, ErrorKind, Result};

/// Parameters that belong to the flow and are never those of a provider.
const RESERVED: [&str; 9] = [
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
];

/// An authorization server and what a host is registered as there: data, nothing else.
///
/// For some there are presets, [`google`](Self::google) and the like; every address can be set.
///
/// # Example
///
/// ```
/// use garland::oauth::{ClientAuthentication, Provider};
///
/// let provider = Provider::new("studio-sso", "garland", "https://sso.example.com/token")
///     .with_authorization("https://sso.example.com/authorize")
///     .with_authentication(ClientAuthentication::Basic("secret".into()))
///     .with_scopes(["files", "offline_access"]);
/// assert!(provider.check().is_ok());
/// assert!(!format!("{provider:?}").contains("secret"));
///
/// let plain = Provider::new("x", "garland", "http://sso.example.com/token");
/// assert!(plain.check().is_err(), "tokens do not travel in the clear");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Provider {
    /// The host's name for it, which stands in records and events: 1 to 64 characters of `a–z 0–9 - _`.
    pub id: String,
    /// The id that the provider gave the host's program.
    pub client_id: String,
    /// How the program proves itself at the token endpoint. Default [`ClientAuthentication::None`].
    pub authentication: ClientAuthentication,
    /// Where people say yes. Without it there is no authorization code flow.
    pub authorization: Option<String>,
    /// Where tokens come from.
    pub token: String,
    /// Where the device flow begins. Without it there is none.
    pub device: Option<String>,
    /// Where tokens are given back ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)). Without it they only run out.
    pub revocation: Option<String>,
    /// The provider's own name for itself, compared with `iss` in its answers ([RFC 9207](https://www.rfc-editor.org/rfc/rfc9207)).
    pub issuer: Option<String>,
    /// Whether every answer to an authorization bears `iss`, so that one without is refused. Default no.
    pub sends_issuer: bool,
    /// What is asked for unless a request says otherwise.
    pub scopes: Vec<String>,
    /// More parameters of the authorization, such as `access_type=offline`.
    pub parameters: Vec<(String, String)>,
    /// How long a refresh token lives from when it was given, where the provider documents it and does not send it.
    /// Default unknown.
    pub refresh_life: Option<Duration>,
}

/// How a program proves itself at the token endpoint ([RFC 6749, 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// It is a public client, such as one on a desktop: it has no secret that would stay one.
    #[default]
    None,
    /// By its secret in a header.
    Basic(SecretBytes),
    /// By its secret in the body, where a provider takes no other.
    Post(SecretBytes),
}

impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic(_) => "Basic(…)",
            Self::Post(_) => "Post(…)",
        })
    }
}

impl Provider {
    /// Names a provider by its token endpoint.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        client_id: impl Into<String>,
        token: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            client_id: client_id.into(),
            authentication: ClientAuthentication::None,
            authorization: None,
            token: token.into(),
            device: None,
            revocation: None,
            issuer: None,
            sends_issuer: false,
            scopes: Vec::new(),
            parameters: Vec::new(),
            refresh_life: None,
        }
    }

    /// Sets [`Provider::id`], for a program that is registered twice.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Sets [`Provider::authentication`].
    #[must_use]
    pub fn with_authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Sets [`Provider::authorization`].
    #[must_use]
    pub fn with_authorization(mut self, url: impl Into<String>) -> Self {
        self.authorization = Some(url.into());
        self
    }

    /// Sets [`Provider::token`].
    #[must_use]
    pub fn with_token(mut self, url: impl Into<String>) -> Self {
        self.token = url.into();
        self
    }

    /// Sets [`Provider::device`].
    #[must_use]
    pub fn with_device(mut self, url: impl Into<String>) -> Self {
        self.device = Some(url.into());
        self
    }

    /// Sets [`Provider::revocation`].
    #[must_use]
    pub fn with_revocation(mut self, url: impl Into<String>) -> Self {
        self.revocation = Some(url.into());
        self
    }

    /// Sets [`Provider::issuer`] and [`Provider::sends_issuer`].
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>, always_sent: bool) -> Self {
        self.issuer = Some(issuer.into());
        self.sends_issuer = always_sent;
        self
    }

    /// Sets [`Provider::scopes`].
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds to [`Provider::parameters`].
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Sets [`Provider::refresh_life`].
    #[must_use]
    pub fn with_refresh_life(mut self, life: Duration) -> Self {
        self.refresh_life = Some(life);
        self
    }

    /// Moves every endpoint to another base, each with the path it has: for a test, a proxy or another region.
    ///
    /// # Example
    ///
    /// ```
    /// use garland::oauth::Provider;
    ///
    /// let provider = Provider::google("id").with_base(&"http://127.0.0.1:8080".parse()?);
    /// assert_eq!(provider.token, "http://127.0.0.1:8080/token");
    /// # Ok::<(), garland::Error>(())
    /// ```
    #[must_use]
    pub fn with_base(mut self, base: &BaseUrl) -> Self {
        self.token = moved(base, &self.token);
        for endpoint in [
            &mut self.authorization,
            &mut self.device,
            &mut self.revocation,
        ] {
            *endpoint = endpoint.as_deref().map(|url| moved(base, url));
        }
        self
    }

    /// Checks that the parts fit: names, addresses over TLS or on this machine, no parameter of the flow's own.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`].
    pub fn check(&self) -> Result<()> {
        let fault = |message: &str| {
            Error::new(ErrorKind::InvalidInput, "oauth.provider", message)
                .with_context("provider", &self.id)
        };
        let plain =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        if !(1..=64).contains(&self.id.len()) || !self.id.bytes().all(plain) {
            return Err(fault("a provider's id has 1 to 64 of a–z, 0–9, `-`, `_`"));
        }
        if self.client_id.is_empty() {
            return Err(fault("a program has an id at its provider"));
        }
        let others = [&self.authorization, &self.device, &self.revocation];
        let endpoints = others.into_iter().flatten().chain([&self.token]);
        if !endpoints.into_iter().all(|url| is_safe(url)) {
            return Err(fault(
                "an endpoint has an address of https, or of http on this machine, without a fragment",
            ));
        }
        if self.sends_issuer && self.issuer.is_none() {
            return Err(fault("an issuer that is always sent has to be known"));
        }
        let mut names = self.parameters.iter().map(|(name, _)| name.as_str());
        if names.any(|name| RESERVED.contains(&name)) {
            return Err(fault("a parameter is one of the flow's own"));
        }
        if let ClientAuthentication::Basic(secret) | ClientAuthentication::Post(secret) =
            &self.authentication
            && std::str::from_utf8(secret.expose()).is_err()
        {
            return Err(fault("a client's secret is text"));
        }
        Ok(())
    }
}

/// The same path at another base.
fn moved(base: &BaseUrl, url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => base.at(url.path()),
        Err(_) => url.to_owned(),
    }
}

/// Tells whether secrets may be sent there.
pub(super) fn is_safe(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        let is_here = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        let travels_safely = url.scheme() == "https" || url.scheme() == "http" && is_here;
        travels_safely && url.fragment().is_none() && url.password().is_none()
    })
}
