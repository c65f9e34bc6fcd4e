//! Holds what was printed against the listing of the public API: every type that could have a secret in it.

use std::collections::BTreeSet;

const LISTING: &str = include_str!("../../api/garland.txt");
const ROOMS: [&str; 5] = ["crypto", "audit", "privacy", "upload", "outbound"];

/// What cannot be printed here or has nothing to print, and why.
const APART: &[(&str, &str)] = &[
    (
        "outbound::http::Attempt",
        "built with feature `http` only; see tests/outbound",
    ),
    ("outbound::http::GuardedClient", "as above"),
    ("outbound::http::Request", "as above"),
    ("outbound::http::Response", "as above"),
    ("outbound::http::WebhookSender", "as above"),
];

/// `garland::engine::crypto::tokens::grant::Issued` and `garland::crypto::tokens::Issued` alike: the room, the part of
/// it that has a name of its own, and the type.
fn short(path: &str) -> Option<String> {
    let mut parts = path.split("::").filter(|part| *part != "engine");
    let room = parts.next().filter(|room| ROOMS.contains(room))?;
    let rest: Vec<&str> = parts.collect();
    let (name, modules) = rest.split_last()?;
    let named = ["http", "pkce", "presigned", "signatures", "tokens"];
    let part = modules.iter().find(|module| named.contains(module));
    Some(match part {
        Some(part) => format!("{room}::{part}::{name}"),
        None => format!("{room}::{name}"),
    })
}

/// The types in the name of one, as `Option<…>` has.
fn within(name: &str) -> impl Iterator<Item = String> {
    let words = name.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':')));
    words.filter_map(|word| short(word.strip_prefix("garland::")?))
}

/// Every struct and enum of the rooms that can be printed and is not `Copy`: no secret is, or it would be copied
/// about.
fn listed() -> BTreeSet<String> {
    let (mut printable, mut copied) = (BTreeSet::new(), BTreeSet::new());
    for line in LISTING.lines() {
        let line = line.rsplit("] ").next().unwrap_or(line);
        let word = |rest: &str| {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':')));
            short(&rest[..end.unwrap_or(rest.len())])
        };
        if let Some((_, rest)) = line.split_once("core::marker::Copy for garland::") {
            copied.extend(word(rest));
        }
        if let Some((_, rest)) = line.split_once("core::fmt::Debug for garland::") {
            printable.extend(word(rest));
        }
    }
    &printable - &copied
}

/// Returns the types that were to be printed and were not.
pub(crate) fn missing(printed: &BTreeSet<&'static str>) -> Vec<String> {
    let printed: BTreeSet<String> = printed.iter().flat_map(|name| within(name)).collect();
    let listed = listed();
    let apart: BTreeSet<String> = APART.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert!(
        apart.is_subset(&listed),
        "{:?} are not in the listing",
        &apart - &listed
    );
    listed
        .into_iter()
        .filter(|name| !printed.contains(name) && !apart.contains(name))
        .collect()
}

#[test]
fn the_listing_is_understood() {
    let listed = listed();
    assert!(
        listed.len() >= 100,
        "only {} types are listed",
        listed.len()
    );
    for name in [
        "crypto::KeyRing",
        "crypto::tokens::Issued",
        "upload::Incoming",
        "audit::SideOpening",
    ] {
        assert!(listed.contains(name), "{name} is not listed: {listed:?}");
    }
    // Secrets themselves cannot even be tried to print.
    for name in [
        "crypto::SecretBytes",
        "crypto::SecretKey",
        "crypto::pkce::Verifier",
        "crypto::signatures::SigningSecret",
    ] {
        assert!(
            LISTING.contains(&format!("pub struct garland::{name}")),
            "{name}"
        );
        assert!(!listed.contains(name), "{name} can be printed");
    }
    assert!(missing(&BTreeSet::new()).len() > 90);
    let found: Vec<_> =
        within("core::option::Option<garland::engine::crypto::tokens::grant::Issued>").collect();
    assert_eq!(found, ["crypto::tokens::Issued"]);
}
