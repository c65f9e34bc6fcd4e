//! Which addresses are somewhere on the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ranges of IPv4 that are not global unicast, by the [IANA registry of special addresses][iana] and the
/// one of [multicast]. Of ranges that hold global exceptions for the protocols of network gear
/// (`192.0.0.0/24`) no part is.
///
/// [iana]: https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml
/// [multicast]: https://www.iana.org/assignments/multicast-addresses/multicast-addresses.xhtml
const SPECIAL_V4: [(Ipv4Addr, u32); 16] = [
    // This network (RFC 791).
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    // Private use (RFC 1918).
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Behind a carrier's translation (RFC 6598).
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback (RFC 1122).
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link local, where clouds keep their metadata (RFC 3927).
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Private use (RFC 1918).
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Protocol assignments (RFC 6890).
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // Relays of 6to4, withdrawn (RFC 7526).
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // Private use (RFC 1918).
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Benchmarks (RFC 2544).
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast (RFC 5771).
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved (RFC 1112), broadcast (RFC 919) at its end.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
];

/// The part of IPv6 that is given out as [global unicast][iana]. All else is not: unspecified, loopback,
/// IPv4-mapped and -compatible, the translation prefixes `64:ff9b::/96` and `64:ff9b:1::/48`, discard
/// (`100::/64`), segment routing (`5f00::/16`), unique local (`fc00::/7`), link local, site local, multicast.
///
/// [iana]: https://www.iana.org/assignments/ipv6-unicast-address-assignments/ipv6-unicast-address-assignments.xhtml
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Ranges within [`GLOBAL_V6`] that are none, by the [IANA registry of special addresses][iana].
///
/// [iana]: https://www.iana.org/assignments/iana-ipv6-special-registry/iana-ipv6-special-registry.xhtml
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    // Protocol assignments (RFC 2928): Teredo 2001::/32, benchmarks 2001:2::/48, ORCHID 2001:10::/28 and
    // 2001:20::/28 among them. Its few global parts are for network gear.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation (RFC 3849).
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4, which holds an IPv4 address (RFC 3056).
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // Documentation (RFC 9637).
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// The well-known prefix of translators, in front of an IPv4 address (RFC 6052).
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Tells whether an address is global unicast: one that a stranger on the internet could answer at.
///
/// IPv6 addresses that hold an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) never are, whatever
/// they hold.
///
/// # Example
///
/// ```
/// use garland::outbound::is_global;
///
/// assert!(is_global("8.8.8.8".parse().unwrap()));
/// assert!(!is_global("169.254.169.254".parse().unwrap()));
/// assert!(!is_global("::ffff:8.8.8.8".parse().unwrap()));
/// ```
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !SPECIAL_V4
            .iter()
            .any(|(base, bits)| within_v4(v4, *base, *bits)),
        IpAddr::V6(v6) => {
            let special = SPECIAL_V6
                .iter()
                .any(|(base, bits)| within_v6(v6, *base, *bits));
            within_v6(v6, GLOBAL_V6.0, GLOBAL_V6.1) && !special
        }
    }
}

/// Returns the IPv4 address behind the well-known prefix of translators.
pub(super) fn behind_nat64(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else {
        return None;
    };
    let [.., a, b, c, d] = v6.octets();
    within_v6(v6, NAT64.0, NAT64.1).then(|| Ipv4Addr::new(a, b, c, d))
}

fn within_v4(address: Ipv4Addr, base: Ipv4Addr, bits: u32) -> bool {
    let differs = address.to_bits() ^ base.to_bits();
    differs.leading_zeros() >= bits
}

fn within_v6(address: Ipv6Addr, base: Ipv6Addr, bits: u32) -> bool {
    let differs = address.to_bits() ^ base.to_bits();
    differs.leading_zeros() >= bits
}
