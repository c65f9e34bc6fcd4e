//! The threads that SQLite runs on, and what they are told.

use std::fmt;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::backends::counts::WriteCounts;
use crate::backends::wakes::Wakes;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{Batch, Committed};

use super::lock::{FileLock, resolve};
use super::options::SqliteOptions;
use super::schema::{clear_leases, open_reader, open_writer};
use super::writer::Writer;

/// What the writing thread is told.
pub(super) enum WriteJob {
    Commit(Commit),
    /// Somebody watches now.
    Watched,
    /// Nothing that was deleted may be left in the files.
    Scrub(oneshot::Sender<Result<()>>),
    Close,
}

/// A batch that waits.
pub(super) struct Commit {
    pub(super) organization: OrganizationId,
    pub(super) batch: Batch,
    pub(super) reply: oneshot::Sender<Result<Committed>>,
    /// Its room in the queue, and how much that is.
    pub(super) room: OwnedSemaphorePermit,
}

/// What a reading thread is told.
pub(super) enum ReadJob {
    Run(Box<dyn FnOnce(&Connection) + Send>),
    Close,
}

/// The ends of the queues that a handle holds.
pub(super) struct Ports {
    pub(super) writes: Sender<WriteJob>,
    pub(super) reads: Sender<ReadJob>,
    pub(super) wakes: Wakes,
    pub(super) counts: WriteCounts,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

/// Opens a database and serves it, until every handle is gone or it is told to close.
///
/// `alive` is dropped when the files are closed and the lock is free.
pub(super) fn serve<A>(
    path: &Path,
    options: &SqliteOptions,
    opened: oneshot::Sender<Result<Ports>>,
    alive: A,
) {
    let (writes, write_jobs) = mpsc::channel();
    let (reads, read_jobs) = mpsc::channel();
    let ports = Ports {
        writes,
        reads,
        wakes: Wakes::new(),
        counts: WriteCounts::new(),
    };
    match Files::open(path, options) {
        Err(error) => {
            // Whoever wanted to know may be gone.
            opened.send(Err(error)).ok();
        }
        Ok(files) => files.serve(options, ports, opened, write_jobs, read_jobs),
    }
    drop(alive);
}

/// What is open, in the order it is closed in.
struct Files {
    readers: Vec<Connection>,
    writer: Connection,
    _lock: FileLock,
}

impl Files {
    fn open(path: &Path, options: &SqliteOptions) -> Result<Self> {
        let path = resolve(path)?;
        let mut lock = FileLock::take(&path, options.shared, options.lock_wait)?;
        let writer = open_writer(&path, options.max_bytes)?;
        if lock.is_alone() {
            clear_leases(&writer)?;
        }
        let readers = (0..options.readers.max(1))
            .map(|_| open_reader(&path))
            .collect::<Result<_>>()?;
        if options.shared {
            lock.let_others_in()?;
        }
        Ok(Self {
            readers,
            writer,
            _lock: lock,
        })
    }

    fn serve(
        mut self,
        options: &SqliteOptions,
        ports: Ports,
        opened: oneshot::Sender<Result<Ports>>,
        write_jobs: Receiver<WriteJob>,
        read_jobs: Receiver<ReadJob>,
    ) {
        let polling = options.shared.then_some(options.watch_interval);
        let (wakes, counts) = (ports.wakes.clone(), ports.counts.clone());
        let started = Writer::new(&self.writer, write_jobs, wakes, counts, polling)
            .and_then(|writer| Ok((writer, start_readers(&mut self.readers, read_jobs)?)));
        match started {
            Err(error) => {
                opened.send(Err(error)).ok();
            }
            Ok((writer, readers)) => {
                // If the handle cannot be given, its queues are dropped here and all ends at once.
                opened.send(Ok(ports)).ok();
                writer.run();
                for reader in readers {
                    // INVARIANT: a reader ends when the queues are dropped or closed, as the writer did.
                    reader.join().ok();
                }
            }
        }
    }
}

fn start_readers(
    connections: &mut Vec<Connection>,
    jobs: Receiver<ReadJob>,
) -> Result<Vec<JoinHandle<()>>> {
    let jobs = Arc::new(Mutex::new(jobs));
    let start = |connection| {
        let jobs = Arc::clone(&jobs);
        spawn("garland-sqlite-read", move || read(&connection, &jobs))
    };
    connections.drain(..).map(start).collect()
}

fn read(connection: &Connection, jobs: &Mutex<Receiver<ReadJob>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(ReadJob::Run(job)) => job(connection),
            Ok(ReadJob::Close) | Err(_) => return,
        }
    }
}

/// Starts a thread.
pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.into())
        .spawn(run)
        .map_err(|cause| {
            Error::new(
                ErrorKind::Unavailable,
                "sqlite.open",
                "no thread can be started for the database",
            )
            .with_source(cause)
        })
}
