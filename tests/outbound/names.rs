//! The rule about URLs, beyond the shared list.

use proptest::prelude::*;

use garland::ErrorKind;
use garland::outbound::{RedirectPolicy, TargetPolicy};

#[track_caller]
fn refused(policy: &TargetPolicy, url: &str) {
    match policy.check(url) {
        Ok(target) => panic!("{url:?} is let through as {}", target.as_str()),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Refused, "{url:?}"),
    }
}

#[test]
fn s1_what_is_plain_is_let_through() {
    let policy = TargetPolicy::default();
    for (url, host, port) in [
        ("https://example.com", "example.com", 443),
        ("HTTPS://EXAMPLE.com/A?b#c", "example.com", 443),
        ("https://example.com:443/", "example.com", 443),
        ("https://example.com:8443/", "example.com", 8_443),
        ("https://example.com/?to=a@b.example", "example.com", 443),
        (
            "https://example.com/@user/https://other.example",
            "example.com",
            443,
        ),
        ("https://BÜCHER.example/ä", "xn--bcher-kva.example", 443),
        (
            "https://xn--bcher-kva.example/",
            "xn--bcher-kva.example",
            443,
        ),
        ("https://a_b.example.com/", "a_b.example.com", 443),
        ("https://8.8.8.8/", "8.8.8.8", 443),
        (
            "https://[2606:4700:4700::1111]:8443/",
            "2606:4700:4700::1111",
            8_443,
        ),
        (
            "https://localhost.example.com/",
            "localhost.example.com",
            443,
        ),
        ("https://mylocal.com/", "mylocal.com", 443),
        ("https://8.8.8.8.nip.io/", "8.8.8.8.nip.io", 443),
    ] {
        let target = policy
            .check(url)
            .unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!((target.host(), target.port()), (host, port), "{url}");
    }
}

#[test]
fn s1_what_is_not_plain_is_refused() {
    let policy = TargetPolicy::default();
    for url in [
        "http://example.com/",
        "example.com",
        "//example.com/",
        "https:example.com",
        "https:/example.com",
        "https:\\\\example.com",
        "https://example.com\\@10.0.0.1/",
        "https://@example.com/",
        "https://:@example.com/",
        "https://example.com#@10.0.0.1/",
        "https://example.com?@10.0.0.1/",
        "https://example.com:@10.0.0.1/",
        "https://example.com:/",
        "https://example.com:0443/",
        "https://example.com:+443/",
        "https://example.com:80/",
        "https://example.com:0/",
        "https://example.com:65979/",
        " https://example.com/",
        "https://example.com/ ",
        "https://exam\tple.com/",
        "https://exam\nple.com/",
        "https://example.com/\r\nHost: other",
        "https://example.com/%0d%0aHost:%20other",
        "https://example.com/a%00b",
        "https://example.com\u{a0}/",
        "https://example.com./",
        "https://localhost/",
        "https://LOCALHOST/",
        "https://a.localhost/",
        "https://%6c%6fcalhost/",
        "https://ｌｏｃａｌｈｏｓｔ/",
        "https://exa\u{ad}mple.com/",
        "https://exa\u{200b}mple.com/",
        "https://ex\u{2460}mple.com/",
        "https://example。com/",
        "https://router/",
        "https://printer.local/",
        "https://db.internal/",
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://kubernetes.default.svc/",
        "https://kubernetes.default.svc.cluster.local/",
        "https://1.0.0.127.in-addr.arpa/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0/",
        "https://0x7f000001/",
        "https://017700000001/",
        "https://2130706433/",
        "https://134744072/",
        "https://8.8.2056/",
        "https://0x8.8.8.8/",
        "https://８.8.8.8/",
        "https://127.0.0.1.nip.io/",
        "https://a.169.254.169.254.sslip.io/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[0:0:0:0:0:ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b::808:808]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00:ec2::254]/",
        "https://[::1/",
        "https://::1/",
        "https://[::1]x/",
        "https://a..example.com/",
        "https://.example.com/",
        "https:// example.com/",
        "https://ex<ample.com/",
        "https://xn--a/",
        "file:///etc/passwd",
        "data:text/plain,a",
        "blob:https://example.com/",
        "",
    ] {
        refused(&policy, url);
    }
    let long = format!("https://example.com/{}", "a".repeat(2_048));
    refused(&policy, &long);
    refused(&policy, &format!("https://{}.com/", "a".repeat(64)));
    refused(&policy, &format!("https://{}com/", "abcdefg.".repeat(32)));
}

#[test]
fn s1_a_host_can_be_stricter() {
    let policy = TargetPolicy::default()
        .with_ports([443])
        .with_literals(false)
        .with_internal_name("Studio.example")
        .with_max_length(40);
    refused(&policy, "https://example.com:8443/");
    refused(&policy, "https://8.8.8.8/");
    refused(&policy, "https://studio.example/");
    refused(&policy, "https://db.studio.example/");
    refused(
        &policy,
        "https://example.com/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    );
    assert!(policy.check("https://mystudio.example/").is_ok());
}

#[test]
fn c8_a_refusal_shows_nothing_of_the_url() {
    let policy = TargetPolicy::default();
    let error = policy
        .check("http://example.com/hooks?key=secret")
        .unwrap_err();
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    let target = policy
        .check("https://example.com/hooks?key=secret")
        .unwrap();
    assert!(!format!("{target:?}").contains("secret"), "{target:?}");
}

#[test]
fn s2_every_redirect_is_judged_anew() {
    let (policy, follow) = (TargetPolicy::default(), RedirectPolicy::at_most(2));
    let here = policy.check("https://files.example.com/a/b").unwrap();
    let next = |status, location, followed| follow.next(&policy, &here, status, location, followed);
    for (location, expected) in [
        ("/c", "https://files.example.com/c"),
        ("c?d", "https://files.example.com/a/c?d"),
        ("//other.example.com/", "https://other.example.com/"),
        ("https://other.example.com/", "https://other.example.com/"),
        // A URL in a query or behind a slash is no scheme of the reference.
        (
            "/login?next=https://other.example.com/",
            "https://files.example.com/login?next=https://other.example.com/",
        ),
        (
            "?next=http://169.254.169.254/",
            "https://files.example.com/a/b?next=http://169.254.169.254/",
        ),
        (
            "c#https://other.example.com/",
            "https://files.example.com/a/c#https://other.example.com/",
        ),
        (
            "/proxy/https://other.example.com/",
            "https://files.example.com/proxy/https://other.example.com/",
        ),
        (
            "https://other.example.com/?next=https://files.example.com/",
            "https://other.example.com/?next=https://files.example.com/",
        ),
    ] {
        let there = next(302, Some(location), 0).unwrap().unwrap();
        assert_eq!(there.as_str(), expected);
    }
    for location in [
        "http://files.example.com/",
        "https://169.254.169.254/",
        "//169.254.169.254/",
        "https://0x7f.1/",
        "//127.1/",
        "\\\\10.0.0.1\\a",
        "https://user@files.example.com/",
        "https://files.example.com:22/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//169.254.169.254/?next=https://files.example.com/",
        "http://files.example.com/?next=https://files.example.com/",
        "//user@files.example.com/?next=https://files.example.com/",
    ] {
        let error = next(307, Some(location), 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{location}");
    }
    assert_eq!(next(302, None, 0).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(
        next(302, Some("/c"), 2).unwrap_err().kind(),
        ErrorKind::LimitExceeded
    );
    assert_eq!(next(200, Some("/c"), 0).unwrap(), None);
    assert_eq!(next(304, Some("/c"), 0).unwrap(), None);
    let none = RedirectPolicy::default();
    assert_eq!(none.next(&policy, &here, 302, Some("/c"), 0).unwrap(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_048, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is let through reads the same again, and its host is what stands between `https://` and
    /// the first slash.
    #[test]
    fn s1_what_is_let_through_means_what_it_says(url in prop_oneof![
        "\\PC{0,40}",
        "https://\\PC{0,40}",
        "https://[a-z0-9.:@\\[\\]%#?/\\\\x-]{0,30}",
        "https://[0-9a-fx.]{1,16}/",
        "https://([a-z]{1,4}\\.){1,3}[a-z]{2,3}(:443)?[/?#]?[ -~]{0,12}",
    ]) {
        let policy = TargetPolicy::default();
        if let Ok(target) = policy.check(&url) {
            let rest = url.get(8..).unwrap();
            let authority = rest.split(['/', '?', '#']).next().unwrap();
            let name = authority.trim_end_matches(":443").trim_end_matches(":8443");
            if name.is_ascii() {
                prop_assert_eq!(name.trim_matches(['[', ']']).to_lowercase().parse::<std::net::IpAddr>().map_or(name.to_lowercase(), |ip| ip.to_string()), target.host());
            }
            prop_assert!(target.as_str().starts_with("https://"));
            let again = policy.check(target.as_str());
            prop_assert_eq!(again.as_ref().ok(), Some(&target));
        }
    }
}
