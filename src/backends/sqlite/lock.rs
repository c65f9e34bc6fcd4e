//! The lock beside the database, which the operating system lets go when its process dies.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Held as long as the value lives.
#[derive(Debug)]
pub(super) struct FileLock {
    file: File,
    path: PathBuf,
    wait: Duration,
    /// Nobody else has the database open.
    alone: bool,
}

impl FileLock {
    /// Takes the lock of the database at `path`, with others if `shared`. Blocks for up to `wait`.
    ///
    /// Of those who share it, the first has it alone until it [lets the others
    /// in](FileLock::let_others_in), so that nobody meets a database that is half made.
    pub(super) fn take(path: &Path, shared: bool, wait: Duration) -> Result<Self> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(beside(path))
            .map_err(|cause| from_io(path, cause))?;
        let mut lock = Self {
            file,
            path: path.to_owned(),
            wait,
            alone: false,
        };
        lock.alone = lock.until_free(|file| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) if shared => file.try_lock_shared().map(|()| false),
            Err(error) => Err(error),
        })?;
        Ok(lock)
    }

    /// Whether nobody else has the database open, so that all who had it are gone.
    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }

    /// Lets others share the database, once it is made.
    pub(super) fn let_others_in(&mut self) -> Result<()> {
        if self.alone {
            let unlocked = self.file.unlock();
            unlocked.map_err(|cause| from_io(&self.path, cause))?;
            self.until_free(File::try_lock_shared)?;
            self.alone = false;
        }
        Ok(())
    }

    fn until_free<T>(&self, take: impl Fn(&File) -> Result<T, TryLockError>) -> Result<T> {
        let mut left = self.wait;
        loop {
            match take(&self.file) {
                Ok(taken) => return Ok(taken),
                Err(TryLockError::Error(cause)) => return Err(from_io(&self.path, cause)),
                Err(TryLockError::WouldBlock) if left.is_zero() => {
                    return Err(Error::new(
                        ErrorKind::Locked,
                        "sqlite.open",
                        "the database is open already: close the other program, or open it with \
                         `SqliteOptions::shared` in both",
                    )
                    .with_context("path", self.path.display()));
                }
                Err(TryLockError::WouldBlock) => {
                    let pause = PAUSE.min(left);
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "on the database's own thread, not on the runtime"
                    )]
                    std::thread::sleep(pause);
                    left = left.saturating_sub(pause);
                }
            }
        }
    }
}

/// The one name of a database, however it was called, so that everybody locks the same file.
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    let no_file = || {
        Error::new(
            ErrorKind::InvalidInput,
            "sqlite.open",
            "the path does not name a file",
        )
        .with_context("path", path.display())
    };
    if let Ok(found) = path.canonicalize() {
        return if found.is_dir() {
            Err(no_file())
        } else {
            Ok(found)
        };
    }
    let name = path.file_name().ok_or_else(no_file)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = folder
        .canonicalize()
        .map_err(|cause| from_io(path, cause))?;
    Ok(folder.join(name))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-lock");
    name.into()
}

fn from_io(path: &Path, cause: io::Error) -> Error {
    let (kind, message) = match cause.kind() {
        io::ErrorKind::NotFound => (
            ErrorKind::NotFound,
            "the folder of the database does not exist",
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            ErrorKind::Denied,
            "this process may not write in the folder of the database",
        ),
        io::ErrorKind::StorageFull => (ErrorKind::Full, "the disk is full"),
        _ => (
            ErrorKind::Unavailable,
            "the lock beside the database cannot be taken",
        ),
    };
    Error::new(kind, "sqlite.open", message)
        .with_context("path", path.display())
        .with_source(cause)
}
