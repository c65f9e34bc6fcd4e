//! Holds what the documents claim against the tests that show it: a claim without a test is none.

mod sources;

use std::collections::{BTreeMap, BTreeSet};

use sources::{Tests, read};

/// The checks of a studio's security review that a library can answer for, and where each stands.
/// What waits for a part that is not there yet says for which.
const CHECKS: &[(&str, Stand)] = &[
    ("c1", Stand::Tested),
    ("c2", Stand::Tested),
    ("c3", Stand::Tested),
    ("c4", Stand::Tested),
    ("c5", Stand::Tested),
    ("c6", Stand::Tested),
    ("c7", Stand::Tested),
    ("c8", Stand::Tested),
    ("t1", Stand::Tested),
    ("t2", Stand::Tested),
    ("t3", Stand::Tested),
    ("t4", Stand::Tested),
    ("t5", Stand::Tested),
    ("t6", Stand::Tested),
    ("t7", Stand::Tested),
    ("o1", Stand::Tested),
    ("o2", Stand::Waits("for accounts connected by OAuth")),
    ("u1", Stand::Tested),
    ("u2", Stand::Tested),
    ("u3", Stand::Tested),
    ("u4", Stand::Tested),
    ("u5", Stand::Tested),
    ("u6", Stand::Tested),
    ("u7", Stand::Tested),
    ("u8", Stand::Tested),
    ("w1", Stand::Tested),
    ("w2", Stand::Tested),
    ("w3", Stand::Tested),
    ("s1", Stand::Tested),
    ("s2", Stand::Tested),
    ("s3", Stand::Tested),
    ("i1", Stand::Tested),
    ("i2", Stand::Tested),
    ("i3", Stand::Tested),
    ("a1", Stand::Tested),
    ("a2", Stand::Waits("for PostgreSQL")),
    ("a3", Stand::Tested),
    ("a4", Stand::Waits("for open connections")),
    ("b1", Stand::Waits("for emergency access")),
    ("b2", Stand::Waits("for emergency access")),
    ("b3", Stand::Waits("for emergency access")),
    ("l1", Stand::Tested),
    ("l2", Stand::Tested),
    ("l3", Stand::Tested),
    ("l4", Stand::Tested),
    ("g1", Stand::Tested),
    ("g2", Stand::Tested),
    ("g3", Stand::Tested),
    ("g4", Stand::Tested),
    ("g5", Stand::Tested),
    ("r1", Stand::Tested),
    ("r2", Stand::Tested),
    ("r3", Stand::Waits("for the WebSocket gateway")),
];

enum Stand {
    Tested,
    Waits(&'static str),
}

#[test]
fn every_check_has_a_test_that_bears_its_number() {
    let tests = Tests::of_the_crate();
    let missing: Vec<_> = CHECKS
        .iter()
        .filter(|(check, stand)| {
            matches!(stand, Stand::Tested)
                && !tests.any(|name| name.starts_with(&format!("{check}_")))
        })
        .map(|(check, _)| *check)
        .collect();
    assert!(missing.is_empty(), "no test begins with {missing:?}");
}

#[test]
fn what_waits_is_said_to_readers() {
    let text = read("docs/threat-model.md");
    for (check, stand) in CHECKS {
        if let Stand::Waits(what) = stand {
            let check = check.to_uppercase();
            let line = text
                .lines()
                .find(|line| line.contains(&format!("| {check} |")));
            assert!(
                line.is_some_and(|line| line.contains(what)),
                "the threat model does not say that {check} waits {what}"
            );
        }
    }
}

#[test]
fn every_claim_of_the_threat_model_names_a_test_that_exists() {
    let tests = Tests::of_the_crate();
    let text = read("docs/threat-model.md");
    let mut wrong = BTreeMap::new();
    let mut named = BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        for name in line
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| looks_like_a_test(name))
        {
            named.insert(name);
            if !tests.any(|test| test == name) {
                wrong.insert(number + 1, name);
            }
        }
    }
    assert!(wrong.is_empty(), "line: test that is not there: {wrong:#?}");
    assert!(
        named.len() > 20,
        "the threat model names only {} tests",
        named.len()
    );
}

#[test]
fn the_threat_model_has_no_hole() {
    let text = read("docs/threat-model.md");
    assert_eq!(holes(&text), BTreeMap::new(), "line: what stands there");
}

#[test]
fn a_hole_in_a_text_is_found() {
    let text = "\
# A page

Words, and THE API.
LATER

| a | b |
|---|---|
| 1 | 2 |
see below
| 3 | 4 |
TO_DO 2

The end.
";
    let found = [(4, "LATER"), (9, "see below"), (11, "TO_DO 2")];
    assert_eq!(holes(text), BTreeMap::from(found));
}

/// The lines that were to be filled in, in capitals only, and those that break a table apart: between its
/// head and the next empty line each begins and ends with a `|`.
fn holes(text: &str) -> BTreeMap<usize, &str> {
    let mut in_table = false;
    let mut found = BTreeMap::new();
    for (line, number) in text.lines().map(str::trim).zip(1..) {
        in_table = !line.is_empty() && (in_table || line.starts_with('|'));
        let is_row = line.starts_with('|') && line.ends_with('|');
        if (in_table && !is_row) || is_placeholder(line) {
            found.insert(number, line);
        }
    }
    found
}

/// Capitals, digits and marks, with a letter at the front.
fn is_placeholder(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_uppercase()) && !line.contains(|c: char| c.is_lowercase())
}

/// A test's name is a sentence: words in snake case, at least four.
fn looks_like_a_test(name: &str) -> bool {
    name.split('_').count() >= 4
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
