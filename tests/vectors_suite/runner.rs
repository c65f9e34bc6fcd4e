//! A test program that counts cases, and speaks enough of libtest's language for cargo and nextest.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use flate2::read::GzDecoder;
use serde_json::Value;

/// How many failures of a file are shown in full.
const SHOWN: usize = 5;

/// Checks one case: a line of a `.jsonl`, one of the `entries` of a `.json`, or all of a `.json` that
/// has none. An error says what was expected and what came.
pub(crate) type Check = fn(&str) -> Result<(), String>;

/// Runs the files that the arguments ask for.
pub(crate) fn run(files: &[(&str, Check)]) -> ExitCode {
    let wishes = Wishes::read(env::args().skip(1));
    let chosen: Vec<_> = files
        .iter()
        .filter(|(name, _)| wishes.include(name))
        .collect();
    if wishes.list {
        for (name, _) in &chosen {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let start = Instant::now();
    let (mut passed, mut failed) = (0, 0);
    for (name, check) in &chosen {
        match read(name) {
            Ok(Some(text)) => {
                let (right, wrong) = run_file(name, &text, *check);
                passed += right;
                failed += wrong;
            }
            Ok(None) => {
                println!(
                    "{name}: NOT RUN: it is not in this clone; name a folder that has it in GARLAND_VECTORS"
                );
            }
            Err(error) => {
                println!("{name}: cannot be read: {error}");
                failed += 1;
            }
        }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; \
         {} filtered out; finished in {:.2}s\n",
        files.len() - chosen.len(),
        start.elapsed().as_secs_f64(),
    );
    ExitCode::from(u8::from(failed > 0))
}

fn run_file(name: &str, text: &str, check: Check) -> (usize, usize) {
    let cases = match cases(name, text) {
        Ok(cases) => cases,
        Err(error) => {
            println!("{name}: {error}");
            return (0, 1);
        }
    };
    let (mut passed, mut failed) = (0, 0);
    for case in cases {
        match check(&case) {
            Ok(()) => passed += 1,
            Err(message) => {
                failed += 1;
                if failed <= SHOWN {
                    println!("{name}: {message}\n");
                }
            }
        }
    }
    if failed == 0 {
        println!("{name}: {passed} passed");
    } else {
        println!("{name}: {passed} passed, {failed} FAILED");
    }
    (passed, failed)
}

fn cases(name: &str, text: &str) -> serde_json::Result<Vec<String>> {
    if name.ends_with(".jsonl") {
        let lines = text.lines().filter(|line| !line.is_empty());
        return Ok(lines.map(str::to_owned).collect());
    }
    let value: Value = serde_json::from_str(text)?;
    match value.get("entries").and_then(Value::as_array) {
        Some(entries) => Ok(entries.iter().map(Value::to_string).collect()),
        None => Ok(vec![text.to_owned()]),
    }
}

/// The folder of vectors: `GARLAND_VECTORS`, else the one beside the project.
pub(crate) fn folder() -> PathBuf {
    let named = env::var_os("GARLAND_VECTORS").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"))
}

/// Returns a list, or `None` if this clone has none and nobody named a folder that should.
pub(crate) fn read(name: &str) -> io::Result<Option<String>> {
    let plain = folder().join(name);
    if plain.is_file() {
        return fs::read_to_string(plain).map(Some);
    }
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/vectors/{name}.gz"));
    if packed.is_file() {
        let mut text = String::new();
        GzDecoder::new(File::open(packed)?).read_to_string(&mut text)?;
        return Ok(Some(text));
    }
    if env::var_os("GARLAND_VECTORS").is_some() {
        return Err(io::Error::other(
            "it is not in the folder that GARLAND_VECTORS names",
        ));
    }
    Ok(None)
}

/// What the arguments ask for. Flags of libtest that make no difference here are taken and ignored.
struct Wishes {
    list: bool,
    exact: bool,
    /// nextest asks for ignored tests apart; there are none.
    ignored: bool,
    names: Vec<String>,
    skipped: Vec<String>,
}

impl Wishes {
    fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut wishes = Self {
            list: false,
            exact: false,
            ignored: false,
            names: Vec::new(),
            skipped: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => wishes.list = true,
                "--exact" => wishes.exact = true,
                "--ignored" => wishes.ignored = true,
                "--skip" => wishes.skipped.extend(arguments.next()),
                "--format" | "--test-threads" | "--color" | "--logfile" | "-Z" => {
                    arguments.next();
                }
                flag if flag.starts_with('-') => {}
                name => wishes.names.push(name.to_owned()),
            }
        }
        wishes
    }

    fn include(&self, name: &str) -> bool {
        let fits = |wish: &String| {
            if self.exact {
                name == wish
            } else {
                name.contains(wish.as_str())
            }
        };
        let wanted = self.names.is_empty() || self.names.iter().any(fits);
        wanted && !self.ignored && !self.skipped.iter().any(fits)
    }
}
