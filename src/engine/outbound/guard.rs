//! From a name to the addresses that a connection may go to.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Error, ErrorKind, Result};

use super::policy::{Target, TargetPolicy};

/// Where addresses come from.
#[async_trait]
pub trait Resolve: fmt::Debug + Send + Sync + 'static {
    /// Returns the addresses of a name.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: there is no answer, or the name has no address.
    ///
    /// # Cancel safety
    /// Safe to drop.
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>>;
}

/// The operating system's resolver, asked on a thread where it may block.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemResolver;

impl SystemResolver {
    /// Names the operating system's resolver.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>> {
        // The dot keeps the search list of the machine out of it.
        let name = format!("{host}.");
        let asked = tokio::task::spawn_blocking(move || (name.as_str(), 0).to_socket_addrs());
        let failed = || unresolved("the name cannot be resolved");
        match asked.await {
            Ok(Ok(found)) => Ok(found.map(|socket| socket.ip()).collect()),
            Ok(Err(cause)) => Err(failed().with_source(cause)),
            Err(cause) => Err(failed().with_source(cause)),
        }
    }
}

/// A target with the addresses that were checked for it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PinnedTarget {
    /// What is to be called. Its host belongs into the request and the check of the certificate.
    pub target: Target,
    /// Where to connect: to one of these and nowhere else. Never empty.
    pub addresses: Vec<SocketAddr>,
}

/// Resolves names once, and lets through only what leads outside.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// use std::net::IpAddr;
/// use std::sync::Arc;
/// use garland::outbound::{Guard, Resolve, TargetPolicy};
///
/// #[derive(Debug)]
/// struct Fixed(IpAddr);
///
/// #[async_trait::async_trait]
/// impl Resolve for Fixed {
///     async fn resolve(&self, _: &str) -> garland::Result<Vec<IpAddr>> {
///         Ok(vec![self.0])
///     }
/// }
///
/// let target = TargetPolicy::default().check("https://hooks.example.com/")?;
/// let outside = Guard::new(TargetPolicy::default(), Arc::new(Fixed("8.8.8.8".parse().unwrap())));
/// assert_eq!(outside.pin(&target).await?.addresses[0].to_string(), "8.8.8.8:443");
/// let inside = Guard::new(TargetPolicy::default(), Arc::new(Fixed("10.0.0.1".parse().unwrap())));
/// assert!(inside.pin(&target).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Guard {
    policy: Arc<TargetPolicy>,
    resolver: Arc<dyn Resolve>,
    patience: Duration,
}

impl Guard {
    /// How many addresses of a name are kept.
    const MOST: usize = 16;

    /// Binds a policy to a resolver. A name has 10 s to be resolved.
    #[must_use]
    pub fn new(policy: TargetPolicy, resolver: Arc<dyn Resolve>) -> Self {
        Self {
            policy: Arc::new(policy),
            resolver,
            patience: Duration::from_secs(10),
        }
    }

    /// Sets how long a name may take to be resolved.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns the policy.
    #[must_use]
    pub fn policy(&self) -> &TargetPolicy {
        &self.policy
    }

    /// Resolves a target once and checks every address.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`]: one of the addresses is not global; one is enough, for an attacker can
    ///   put it beside good ones and wait for the connection that falls to it.
    /// - [`ErrorKind::Unavailable`], [`ErrorKind::Timeout`]: the name was not resolved.
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn pin(&self, target: &Target) -> Result<PinnedTarget> {
        let addresses = match target.literal() {
            Some(literal) if self.policy.allows(literal) => vec![literal],
            Some(_) => return Err(not_global()),
            None => self.lookup(target.host()).await?,
        };
        let port = target.port();
        let sockets = addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port));
        Ok(PinnedTarget {
            target: target.clone(),
            addresses: sockets.collect(),
        })
    }

    /// Resolves a name once and returns its addresses, if all of them may be called.
    pub(super) async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>> {
        let asked = self.resolver.resolve(host);
        let found = tokio::time::timeout(self.patience, asked).await;
        let Ok(found) = found else {
            let late = "the name was not resolved within the time allowed";
            return Err(Error::new(ErrorKind::Timeout, "guard.pin", late));
        };
        let mut addresses = found?;
        if addresses.is_empty() {
            return Err(unresolved("the name has no address"));
        }
        if !addresses.iter().all(|address| self.policy.allows(*address)) {
            return Err(not_global());
        }
        addresses.truncate(Self::MOST);
        Ok(addresses)
    }
}

/// Without the address: who may only name URLs shall not learn what is inside.
fn not_global() -> Error {
    Error::new(
        ErrorKind::Refused,
        "guard.pin",
        "the name leads to an address that is not global",
    )
}

fn unresolved(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, "guard.pin", message)
}
