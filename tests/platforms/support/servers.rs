//! The servers that connectors are tested against, each `None` where it is not set up.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::installed::{installed, root, shared};
use super::live::{Live, Start};

/// S3 with real checks of signatures, hashes and conditions (`s3s-fs`). A folder of its root is a bucket.
pub(crate) async fn s3() -> Option<Live> {
    let program = installed("S3", ".srv/s3s/bin/s3s-fs")?;
    let start = Start::new("s3s-fs", program).user("test", "testtest");
    let (port, root) = (start.port(), start.root());
    let start = start
        .args(&format!("--host 127.0.0.1 --port {port}"))
        .args("--access-key test --secret-key testtest")
        .arg(root);
    Some(start.live().await)
}

/// Azure's blob storage (Azurite), in memory, with checks of signatures. The path of every URL begins with the
/// account's name, which is its user.
pub(crate) async fn azurite() -> Option<Live> {
    // Source: https://learn.microsoft.com/azure/storage/common/storage-use-azurite (the same for everybody).
    const KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    let program = installed("Azure", ".srv/npm/node_modules/.bin/azurite-blob")?;
    let start = Start::new("azurite", program).user("devstoreaccount1", KEY);
    let port = start.port();
    let start = start
        .args("--silent --inMemoryPersistence --skipApiVersionCheck --disableTelemetry")
        .args(&format!("--blobHost 127.0.0.1 --blobPort {port}"));
    Some(start.live().await)
}

/// Google Cloud Storage's JSON API, in memory, open to everybody.
pub(crate) async fn gcs() -> Option<Live> {
    let program = installed("Google Cloud Storage", ".srv/venv/bin/gcp-storage-emulator")?;
    let start = Start::new("gcp-storage-emulator", program);
    let port = start.port();
    let start = start.args(&format!("start --host 127.0.0.1 --port {port} --in-memory"));
    Some(start.live().await)
}

/// WebDAV with `ETag`s, conditions and locks (`WsgiDAV`), by name and password.
pub(crate) async fn webdav() -> Option<Live> {
    // Its own script names the folder that it was set up in, which may have moved.
    let program = installed("WebDAV", ".srv/venv/bin/python")?;
    let start = Start::new("wsgidav", program)
        .args("-m wsgidav.server.server_cli")
        .user("studio", "between us");
    let config = serde_json::json!({
        "host": "127.0.0.1",
        "port": start.port(),
        "provider_mapping": { "/": start.root() },
        "http_authenticator": { "accept_basic": true, "accept_digest": false, "default_to_digest": false },
        "simple_dc": { "user_mapping": { "*": { "studio": { "password": "between us" } } } },
        "lock_storage": true,
        "logging": { "enable": true },
    });
    let file = start.folder().join("wsgidav.json");
    fs::write(&file, config.to_string()).unwrap();
    let start = start.arg("--config").arg(file);
    Some(start.live().await)
}

/// WebDAV as the reference has it (Apache), open to everybody.
pub(crate) async fn apache_dav() -> Option<Live> {
    const MODULES: &str = "/usr/lib/apache2/modules";
    let program = installed("Apache's WebDAV", "/usr/sbin/apache2")?;
    let start = Start::new("apache2", program);
    let (folder, root, port) = (start.folder().to_owned(), start.root(), start.port());
    // Started by root, its workers are somebody else.
    for open in [&folder, &root] {
        fs::set_permissions(open, Permissions::from_mode(0o777)).unwrap();
    }
    let folder = folder.display();
    let config = format!(
        "ServerRoot {folder}\nPidFile {folder}/pid\nListen 127.0.0.1:{port}\nServerName localhost\n\
         User www-data\nGroup www-data\n\
         LoadModule mpm_event_module {MODULES}/mod_mpm_event.so\n\
         LoadModule authz_core_module {MODULES}/mod_authz_core.so\n\
         LoadModule dav_module {MODULES}/mod_dav.so\n\
         LoadModule dav_fs_module {MODULES}/mod_dav_fs.so\n\
         ErrorLog {folder}/errors\nDavLockDB {folder}/locks\nDocumentRoot {folder}/root\n\
         <Directory {folder}/root>\n Dav On\n Require all granted\n</Directory>\n"
    );
    let file = start.folder().join("apache.conf");
    fs::write(&file, config).unwrap();
    let start = start.args("-D FOREGROUND -f").arg(file);
    Some(start.live().await)
}

/// WebDAV that keeps modified times by `X-OC-Mtime` and looks at no condition (rclone).
pub(crate) async fn rclone_webdav() -> Option<Live> {
    Some(rclone("webdav", &[])?.live().await)
}

/// SFTP by name and password (rclone).
pub(crate) async fn rclone_sftp() -> Option<Live> {
    let start = rclone("sftp", &[])?;
    Some(start.greeting(b"SSH-2.0-").live().await)
}

fn rclone(protocol: &str, options: &[&str]) -> Option<Start> {
    let program = installed(protocol, ".srv/venv/bin/rclone")?;
    let start = Start::new("rclone", program).user("studio", "secret");
    let (port, folder, root) = (start.port(), start.folder().to_owned(), start.root());
    let mut start = start
        .env("RCLONE_CONFIG", "/dev/null")
        .env("XDG_CACHE_HOME", folder)
        .args(&format!("serve {protocol} --addr 127.0.0.1:{port}"))
        .args("--user studio --pass secret");
    for option in options {
        start = start.arg(option);
    }
    Some(start.arg(root))
}

/// SFTP as the reference has it (OpenSSH), for the user who runs the test by the key [`sftp_key`]; paths are those of
/// this machine.
pub(crate) async fn sftp() -> Option<Live> {
    let program = installed("OpenSSH", "/usr/sbin/sshd")?;
    let start = Start::new("sshd", program).user(run("id", &["-un"]), "");
    let (folder, port) = (start.folder().to_owned(), start.port());
    for name in ["host", "id"] {
        let file = folder.join(name).display().to_string();
        run(
            "ssh-keygen",
            &["-q", "-t", "ed25519", "-N", "", "-f", &file],
        );
    }
    if run("id", &["-u"]) == "0" {
        fs::create_dir_all("/run/sshd").unwrap();
    }
    let folder = folder.display();
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\n\
         AuthorizedKeysFile {folder}/id.pub\nStrictModes no\nPasswordAuthentication no\nUsePAM no\n\
         PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
    );
    let file = start.folder().join("sshd.conf");
    fs::write(&file, config).unwrap();
    let start = start.args("-D -e -f").arg(file).greeting(b"SSH-2.0-");
    Some(start.live().await)
}

/// The private key that [`sftp`] lets in, and the public one that it shows, each a file of OpenSSH's.
pub(crate) fn sftp_keys(live: &Live) -> (PathBuf, PathBuf) {
    (live.folder().join("id"), live.folder().join("host.pub"))
}

/// An identity provider: authorization code with PKCE, refresh tokens that rotate, device flow (`oidc-provider`).
pub(crate) async fn oidc() -> Option<Live> {
    let modules = installed("OIDC", ".srv/npm/node_modules/oidc-provider")?;
    let script = shared("OIDC", "servers/oidc.mjs")?;
    let start = node("oidc-provider", modules.parent()?);
    let port = start.port();
    Some(start.arg(script).arg(port.to_string()).live().await)
}

/// A platform that refuses what a description does not allow (Prism). The path of a server in the description is not
/// part of its URLs.
pub(crate) async fn prism(description: &Value) -> Option<Live> {
    let program = installed(
        "Prism",
        ".srv/npm/node_modules/@stoplight/prism-cli/dist/index.js",
    )?;
    let start = node("prism", &root().join(".srv/npm/node_modules"));
    let (port, file) = (start.port(), start.folder().join("description.json"));
    fs::write(&file, description.to_string()).unwrap();
    let start = start
        .arg(program)
        .args(&format!("mock --host 127.0.0.1 --port {port} --errors"))
        .arg(file);
    Some(start.live().await)
}

fn node(name: &'static str, modules: &Path) -> Start {
    Start::new(name, "node").env("NODE_PATH", modules)
}

/// What a program printed.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
