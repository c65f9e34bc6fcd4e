//! How a URL may be written.
//!
//! Parsers disagree about what is odd, and what one of them takes for the host decides where a request
//! goes. So only what all of them read alike is let through.

/// What of a URL names the server, as it was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Spelled<'a> {
    pub(super) scheme: &'a str,
    /// The host; an IPv6 address with its brackets.
    pub(super) host: &'a str,
    pub(super) port: Option<&'a str>,
}

/// Takes a URL apart, or says what is odd about it.
pub(super) fn read(url: &str) -> Result<Spelled<'_>, &'static str> {
    let odd =
        |c: char| c.is_control() || c.is_whitespace() || matches!(c, '\\' | '"' | '<' | '>' | '`');
    if url.chars().any(odd) {
        return Err("it holds characters that a URL does not have");
    }
    let (scheme, rest) = url.split_once("://").ok_or("it has no scheme and host")?;
    let (authority, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    if authority.is_empty() {
        return Err("it has no host");
    }
    // Up to the first slash, for there are parsers to which `?` and `#` do not end the host.
    if rest
        .split('/')
        .next()
        .is_some_and(|host| host.contains('@'))
    {
        return Err("it holds a user, or what could be taken for one");
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.to_ascii_lowercase();
    if ["%00", "%0a", "%0d"]
        .iter()
        .any(|escape| path.contains(escape))
    {
        return Err("its path holds a line break or a zero");
    }
    let (host, port) = match authority.rfind(']') {
        Some(end) => authority.split_at(end + 1),
        None => match authority.find(':') {
            Some(at) => authority.split_at(at),
            None => (authority, ""),
        },
    };
    let port = match port.strip_prefix(':') {
        Some(digits) => Some(digits),
        None if port.is_empty() => None,
        None => return Err("its host cannot be read"),
    };
    Ok(Spelled { scheme, host, port })
}

/// Reads a port in its one form.
pub(super) fn port(digits: &str) -> Option<u16> {
    let port: u16 = digits.parse().ok()?;
    (port.to_string() == digits).then_some(port)
}

/// Tells whether a name stands for something inside, whatever it resolves to.
pub(super) fn is_internal(name: &str) -> bool {
    /// Names that no public registry gives out: RFC 6761, 6762 and its appendix G, 7686, 8375, 9476, the
    /// `.internal` of ICANN, and what clusters and routers use.
    const SUFFIXES: [&str; 20] = [
        "localhost",
        "localdomain",
        "local",
        "internal",
        "intranet",
        "private",
        "corp",
        "home",
        "lan",
        "home.arpa",
        "in-addr.arpa",
        "ip6.arpa",
        "onion",
        "alt",
        "test",
        "invalid",
        "svc",
        "cluster",
        "consul",
        "domain",
    ];
    !name.contains('.')
        || SUFFIXES.iter().any(|suffix| {
            let rest = name.strip_suffix(suffix);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}

/// Returns the addresses that a name spells out in four labels, as `127.0.0.1.nip.io` does.
pub(super) fn spelled_addresses(name: &str) -> impl Iterator<Item = std::net::IpAddr> {
    let labels: Vec<&str> = name.split('.').collect();
    let found: Vec<_> = labels
        .windows(4)
        .filter_map(|four| four.join(".").parse().ok())
        .collect();
    found.into_iter()
}

/// Tells whether a name has the shape of a host's name.
pub(super) fn is_host_name(name: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
    };
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(allowed);
    name.len() <= 253 && name.split('.').all(label)
}
