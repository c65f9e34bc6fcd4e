//! A real server in a process of its own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use garland::connector::kit::BaseUrl;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::port::Port;

/// What starts a server: the end of its own standard input, which comes with the end of whoever holds the other end
/// in whatever way, ends it and all it started.
const LEASH: &str = r#"exec 3<&0; (read -r _ <&3; kill -9 0) & exec 3<&-; exec "$@" </dev/null"#;

/// How long a server may take until it answers, in tries of 50 ms.
const TRIES: u32 = 1_200;

/// A server of this test's own, with its own port and folder; stopped when it is dropped, with all it started.
#[derive(Debug)]
pub(crate) struct Live {
    name: &'static str,
    child: Child,
    port: Port,
    folder: TempDir,
    user: String,
    secret: String,
}

impl Live {
    /// `http://127.0.0.1:<port>`.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// Where an API on this server begins.
    pub(crate) fn base(&self, prefix: &str) -> BaseUrl {
        format!("{}{prefix}", self.address()).parse().unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// Where it keeps its files, if it does: what is written here, somebody else has uploaded.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Its configuration, keys and log; gone when it stops.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whom it lets in: a name, or the id of a key.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// The password or key of [`user`](Self::user).
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// What it has printed so far.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Waits until it greets or answers with these bytes.
    async fn answers(&mut self, greeting: &[u8]) {
        for _ in 0..TRIES {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ended with {status}:\n{}", self.name, self.log());
            }
            let got = timeout(Duration::from_secs(5), greet(self.port(), greeting.len())).await;
            if matches!(got, Ok(Ok(got)) if got == greeting) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("{} never answered:\n{}", self.name, self.log());
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if let Err(error) = self.child.wait() {
            println!("{} did not end: {error}", self.name);
        }
    }
}

/// A server to be started.
#[derive(Debug)]
pub(crate) struct Start {
    name: &'static str,
    command: Command,
    port: Port,
    folder: TempDir,
    user: String,
    secret: String,
    greeting: &'static [u8],
}

impl Start {
    /// A program that speaks HTTP, with a free port and a folder of its own.
    pub(crate) fn new(name: &'static str, program: impl AsRef<OsStr>) -> Self {
        let folder = TempDir::with_prefix("garland-").unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", LEASH, name])
            .arg(program)
            .env("HOME", folder.path())
            .current_dir(folder.path());
        Self {
            name,
            command,
            port: Port::free(),
            folder,
            user: String::new(),
            secret: String::new(),
            greeting: b"HTTP/",
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Arguments, between spaces.
    pub(crate) fn args(mut self, arguments: &str) -> Self {
        self.command.args(arguments.split_whitespace());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Whom it lets in.
    pub(crate) fn user(mut self, user: impl Into<String>, secret: impl Into<String>) -> Self {
        self.user = user.into();
        self.secret = secret.into();
        self
    }

    /// What it says when it is ready, if it does not speak HTTP.
    pub(crate) fn greeting(mut self, greeting: &'static [u8]) -> Self {
        self.greeting = greeting;
        self
    }

    /// Starts it and waits until it answers.
    pub(crate) async fn live(mut self) -> Live {
        let log = File::create(self.folder.path().join("log")).unwrap();
        let child = self
            .command
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let mut live = Live {
            name: self.name,
            child,
            port: self.port,
            folder: self.folder,
            user: self.user,
            secret: self.secret,
        };
        live.answers(self.greeting).await;
        live
    }
}

/// The first bytes a server says, asked or not.
async fn greet(port: u16, count: usize) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        .await?;
    let mut got = vec![0; count];
    stream.read_exact(&mut got).await?;
    Ok(got)
}
