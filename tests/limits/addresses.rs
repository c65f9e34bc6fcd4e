//! Whose request it is.

use std::net::IpAddr;

use garland::limits::{Network, client_address};

fn client(peer: &str, forwarded: Option<&str>, trusted: &[&str]) -> String {
    let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
    let peer: IpAddr = peer.parse().unwrap();
    client_address(peer, forwarded, &trusted).to_string()
}

#[test]
fn r1_the_header_of_a_stranger_means_nothing() {
    let told = Some("203.0.113.9");
    assert_eq!(client("198.51.100.1", told, &[]), "198.51.100.1");
    assert_eq!(
        client("198.51.100.1", told, &["10.0.0.0/8"]),
        "198.51.100.1"
    );
}

#[test]
fn r1_the_rightmost_address_that_no_proxy_has_counts() {
    let trusted = ["10.0.0.0/8", "fd00::/8"];
    for (forwarded, expected) in [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("1.1.1.1,203.0.113.9 , 10.2.3.4", "203.0.113.9"),
        ("10.9.9.9, 10.2.3.4", "10.9.9.9"),
        ("2001:db8::7, [fd00::1]:443", "2001:db8::7"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[2001:db8::7]", "2001:db8::7"),
        // What cannot be read hides all that stands left of it.
        ("203.0.113.9, unknown", "10.0.0.1"),
        ("203.0.113.9, unknown, 10.2.3.4", "10.2.3.4"),
        ("", "10.0.0.1"),
        ("203.0.113.9,", "10.0.0.1"),
    ] {
        assert_eq!(
            client("10.0.0.1", Some(forwarded), &trusted),
            expected,
            "{forwarded:?}"
        );
    }
    assert_eq!(
        client("::ffff:10.0.0.1", Some("1.1.1.1"), &trusted),
        "1.1.1.1"
    );
    assert_eq!(client("10.0.0.1", None, &trusted), "10.0.0.1");
}

#[test]
fn a_network_is_what_it_says() {
    for text in [
        "10.0.0.1/8",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/",
        "a",
        "/8",
        "10.0.0.0/-1",
    ] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
    let all: Network = "0.0.0.0/0".parse().unwrap();
    assert!(all.contains("255.255.255.255".parse().unwrap()));
    assert!(!all.contains("::1".parse().unwrap()));
    let one: Network = "::1".parse().unwrap();
    assert!(one.contains("::1".parse().unwrap()) && !one.contains("::2".parse().unwrap()));
}
