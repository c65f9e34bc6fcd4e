//! Scripts that drive a fake with the vendor's own library.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// Runs a script beside this test with the Python that `scripts/servers` set up, its output shown when it fails.
///
/// Returns `false`, and says so, where that Python is not there; with `GARLAND_SERVERS=required` that is a failure.
pub(crate) async fn python(script: &str, arguments: &[&str]) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".srv/venv/bin/python");
    if !python.exists() {
        let required = std::env::var("GARLAND_SERVERS").is_ok_and(|value| value == "required");
        assert!(
            !required,
            "{} is not there: run scripts/servers",
            python.display()
        );
        println!("skipped: {script}: no .srv/venv; scripts/servers sets it up");
        return false;
    }
    let output = Command::new(python)
        .arg(root.join("tests/platforms").join(script))
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
