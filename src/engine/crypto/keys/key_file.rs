//! A root in a file.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::connector::{from_hex, to_hex};
use crate::engine::crypto::blocking::off_runtime;
use crate::engine::crypto::entropy::{Entropy, draw};
use crate::engine::crypto::secret::{SecretKey, same};
use crate::engine::crypto::wrap::{KekId, RootId};
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;

use super::local_root::LocalRoot;
use super::provider::KeyProvider;

/// A root that is 32 random bytes in a file.
///
/// The file is text of three lines: its version, the key in hexadecimal, and a checksum, so that a
/// wrong file or a typing error is told apart from a wrong key. Whoever has it and the database can
/// read everything; without it nobody can. Keep a copy where the database is not.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::crypto::{KeyFile, SystemEntropy};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("studio.key");
/// let entropy = Arc::new(SystemEntropy::new());
/// KeyFile::create(&path, entropy.clone()).await?;
/// assert!(KeyFile::create(&path, entropy.clone()).await.is_err(), "it never replaces one");
/// let root = KeyFile::open(&path, entropy).await?;
/// # drop(root);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeyFile {
    root: LocalRoot,
    path: PathBuf,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

const FIRST: &str = "garland key file, version 1";
const BEGINS: &str = "garland key file, version ";
const ID: &[u8] = b"garland/key-file/id/v1";
/// Far longer than the text, so that its end is seen.
const MOST: u64 = 1_024;

impl KeyFile {
    /// Makes a key in a new file that only its owner can read (on Unix, mode 0600). The file is there
    /// with all of its text, and through to the disk, or not at all, where the file system has hard
    /// links; elsewhere a crash can leave one that [`open`](Self::open) refuses.
    ///
    /// # Errors
    /// - [`ErrorKind::AlreadyExists`]: something is at `path`; it is left as it is.
    /// - [`ErrorKind::Unavailable`]: no random bytes.
    /// - Those of the disk.
    ///
    /// # Cancel safety
    ///
    /// After a drop the file is there or not.
    pub async fn create(path: impl AsRef<Path>, entropy: Arc<dyn Entropy>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        off_runtime("key_file.create", move || {
            let key = SecretKey::generate(&*entropy)?;
            let suffix = to_hex(&draw::<8>(&*entropy)?);
            write(&path, &suffix, &text(&key))
                .map_err(|cause| fault("key_file.create", &path, cause))?;
            Self::new(key, path, entropy)
        })
        .await
    }

    /// Reads the key.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is no such file.
    /// - [`ErrorKind::Denied`]: others can read or change it (on Unix, any permission of group or
    ///   others), or this process cannot.
    /// - [`ErrorKind::Corrupt`]: not a key file, or its text is damaged.
    /// - [`ErrorKind::Unsupported`]: of a later version.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn open(path: impl AsRef<Path>, entropy: Arc<dyn Entropy>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        off_runtime("key_file.open", move || {
            let text = read(&path)?;
            let key = parse(&text).map_err(|error| error.with_context("path", path.display()))?;
            Self::new(key, path, entropy)
        })
        .await
    }

    fn new(key: SecretKey, path: PathBuf, entropy: Arc<dyn Entropy>) -> Result<Self> {
        let mut id = [0; 16];
        let derived = Hkdf::<Sha256>::from_prk(key.expose()).map(|hkdf| hkdf.expand(ID, &mut id));
        let Ok(Ok(())) = derived else {
            return Err(Error::new(
                ErrorKind::Unexpected,
                "key_file.open",
                "the id could not be derived",
            ));
        };
        let id = RootId(id);
        Ok(Self {
            root: LocalRoot { id, key },
            path,
            entropy,
        })
    }
}

#[async_trait]
impl KeyProvider for KeyFile {
    async fn wrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        key: &SecretKey,
    ) -> Result<Vec<u8>> {
        let record = self.root.wrap(organization, epoch, key, &*self.entropy)?;
        Ok(record.as_bytes().to_vec())
    }

    async fn unwrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        wrapped: &[u8],
    ) -> Result<SecretKey> {
        self.root.unwrap(organization, epoch, wrapped)
    }
}

fn text(key: &SecretKey) -> Zeroizing<String> {
    let hex = Zeroizing::new(to_hex(key.expose()));
    let check = checksum(&hex);
    let mut text = Zeroizing::new(String::with_capacity(256));
    for line in [FIRST, &hex, &check] {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Finds typing errors; it is as secret as the key beside it.
fn checksum(hex: &str) -> Zeroizing<String> {
    let digest = Sha256::new()
        .chain_update(FIRST)
        .chain_update("\n")
        .chain_update(hex)
        .finalize();
    let mut check = Zeroizing::new(to_hex(&digest));
    check.truncate(16);
    check
}

fn parse(text: &[u8]) -> Result<SecretKey> {
    let fault = |kind, what: &str| Error::new(kind, "key_file.open", what);
    let corrupt = |what| fault(ErrorKind::Corrupt, what);
    let text = std::str::from_utf8(text).map_err(|_| corrupt("this is not a key file"))?;
    let mut lines = text.lines().map(str::trim_end);
    let first = lines.next().unwrap_or_default();
    if !first.starts_with(BEGINS) {
        return Err(corrupt("this is not a key file"));
    }
    if first != FIRST {
        let later = "this key file is of a version that is not known here";
        return Err(fault(ErrorKind::Unsupported, later));
    }
    let (Some(hex), Some(check)) = (lines.next(), lines.next()) else {
        return Err(corrupt("this key file is cut off"));
    };
    if lines.any(|line| !line.is_empty()) || !same(check.as_bytes(), checksum(hex).as_bytes()) {
        return Err(corrupt(
            "this key file is damaged: its checksum is not right",
        ));
    }
    let key = Zeroizing::new(from_hex(hex).unwrap_or_default());
    SecretKey::from_bytes(&key).map_err(|_| corrupt("this key file does not hold 32 bytes"))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let operation = "key_file.open";
    let failed = |cause| fault(operation, path, cause);
    let unlike = || {
        Error::new(ErrorKind::Corrupt, operation, "this is not a key file")
            .with_context("path", path.display())
    };
    // To open a pipe would wait for its other end.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(unlike());
    }
    let file = File::open(path).map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    if !facts.is_file() || facts.len() > MOST {
        return Err(unlike());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = facts.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(Error::new(
                ErrorKind::Denied,
                operation,
                "others have access to this key file: take it from them (`chmod 600`)",
            )
            .with_context("path", path.display())
            .with_context("mode", format!("{mode:04o}")));
        }
    }
    // Room for all of it, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(Vec::with_capacity(1_024));
    file.take(MOST).read_to_end(&mut text).map_err(failed)?;
    Ok(text)
}

/// Writes a file that is there whole or not at all, and never in place of another.
fn write(path: &Path, suffix: &str, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{suffix}.new"));
    let draft = path.with_file_name(name);
    let linked = write_new(&draft, text).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Ok(()) => removed?,
        // A file system without hard links; `create_new` does not replace a file either.
        Err(cause) if has_no_links(&cause) => {
            removed?;
            write_new(path, text)?;
        }
        Err(cause) => return Err(cause),
    }
    #[cfg(unix)]
    {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

fn has_no_links(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
    )
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn fault(operation: &'static str, path: &Path, cause: io::Error) -> Error {
    let (kind, message) = match cause.kind() {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "there is no such file or folder"),
        io::ErrorKind::AlreadyExists => (
            ErrorKind::AlreadyExists,
            "a file is there already, and a key is never replaced",
        ),
        io::ErrorKind::PermissionDenied => (ErrorKind::Denied, "the system does not allow it"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorKind::Full, "the disk is full")
        }
        _ => (ErrorKind::Unavailable, "the disk failed"),
    };
    Error::new(kind, operation, message)
        .with_context("path", path.display())
        .with_source(cause)
}
