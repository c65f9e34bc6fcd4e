//! What each connector's tests have shown, as a table.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a connector was tested against.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProofKind {
    /// A real server.
    LiveServer,
    /// The vendor's description, and a fake that the vendor's own client works with.
    Contract,
    /// Whatever another library's operator stands for.
    Bridged,
}

impl fmt::Display for ProofKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LiveServer => "live server",
            Self::Contract => "contract",
            Self::Bridged => "bridged",
        })
    }
}

/// What one test has shown. Each is a file of its own, since tests run in processes of their own.
#[derive(Debug, Deserialize, Serialize)]
struct Proof {
    connector: String,
    kind: ProofKind,
    /// Such as `conformance on s3s-fs`.
    what: String,
    /// Operations of a description that were accepted.
    operations: u64,
    /// Faults that were survived.
    faults: u64,
}

/// Puts on record what a test has shown, as its last line: `what` in a few words, how many operations of the vendor's
/// description were accepted, and how many faults survived.
pub(crate) fn proof(connector: &str, kind: ProofKind, what: &str, operations: u64, faults: u64) {
    let proof = Proof {
        connector: connector.to_owned(),
        kind,
        what: what.to_owned(),
        operations,
        faults,
    };
    record(&folder(), &proof);
}

fn folder() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap().join("proofs")
}

fn record(folder: &Path, proof: &Proof) {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name = format!("{}.{}", proof.connector, proof.what);
    let name: String = name.chars().map(plain).collect();
    fs::create_dir_all(folder).unwrap();
    let file = folder.join(format!("{name}.json"));
    fs::write(file, serde_json::to_vec(proof).unwrap()).unwrap();
}

fn table(folder: &Path) -> String {
    let mut rows = BTreeMap::<_, (Vec<String>, u64, u64)>::new();
    for file in fs::read_dir(folder).into_iter().flatten() {
        let text = fs::read(file.unwrap().path()).unwrap();
        // One that another test is writing this moment is not told of.
        let Ok(proof) = serde_json::from_slice::<Proof>(&text) else {
            continue;
        };
        let row = rows.entry((proof.connector, proof.kind)).or_default();
        row.0.push(proof.what);
        row.1 += proof.operations;
        row.2 += proof.faults;
    }
    let mut table = "connector      proof        operations  faults  shown by\n".to_owned();
    for ((connector, kind), (mut what, operations, faults)) in rows {
        what.sort();
        let (kind, what) = (kind.to_string(), what.join(", "));
        writeln!(
            table,
            "{connector:<14} {kind:<12} {operations:>10} {faults:>7}  {what}"
        )
        .unwrap();
    }
    table
}

/// Prints what the tests before have left: `cargo test --all-features --test platforms proofs -- --nocapture`.
#[test]
fn proofs() {
    println!("{}", table(&folder()));
}

#[test]
fn what_tests_have_shown_is_added_up() {
    let folder = tempfile::tempdir().unwrap();
    for (connector, kind, what, operations, faults) in [
        ("s3", ProofKind::LiveServer, "conformance on s3s-fs", 0, 0),
        ("s3", ProofKind::LiveServer, "bad days", 0, 210),
        ("box", ProofKind::Contract, "description", 17, 0),
        ("s3", ProofKind::LiveServer, "bad days", 0, 220),
    ] {
        let proof = Proof {
            connector: connector.to_owned(),
            kind,
            what: what.to_owned(),
            operations,
            faults,
        };
        record(folder.path(), &proof);
    }
    assert_eq!(
        table(folder.path()),
        "connector      proof        operations  faults  shown by\n\
         box            contract             17       0  description\n\
         s3             live server           0     220  bad days, conformance on s3s-fs\n"
    );
}
