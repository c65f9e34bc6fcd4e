//! How garland is started: the one place that knows the options of `examples/sync`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The release build of the example `sync`.
#[derive(Clone, Debug)]
pub struct Garland(PathBuf);

impl Garland {
    /// The program at `named`, or where `cargo build --release --example sync` puts it; none if it is not built.
    #[must_use]
    pub fn find(named: Option<&str>) -> Option<Self> {
        let built =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/examples/sync");
        let path = named.map_or(built, PathBuf::from);
        if path.is_file() {
            return Some(Self(path));
        }
        println!("# without garland: {} is not built", path.display());
        None
    }

    /// Plans over `places` with the state of earlier runs, and changes nothing.
    #[must_use]
    pub fn plan(&self, places: &[&Path], state: &Path) -> Command {
        let mut command = Command::new(&self.0);
        command.arg("plan").args(places).arg("--state").arg(state);
        command
    }

    /// Carries files between `places`; what a place reports of a copy is compared with what was read.
    #[must_use]
    pub fn run(&self, places: &[&Path], state: &Path, relation: &str) -> Command {
        let mut command = Command::new(&self.0);
        command.arg("run").args(places).arg("--state").arg(state);
        command.args(["--relation", relation]);
        command
    }

    /// The same, and every copy is read back and compared.
    #[must_use]
    pub fn run_verified(&self, places: &[&Path], state: &Path, relation: &str) -> Command {
        let mut command = self.run(places, state, relation);
        command.arg("--read-back");
        command
    }
}
