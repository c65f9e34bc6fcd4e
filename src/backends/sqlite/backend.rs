//! The handle of a database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{
    Batch, CollectionName, Committed, JournalEntry, JournalHead, JournalName, Query, Record,
    RecordId, RecordPage, StorageBackend, Wake, Write,
};

use super::options::SqliteOptions;
use super::reader;
use super::threads::{Commit, Ports, ReadJob, WriteJob, serve, spawn};

/// How many reads may wait.
const READS: usize = 256;

/// One SQLite file as garland's database.
///
/// Commits are durable: they are on the disk before they are answered. Commits that come together
/// share one flush, so that many writers at once are far faster than one after the other.
///
/// A second process that opens the file is refused, unless both ask for
/// [`SqliteOptions::shared`]. A person looks at the file with the `sqlite3` shell: each collection
/// is a view of its name, each journal is in the view `journals`.
///
/// Clones are the same database. When the last is dropped, what waits is written and the file is
/// closed in the background; [`close`](Sqlite::close) waits for that.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::{OrganizationId, Timestamp, backends::Sqlite};
/// use garland::storage::{Batch, Collection, Store};
///
/// const PLACES: Collection<String> = Collection::new("places");
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("studio.db");
/// let database = Sqlite::open(&path).await?;
/// let store = Store::new(Arc::new(database.clone()), OrganizationId::default());
/// let mut batch = Batch::new(Timestamp::from_millis(0));
/// batch.put(&PLACES, "venue".parse()?, &"Old Mill".to_owned())?;
/// store.commit(batch).await?;
/// database.close().await;
///
/// let store = Store::new(Arc::new(Sqlite::open(&path).await?), OrganizationId::default());
/// assert!(store.get(&PLACES, &"venue".parse()?).await?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    options: SqliteOptions,
    ports: Ports,
    /// Room for batches that wait, in KiB.
    write_room: Arc<Semaphore>,
    /// Room for reads that wait.
    read_room: Arc<Semaphore>,
    /// Has a receiver as long as the file is open.
    alive: watch::Sender<()>,
}

impl Sqlite {
    /// Opens the database at `path`, which is made if it is not there; its folder must be.
    ///
    /// # Errors
    /// - [`ErrorKind::Locked`]: another process, or another handle of this one, has it open.
    /// - [`ErrorKind::Corrupt`]: the file is damaged or no database.
    /// - [`ErrorKind::InvalidInput`]: it is a database of another program, or a folder.
    /// - [`ErrorKind::Unsupported`]: a newer garland wrote it.
    /// - [`ErrorKind::NotFound`]: there is no such folder.
    /// - [`ErrorKind::Denied`], [`ErrorKind::Full`], [`ErrorKind::Unavailable`]: the disk's own.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the file is then closed again in the background.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, SqliteOptions::default()).await
    }

    /// Opens the database at `path` as `options` say.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    ///
    /// # Cancel safety
    ///
    /// As there.
    pub async fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let (alive, watched) = watch::channel(());
        let (opened, opening) = oneshot::channel();
        let (served, how) = (path.clone(), options.clone());
        spawn("garland-sqlite", move || {
            serve(&served, &how, opened, watched);
        })?;
        let ports = opening
            .await
            .map_err(|_| stopped(ErrorKind::Unexpected))??;
        let write_room = usize::try_from(kib(&options)).unwrap_or(usize::MAX);
        Ok(Self {
            inner: Arc::new(Inner {
                path,
                options,
                ports,
                write_room: Arc::new(Semaphore::new(write_room)),
                read_room: Arc::new(Semaphore::new(READS)),
                alive,
            }),
        })
    }

    /// Returns the path it was opened with.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Writes what waits, closes the file and lets others open it. Every later call on this handle
    /// or a clone of it is refused with [`ErrorKind::Cancelled`].
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the file is then closed in the background.
    pub async fn close(&self) {
        let inner = &self.inner;
        inner.write_room.close();
        inner.read_room.close();
        // A thread that is gone already needs no telling.
        inner.ports.writes.send(WriteJob::Close).ok();
        for _ in 0..inner.options.readers.max(1) {
            inner.ports.reads.send(ReadJob::Close).ok();
        }
        inner.alive.closed().await;
    }

    /// Leaves nothing of what was deleted or replaced in the files: what was overwritten in the
    /// database stands in its write-ahead log until that is used again, and this cuts the log to
    /// nothing. Closing does so as well.
    ///
    /// After an erasure of keys in a program that runs on. What the disk itself keeps of blocks that
    /// were given back is beyond the reach of a program.
    ///
    /// # Errors
    /// - [`ErrorKind::Locked`]: another process reads or writes all the time; try again.
    /// - Those of the disk.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; it is then done or not.
    pub async fn scrub(&self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.inner
            .ports
            .writes
            .send(WriteJob::Scrub(reply))
            .map_err(|_| self.gone())?;
        answer.await.map_err(|_| self.gone())?
    }

    /// Runs `read` on a reading thread.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let room = self.room(&self.inner.read_room, 1).await?;
        let (reply, answer) = oneshot::channel();
        let job = Box::new(move |connection: &Connection| {
            let _room = room;
            if !reply.is_closed() {
                reply.send(read(connection)).ok();
            }
        });
        self.inner
            .ports
            .reads
            .send(ReadJob::Run(job))
            .map_err(|_| self.gone())?;
        answer.await.map_err(|_| self.gone())?
    }

    /// Hands a batch to the writing thread and waits for what became of it.
    async fn write(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        batch.validate()?;
        let size = size(&batch).min(kib(&self.inner.options));
        let room = self.room(&self.inner.write_room, size).await?;
        let (reply, answer) = oneshot::channel();
        let commit = Commit {
            organization: organization.clone(),
            batch,
            reply,
            room,
        };
        self.inner
            .ports
            .writes
            .send(WriteJob::Commit(commit))
            .map_err(|_| self.gone())?;
        answer.await.map_err(|_| self.gone())?
    }

    async fn room(&self, room: &Arc<Semaphore>, size: u32) -> Result<OwnedSemaphorePermit> {
        let permit = Arc::clone(room).acquire_many_owned(size).await;
        permit.map_err(|_| self.gone())
    }

    /// Has the writing thread look for commits of other processes, if there can be any.
    fn watched(&self) {
        if self.inner.options.shared {
            // A thread that is gone has nothing to look for.
            self.inner.ports.writes.send(WriteJob::Watched).ok();
        }
    }

    fn gone(&self) -> Error {
        let kind = if self.inner.write_room.is_closed() {
            ErrorKind::Cancelled
        } else {
            ErrorKind::Unexpected
        };
        stopped(kind).with_context("path", self.inner.path.display())
    }
}

#[async_trait]
impl StorageBackend for Sqlite {
    async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        self.write(organization, batch).await
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
        id: &RecordId,
    ) -> Result<Option<Record>> {
        let (organization, collection, id) = (organization.clone(), collection.clone(), id.clone());
        self.read(move |connection| reader::get(connection, &organization, &collection, &id))
            .await
    }

    async fn query(&self, organization: &OrganizationId, query: &Query) -> Result<RecordPage> {
        let (organization, query) = (organization.clone(), query.clone());
        self.read(move |connection| reader::query(connection, &organization, &query))
            .await
    }

    async fn read_journal(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        let (organization, journal) = (organization.clone(), journal.clone());
        self.read(move |connection| {
            reader::read_journal(connection, &organization, &journal, after, limit)
        })
        .await
    }

    async fn journal_head(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
    ) -> Result<JournalHead> {
        let (organization, journal) = (organization.clone(), journal.clone());
        self.read(move |connection| reader::journal_head(connection, &organization, &journal))
            .await
    }

    fn watch(&self) -> BoxStream<'static, Wake> {
        let wakes = self.inner.ports.wakes.watch();
        self.watched();
        wakes
    }

    fn watch_one(&self, organization: &OrganizationId) -> BoxStream<'static, ()> {
        let wakes = self.inner.ports.wakes.watch_one(organization);
        self.watched();
        wakes
    }

    fn write_count(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
    ) -> Option<u64> {
        let inner = &self.inner;
        let alone = !inner.options.shared;
        let open = !inner.write_room.is_closed() && !inner.alive.is_closed();
        (alone && open)
            .then(|| inner.ports.counts.of(organization, collection))
            .flatten()
    }
}

/// How much a batch takes of the queue, in KiB.
fn size(batch: &Batch) -> u32 {
    let bytes: usize = batch
        .writes()
        .iter()
        .map(|write| match write {
            Write::Put { value, .. } => value.as_str().len(),
            Write::Append { event, .. } => event.as_str().len(),
            Write::Delete { .. } | Write::Check { .. } => 0,
        })
        .sum();
    u32::try_from(bytes >> 10)
        .unwrap_or(u32::MAX)
        .saturating_add(1)
}

fn kib(options: &SqliteOptions) -> u32 {
    (options.queue_bytes >> 10).max(1)
}

fn stopped(kind: ErrorKind) -> Error {
    Error::new(kind, "sqlite.access", "the database was closed")
}
