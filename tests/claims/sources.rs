//! The names of all tests, read from the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Reads a file of the crate.
pub(crate) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every function that carries a `#[test]` or `#[tokio::test]` of some kind, or stands in a `proptest!`.
pub(crate) struct Tests(BTreeSet<String>);

impl Tests {
    pub(crate) fn of_the_crate() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut names = BTreeSet::new();
        let mut folders = vec![root.join("src"), root.join("tests")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    names.extend(tests_in(&path));
                }
            }
        }
        Self(names)
    }

    pub(crate) fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.0.iter().any(|name| fits(name))
    }
}

fn tests_in(path: &PathBuf) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut names = Vec::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
            continue;
        }
        let function = line.strip_prefix("async ").unwrap_or(line);
        if let Some(rest) = function.strip_prefix("fn ")
            && std::mem::take(&mut marked)
        {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            names.push(rest[..end.unwrap_or(rest.len())].to_owned());
        }
    }
    names
}
