//! Which URLs may be called.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url, quirks};

use crate::error::{Error, ErrorKind, Result};

use super::address::{behind_nat64, is_global};
use super::spelling;

/// Says which URLs of hosts and users may be called.
///
/// By default: `https` to port 443 or 8443, by a name or an address that is global, without a user, at most
/// 2,048 bytes. Names that stand for something inside (`localhost`, `*.internal`, `*.local`, one label) are
/// refused, and so is every way to write a host other than it is: decimal, octal, hexadecimal or short
/// addresses, full-width digits, soft hyphens, escapes, a dot at the end, slashes and `@` in odd places.
///
/// # Example
///
/// ```
/// use garland::outbound::TargetPolicy;
///
/// let policy = TargetPolicy::default();
/// assert_eq!(policy.check("https://hooks.example.com/a?b=c")?.host(), "hooks.example.com");
/// for url in ["http://example.com/", "https://169.254.169.254/", "https://0x7f.1/", "https://a@b.example/"] {
///     assert!(policy.check(url).is_err(), "{url}");
/// }
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TargetPolicy {
    /// Ports that may be called. Default 443 and 8443.
    pub ports: Vec<u16>,
    /// The longest URL in bytes. Default 2,048.
    pub max_length: usize,
    /// Whether the host may be an address. Default true; it must be global either way.
    pub literals: bool,
    /// More names that are refused, with all below them, such as the host's own domain inside. Default none.
    pub internal_names: Vec<String>,
    /// Whether an address of a translator (`64:ff9b::/96`) is judged by the IPv4 address it holds, for hosts
    /// that have IPv6 only. Default false: refused.
    pub nat64: bool,
    danger_loopback_http: bool,
}

impl Default for TargetPolicy {
    fn default() -> Self {
        Self {
            ports: vec![443, 8_443],
            max_length: 2_048,
            literals: true,
            internal_names: Vec::new(),
            nat64: false,
            danger_loopback_http: false,
        }
    }
}

/// A URL that passed a [`TargetPolicy`]. Its host may still resolve to anywhere:
/// [`Guard::pin`](super::Guard::pin) is the next step.
#[derive(Clone, Eq, PartialEq)]
pub struct Target {
    url: Url,
    host: String,
    port: u16,
    literal: Option<IpAddr>,
}

impl fmt::Debug for Target {
    /// Without path and query, in which hosts and platforms put secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// Returns the whole URL in its normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Returns the host: a name in lower case (`xn--…` where it was not ASCII) or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the address, if the host is one.
    #[must_use]
    pub fn literal(&self) -> Option<IpAddr> {
        self.literal
    }

    /// Tells whether two targets are of one origin: scheme, host and port.
    #[must_use]
    pub fn same_origin(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }

    /// Returns the URL that `reference` means when it stands in an answer of this target.
    pub(super) fn join(&self, reference: &str) -> Option<String> {
        // A reference with a scheme is judged as it is written, before any parser has made it better.
        let scheme = reference.split_once("://").map(|(scheme, _)| scheme);
        if scheme.is_some_and(|scheme| !scheme.contains(['/', '?', '#'])) {
            return Some(reference.to_owned());
        }
        self.url.join(reference).ok().map(String::from)
    }
}

impl TargetPolicy {
    /// Sets [`TargetPolicy::ports`].
    #[must_use]
    pub fn with_ports(mut self, ports: impl Into<Vec<u16>>) -> Self {
        self.ports = ports.into();
        self
    }

    /// Sets [`TargetPolicy::max_length`].
    #[must_use]
    pub fn with_max_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self
    }

    /// Sets [`TargetPolicy::literals`].
    #[must_use]
    pub fn with_literals(mut self, allowed: bool) -> Self {
        self.literals = allowed;
        self
    }

    /// Adds to [`TargetPolicy::internal_names`].
    #[must_use]
    pub fn with_internal_name(mut self, name: impl Into<String>) -> Self {
        self.internal_names.push(name.into().to_ascii_lowercase());
        self
    }

    /// Sets [`TargetPolicy::nat64`].
    #[must_use]
    pub fn with_nat64(mut self, allowed: bool) -> Self {
        self.nat64 = allowed;
        self
    }

    /// Lets `http` and every port of the machine itself through as well, for a test against a server on
    /// loopback. Never in a program that serves people.
    #[cfg(feature = "testing")]
    #[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
    #[must_use]
    pub fn danger_allow_loopback_http(mut self) -> Self {
        self.danger_loopback_http = true;
        self
    }

    /// Checks a URL as far as that can be done without resolving its name. Pure.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`]: it may not be called. The reason names no part of the URL.
    pub fn check(&self, url: &str) -> Result<Target> {
        self.examine(url).map_err(refused)
    }

    /// Tells whether a connection may go to an address.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let translated = behind_nat64(address).filter(|_| self.nat64);
        is_global(address)
            || translated.is_some_and(|v4| is_global(v4.into()))
            || self.danger_loopback_http && address.is_loopback()
    }

    /// Whether plain HTTP is let through, to loopback only.
    #[cfg(feature = "http")]
    pub(super) fn is_dangerous(&self) -> bool {
        self.danger_loopback_http
    }

    fn examine(&self, text: &str) -> Result<Target, &'static str> {
        if text.is_empty() || text.len() > self.max_length {
            return Err("it is empty or too long");
        }
        let spelled = spelling::read(text)?;
        let url = Url::parse(text).map_err(|_| "it cannot be read")?;
        let plain = spelled.scheme.eq_ignore_ascii_case("http") && self.danger_loopback_http;
        if !spelled.scheme.eq_ignore_ascii_case("https") && !plain {
            return Err("its scheme is not https");
        }
        let default = if plain { 80 } else { 443 };
        let port = match spelled.port {
            None => default,
            Some(digits) => spelling::port(digits).ok_or("its port cannot be read")?,
        };
        if !self.ports.contains(&port) && !self.danger_loopback_http {
            return Err("its port is not one of those allowed");
        }
        let literal = self.host(&url, spelled.host)?;
        if url.port_or_known_default() != Some(port) || !url.username().is_empty() {
            return Err("it can be read in two ways");
        }
        let host = url.host_str().ok_or("it has no host")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Target {
            url,
            host,
            port,
            literal,
        })
    }

    /// Checks the host, and that it is written as what it is.
    fn host(&self, url: &Url, spelled: &str) -> Result<Option<IpAddr>, &'static str> {
        let literal: IpAddr = match url.host() {
            None => return Err("it has no host"),
            Some(Host::Domain(name)) => return self.name(name, spelled).map(|()| None),
            Some(Host::Ipv4(v4)) if v4.to_string() == spelled => v4.into(),
            Some(Host::Ipv4(_)) => return Err("its host is an address in disguise"),
            Some(Host::Ipv6(v6)) => v6.into(),
        };
        if !self.literals && !self.danger_loopback_http {
            return Err("its host is an address");
        }
        if !self.allows(literal) {
            return Err("its host is an address that is not global");
        }
        Ok(Some(literal))
    }

    fn name(&self, name: &str, spelled: &str) -> Result<(), &'static str> {
        if name.ends_with('.') {
            return Err("its host ends with a dot");
        }
        let lower = spelled.to_lowercase();
        let as_it_is =
            name == lower || !spelled.is_ascii() && quirks::domain_to_unicode(name) == lower;
        if !as_it_is {
            return Err("its host is a name in disguise");
        }
        if !spelling::is_host_name(name) {
            return Err("its host is not a name");
        }
        let below = |own: &String| {
            let rest = name.strip_suffix(own.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        if spelling::is_internal(name) || self.internal_names.iter().any(below) {
            return Err("its host is a name for something inside");
        }
        if spelling::spelled_addresses(name).any(|address| !self.allows(address)) {
            return Err("its host is a name for an address that is not global");
        }
        Ok(())
    }
}

fn refused(reason: &'static str) -> Error {
    Error::new(
        ErrorKind::Refused,
        "target_policy.check",
        "the address may not be called",
    )
    .with_context("reason", reason)
}
