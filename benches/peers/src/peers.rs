//! How the peers are started.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The rclone that `scripts/peers` fetched, else the one on the path; none if there is none.
#[must_use]
pub fn rclone() -> Option<PathBuf> {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.srv/venv/bin/rclone");
    installed(
        if fetched.is_file() {
            fetched
        } else {
            PathBuf::from("rclone")
        },
        "version",
    )
}

/// The rsync on the path.
#[must_use]
pub fn rsync() -> Option<PathBuf> {
    installed(PathBuf::from("rsync"), "--version")
}

fn installed(program: PathBuf, version: &str) -> Option<PathBuf> {
    match Command::new(&program)
        .arg(version)
        .stderr(Stdio::null())
        .output()
    {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout);
            println!("# {}", said.lines().next().unwrap_or_default());
            Some(program)
        }
        _ => {
            println!(
                "# without {}: not installed (scripts/peers)",
                program.display()
            );
            None
        }
    }
}

/// `program` with `arguments` and then `places`.
#[must_use]
pub fn on(program: impl AsRef<Path>, arguments: &[&str], places: &[&Path]) -> Command {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).args(places);
    command
}
