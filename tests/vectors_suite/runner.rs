//! A test program that counts cases, and speaks enough of libtest's language for cargo and nextest.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use flate2::read::GzDecoder;

/// How many failures of a file are shown in full.
const SHOWN: usize = 5;

/// Checks one line of a file; an error says what was expected and what came.
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
            Ok(text) => {
                let (right, wrong) = run_file(name, &text, *check);
                passed += right;
                failed += wrong;
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
    let cases = text.lines().filter(|line| !line.is_empty());
    let (mut passed, mut failed) = (0, 0);
    for case in cases {
        match check(case) {
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

fn read(name: &str) -> io::Result<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = env::var_os("GARLAND_VECTORS").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| here.join("../shared/vectors"));
    let plain = shared.join(name);
    if plain.is_file() {
        return fs::read_to_string(plain);
    }
    let mut text = String::new();
    let packed = File::open(here.join("tests/vectors").join(format!("{name}.gz")))?;
    GzDecoder::new(packed).read_to_string(&mut text)?;
    Ok(text)
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
