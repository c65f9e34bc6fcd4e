//! Whose request it is, behind proxies of the host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// A range of addresses, as `10.0.0.0/8` or `fd00::/8`; a bare address is a range of one.
///
/// # Example
///
/// ```
/// use garland::limits::Network;
///
/// let inner: Network = "10.0.0.0/8".parse()?;
/// assert!(inner.contains("10.1.2.3".parse().unwrap()));
/// assert!(!inner.contains("11.1.2.3".parse().unwrap()));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    /// The address with only the bits that count.
    base: IpAddr,
    prefix: u32,
}

impl Network {
    /// Tells whether an address is in the range. An IPv4 address that came as IPv6 (`::ffff:0:0/96`)
    /// counts as what it is.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
            (_, address) => masked(address, self.prefix) == self.base,
        }
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || {
            Error::new(
                ErrorKind::InvalidInput,
                "network.parse",
                "not an address or a range of addresses",
            )
            .with_context("text", text)
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = address
            .parse()
            .map_err(|cause| invalid().with_source(cause))?;
        let bits = if base.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(text) => text.parse().map_err(|cause| invalid().with_source(cause))?,
        };
        if prefix > bits || masked(base, prefix) != base {
            return Err(invalid());
        }
        Ok(Self { base, prefix })
    }
}

fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix));
            Ipv4Addr::from_bits(v4.to_bits() & mask.unwrap_or(0)).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix));
            Ipv6Addr::from_bits(v6.to_bits() & mask.unwrap_or(0)).into()
        }
    }
}

/// Returns the address that a request is counted by: that of `peer`, or, if `peer` is a trusted
/// proxy, the rightmost address of `X-Forwarded-For` that is none.
///
/// `forwarded` is the value of that header, several lines of it joined by commas in their order.
/// Everything left of the first address that no trusted proxy wrote is hearsay and never looked at;
/// where the header cannot be read, the proxy itself is what is counted. With no trusted proxies the
/// header means nothing.
///
/// # Example
///
/// ```
/// use garland::limits::{Network, client_address};
///
/// let proxies: [Network; 1] = ["10.0.0.0/8".parse()?];
/// let client = client_address("10.0.0.1".parse().unwrap(), Some("1.1.1.1, 203.0.113.9"), &proxies);
/// assert_eq!(client.to_string(), "203.0.113.9");
/// # Ok::<(), garland::Error>(())
/// ```
#[must_use]
pub fn client_address(peer: IpAddr, forwarded: Option<&str>, trusted: &[Network]) -> IpAddr {
    let trusts = |address| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    for text in forwarded.unwrap_or_default().rsplit(',') {
        if !trusts(client) {
            break;
        }
        match address(text.trim_matches([' ', '\t'])) {
            Some(next) => client = next.to_canonical(),
            None => break,
        }
    }
    client
}

/// Reads `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` and `[::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(socket.ip());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}
