//! The rule about addresses, against the registries it is made from.

use std::net::IpAddr;

use proptest::prelude::*;

use garland::outbound::{TargetPolicy, is_global};

/// First and last address of every range of the registries of special IPv4 and IPv6 addresses that is not
/// globally reachable, of the multicast ranges, and of those that hold IPv4 addresses.
const NOT_GLOBAL: &[(&str, &str)] = &[
    ("0.0.0.0", "0.255.255.255"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.255"),
    ("::", "::1"),
    ("::2", "::ffff:ffff"),
    ("::ffff:0.0.0.0", "::ffff:255.255.255.255"),
    ("::ffff:0:0:0", "::ffff:0:ffff:ffff"),
    ("64:ff9b::", "64:ff9b::ffff:ffff"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    ("100::", "100::ffff:ffff:ffff:ffff"),
    ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
    ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("4000::", "4000::"),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
];

/// Neighbours of those ranges, and places that are known to be there.
const GLOBAL: &[&str] = &[
    "1.0.0.0",
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.31.196.1",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2000::",
    "2001:200::",
    "2001:db7:ffff::",
    "2001:db9::",
    "2001:ffff::",
    "2003::",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "3ffe:ffff::",
    "3fff:1000::",
    "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];

fn address(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn s2_no_special_range_is_global() {
    for (first, last) in NOT_GLOBAL {
        for text in [first, last] {
            assert!(!is_global(address(text)), "{text}");
        }
    }
    for text in GLOBAL {
        assert!(is_global(address(text)), "{text}");
    }
}

fn number(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(v4) => (true, u128::from(v4.to_bits())),
        IpAddr::V6(v6) => (false, v6.to_bits()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn s2_every_ipv4_address_is_judged_by_the_registry(bits in any::<u32>()) {
        let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(bits));
        let special = NOT_GLOBAL.iter().map(|(first, last)| (number(self::address(first)), number(self::address(last))));
        let mut special = special.filter(|(first, _)| first.0);
        let inside = special.any(|(first, last)| (first.1..=last.1).contains(&u128::from(bits)));
        prop_assert_eq!(is_global(address), !inside, "{}", address);
    }

    /// Whatever IPv4 address it holds, an address that holds one is refused.
    #[test]
    fn s2_no_address_that_holds_another_is_global(bits in any::<u32>(), low in any::<u64>()) {
        let held = u128::from(bits);
        let forms = [
            held,
            0xffff << 32 | held,
            0xffff << 48 | held,
            0x64_ff9b << 96 | held,
            0x64_ff9b_0001 << 80 | held,
            0x2002 << 112 | held << 80 | u128::from(low),
            0x2001_0000 << 96 | u128::from(low) << 32 | held,
        ];
        for form in forms {
            let address = IpAddr::V6(std::net::Ipv6Addr::from_bits(form));
            prop_assert!(!is_global(address), "{}", address);
        }
    }
}

#[test]
fn s2_a_translator_is_judged_by_what_it_holds_if_a_host_says_so() {
    let strict = TargetPolicy::default();
    let translated = TargetPolicy::default().with_nat64(true);
    for (text, expected) in [
        ("64:ff9b::808:808", true),
        ("64:ff9b::7f00:1", false),
        ("64:ff9b::a9fe:a9fe", false),
        ("64:ff9b:1::808:808", false),
        ("::ffff:8.8.8.8", false),
        ("8.8.8.8", true),
    ] {
        assert_eq!(translated.allows(address(text)), expected, "{text}");
        assert_eq!(strict.allows(address(text)), text == "8.8.8.8", "{text}");
    }
}
