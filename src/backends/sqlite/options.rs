//! How a database is opened.

use std::time::Duration;

/// How a [`Sqlite`](super::Sqlite) database is opened.
///
/// # Example
///
/// ```
/// use garland::backends::{Sqlite, SqliteOptions};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("studio.db");
/// let options = SqliteOptions::default().with_shared(true);
/// let one = Sqlite::open_with(&path, options.clone()).await?;
/// let other = Sqlite::open_with(&path, options).await?;
/// # drop((one, other));
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// Lets several processes of one machine open the database at once. All of them must ask for it.
    /// Default: `false`, and a second opener is refused.
    pub shared: bool,
    /// How long to wait for another opener to let go of the database, as when a program restarts,
    /// or to have made it, when it is shared.
    /// Default: one second.
    pub lock_wait: Duration,
    /// How many reads run at the same time, each on its own thread; at least 1. Default: 2.
    pub readers: usize,
    /// How many bytes of batches may wait to be written; [`commit`](crate::storage::StorageBackend::commit)
    /// waits for room. Default: 64 MiB.
    pub queue_bytes: u32,
    /// How large the database may grow, in bytes; a commit beyond is refused with
    /// [`ErrorKind::Full`](crate::ErrorKind::Full). Default: no bound but the disk's.
    pub max_bytes: Option<u64>,
    /// How often a shared database is asked whether another process has written, while somebody
    /// watches. Default: 100 milliseconds.
    pub watch_interval: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            shared: false,
            lock_wait: Duration::from_secs(1),
            readers: 2,
            queue_bytes: 64 << 20,
            max_bytes: None,
            watch_interval: Duration::from_millis(100),
        }
    }
}

impl SqliteOptions {
    /// Sets [`SqliteOptions::shared`].
    #[must_use]
    pub fn with_shared(mut self, shared: bool) -> Self {
        self.shared = shared;
        self
    }

    /// Sets [`SqliteOptions::lock_wait`].
    #[must_use]
    pub fn with_lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Sets [`SqliteOptions::readers`].
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// Sets [`SqliteOptions::queue_bytes`].
    #[must_use]
    pub fn with_queue_bytes(mut self, bytes: u32) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// Sets [`SqliteOptions::max_bytes`].
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.max_bytes = bytes.into();
        self
    }

    /// Sets [`SqliteOptions::watch_interval`].
    #[must_use]
    pub fn with_watch_interval(mut self, interval: Duration) -> Self {
        self.watch_interval = interval;
        self
    }
}
