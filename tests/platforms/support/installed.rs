//! What `scripts/servers` has set up.

use std::path::{Path, PathBuf};

/// The folder of this crate.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program by its path, under this crate if it is not absolute.
///
/// Where it is not there, a plain line says what is skipped; with `GARLAND_SERVERS=required` that is a failure.
pub(crate) fn installed(what: &str, program: &str) -> Option<PathBuf> {
    let program = root().join(program);
    if program.exists() {
        return Some(program);
    }
    let required = std::env::var_os("GARLAND_SERVERS").is_some_and(|value| value == "required");
    assert!(
        !required,
        "{what}: {} is not there: run scripts/servers",
        program.display()
    );
    println!(
        "skipped: {what}: {} is not there; scripts/servers sets it up",
        program.display()
    );
    None
}

/// The folder with descriptions and servers that lies beside this crate; skipped as a program is.
pub(crate) fn shared(what: &str, path: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("GARLAND_SHARED").map_or_else(|| "../shared".into(), PathBuf::from);
    let found = root().join(folder).join(path);
    if !found.exists() {
        println!(
            "skipped: {what}: no {}; set GARLAND_SHARED",
            found.display()
        );
        return None;
    }
    Some(found)
}
