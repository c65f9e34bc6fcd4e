//! Scripts that drive a fake with the vendor's own library.

use std::process::Stdio;

use tokio::process::Command;

use super::installed::{installed, root};

/// Runs a script beside this test with the Python that `scripts/servers` set up, its output shown when it fails.
///
/// Returns `false`, and says so, where that Python is not there; with `GARLAND_SERVERS=required` that is a failure.
pub(crate) async fn python(script: &str, arguments: &[&str]) -> bool {
    let Some(python) = installed(script, ".srv/venv/bin/python") else {
        return false;
    };
    let output = Command::new(python)
        .arg(root().join("tests/platforms").join(script))
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{script}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    true
}
