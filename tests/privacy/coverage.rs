//! No collection is forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use garland::ErrorKind;
use garland::privacy::{Coverage, Finder, PersonalData};
use garland::storage::CollectionName;

use crate::world::refused;

/// The names of the collections that the sources declare.
fn declared(source: &str) -> BTreeSet<String> {
    // Comments hold examples; what is declared may be broken over lines.
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    let mut names = BTreeSet::new();
    let mut rest = code.as_str();
    while let Some((_, after)) = rest.split_once("Collection::new(\"") {
        let (name, after) = after.split_once('"').unwrap();
        names.insert(name.to_owned());
        rest = after;
    }
    names
}

/// What is covered, and declared no more.
fn gone(covered: impl Iterator<Item = String>, declared: &BTreeSet<String>) -> BTreeSet<String> {
    covered.filter(|name| !declared.contains(name)).collect()
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // The suites make collections of their own.
                if !path.ends_with("src/testing") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn g1_every_collection_is_covered() {
    let coverage = Coverage::garland().unwrap();
    let mut seen = BTreeSet::new();
    for path in sources() {
        for name in declared(&fs::read_to_string(&path).unwrap()) {
            let collection: CollectionName = name.parse().unwrap();
            assert!(
                coverage.of(&collection).is_some(),
                "{}: what has `{name}` to do with people? Say so in src/engine/privacy/builtin.rs",
                path.display()
            );
            seen.insert(name);
        }
    }
    let covered = coverage.all().map(|data| data.collection.to_string());
    assert_eq!(
        gone(covered, &seen),
        BTreeSet::new(),
        "src/engine/privacy/builtin.rs tells of collections that nobody declares"
    );
    // The search itself works.
    for name in [
        "sync_bases",
        "file_keys",
        "leases",
        "audit_heads",
        "legal_holds",
    ] {
        assert!(seen.contains(name), "{name} was not found: {seen:?}");
    }
}

#[test]
fn the_search_sees_what_is_declared_and_only_that() {
    let source = r#"
        /// const A: Collection<u8> = Collection::new("a");
        const B: Collection<u8> = Collection::new("b");
        const C: Collection<u8> =
            Collection::new(
                "c");
        // Collection::new("d")
    "#;
    assert_eq!(declared(source), ["b", "c"].map(str::to_owned).into());
}

#[test]
fn g1_what_nobody_declares_any_more_is_found() {
    let declared = declared(r#"const A: Collection<u8> = Collection::new("a");"#);
    let covered = ["a", "b"].map(str::to_owned).into_iter();
    assert_eq!(gone(covered, &declared), ["b".to_owned()].into());
}

#[test]
fn every_collection_says_why() {
    for data in Coverage::garland().unwrap().all() {
        assert!(data.note.len() > 5, "{}", data.collection);
    }
}

#[test]
fn a_collection_is_covered_once() {
    let leases = CollectionName::new("leases");
    let again = PersonalData::found_by(leases, Finder::Id, "again");
    refused(
        Coverage::garland().unwrap().with(again).map(|_| ()),
        ErrorKind::AlreadyExists,
    );
}
