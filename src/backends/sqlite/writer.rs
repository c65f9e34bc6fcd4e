//! The writing thread: many commits, one flush to the disk.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::backends::counts::WriteCounts;
use crate::backends::wakes::Wakes;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Committed, Wake};

use super::batch::{BatchWriter, Failure};
use super::error::{copy, map};
use super::schema::ask;
use super::threads::{Commit, WriteJob};

/// Most batches of one transaction.
const MOST: usize = 1_024;

/// Most KiB of one transaction, as counted in [`Commit::room`].
const MOST_ROOM: usize = 16 << 10;

/// How long to wait for the next of the commits that are expected. Far less than a flush takes, so
/// that waiting for one more pays.
const GATHER: Duration = Duration::from_micros(150);

type Reply = oneshot::Sender<Result<Committed>>;

pub(super) struct Writer<'c> {
    connection: &'c Connection,
    jobs: Receiver<WriteJob>,
    wakes: Wakes,
    counts: WriteCounts,
    batches: BatchWriter<'c>,
    /// How often to look for commits of other processes, if there can be any.
    polling: Option<Duration>,
    /// `PRAGMA data_version` when last looked.
    data_version: Option<i64>,
    /// Commits that came while the last group was written.
    waiting: Vec<Commit>,
    /// How many commits to wait for: whoever is answered writes again.
    expected: usize,
    closing: bool,
}

impl<'c> Writer<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        jobs: Receiver<WriteJob>,
        wakes: Wakes,
        counts: WriteCounts,
        polling: Option<Duration>,
    ) -> Result<Self> {
        let mut writer = Self {
            connection,
            jobs,
            wakes,
            counts,
            batches: BatchWriter::new(connection)?,
            polling,
            data_version: None,
            waiting: Vec::new(),
            expected: 1,
            closing: false,
        };
        writer.look();
        Ok(writer)
    }

    /// Writes what comes, until told to close or nobody can tell any more.
    pub(super) fn run(mut self) {
        loop {
            if self.waiting.is_empty() {
                if self.closing {
                    return;
                }
                let job = self.next();
                self.take(job);
            }
            if !self.waiting.is_empty() {
                self.gather();
                let group = self.next_group();
                self.write(group);
            }
            self.look();
        }
    }

    fn take(&mut self, job: Result<WriteJob, RecvTimeoutError>) {
        match job {
            Ok(WriteJob::Commit(commit)) => self.waiting.push(commit),
            Ok(WriteJob::Scrub(reply)) => {
                // Whoever asked may be gone.
                reply.send(self.scrub()).ok();
            }
            Ok(WriteJob::Watched) | Err(RecvTimeoutError::Timeout) => {}
            Ok(WriteJob::Close) | Err(RecvTimeoutError::Disconnected) => self.closing = true,
        }
    }

    /// Moves all of the write-ahead log into the database and cuts it to nothing.
    fn scrub(&self) -> Result<()> {
        let busy: i64 = ask(self.connection, "PRAGMA wal_checkpoint(TRUNCATE)")
            .map_err(|cause| map("sqlite.scrub", cause))?;
        if busy == 0 {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Locked,
            "sqlite.scrub",
            "somebody else is reading or writing the database",
        )
        .with_retry_after(Duration::from_secs(1)))
    }

    /// Waits for a job; no longer than until it is time to look for commits of others.
    fn next(&self) -> Result<WriteJob, RecvTimeoutError> {
        match self.polling.filter(|_| self.wakes.are_watched()) {
            Some(interval) => self.jobs.recv_timeout(interval),
            None => self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Wakes the watchers if another process has committed.
    fn look(&mut self) {
        if self.polling.is_none() {
            return;
        }
        // A failure shows itself to the next commit.
        let Ok(version) = ask(self.connection, "PRAGMA data_version") else {
            return;
        };
        if self.data_version.replace(version) != Some(version) {
            self.wakes.wake(&Wake::All);
        }
    }

    /// Takes the jobs that wait, and waits a moment for the commits that are expected.
    fn gather(&mut self) {
        self.take_waiting();
        while !self.closing && self.waiting.len() < self.expected.min(MOST) {
            match self.jobs.recv_timeout(GATHER) {
                Err(RecvTimeoutError::Timeout) => return,
                job => self.take(job),
            }
        }
    }

    fn take_waiting(&mut self) {
        while let Ok(job) = self.jobs.try_recv() {
            self.take(Ok(job));
        }
    }

    /// As many of those that wait as fit in one transaction.
    fn next_group(&mut self) -> Vec<Commit> {
        let mut room = MOST_ROOM;
        let fit = self.waiting.iter().take(MOST).take_while(|commit| {
            let fits = room > 0;
            room = room.saturating_sub(commit.room.num_permits());
            fits
        });
        let fit = fit.count();
        self.waiting.drain(..fit).collect()
    }

    /// Writes a group in one transaction and answers once it is on the disk.
    fn write(&mut self, group: Vec<Commit>) {
        let mut written = Vec::with_capacity(group.len());
        let mut group = group.into_iter();
        let alone = group.len() == 1;
        if let Err(cause) = self.batches.begin() {
            for commit in group {
                answer(commit.reply, Err(failed(copy(&cause))));
            }
            return;
        }
        let broken = loop {
            let Some(commit) = group.next() else {
                break self.batches.commit().err();
            };
            match self.batches.write(&commit.organization, &commit.batch) {
                Ok(committed) => written.push((commit, committed)),
                Err(Failure::Refused(error)) => answer(commit.reply, Err(error)),
                Err(Failure::Broken(cause)) => {
                    written.push((commit, Committed::default()));
                    break Some(cause);
                }
            }
        };
        for (commit, _) in &written {
            // One that failed is counted too: it is not for the failure to say that nothing was written.
            self.counts.add(&commit.organization, &commit.batch);
        }
        let Some(cause) = broken else {
            self.take_waiting();
            self.expected = written.len() + self.waiting.len();
            return self.tell(written);
        };
        self.batches.roll_back();
        let commits = written.into_iter().map(|(commit, _)| commit).chain(group);
        for commit in commits {
            if alone {
                answer(commit.reply, Err(failed(copy(&cause))));
            } else {
                // One that is too large must not fail the others.
                self.write(vec![commit]);
            }
        }
    }

    fn tell(&mut self, written: Vec<(Commit, Committed)>) {
        let mut organizations = BTreeSet::new();
        for (commit, committed) in written {
            organizations.insert(commit.organization);
            answer(commit.reply, Ok(committed));
        }
        for organization in organizations {
            self.wakes.wake(&Wake::Organization(organization));
        }
    }
}

fn failed(cause: rusqlite::Error) -> Error {
    map("sqlite.commit", cause)
}

fn answer(reply: Reply, result: Result<Committed>) {
    // Whoever asked may be gone; the batch is written all the same, or not at all.
    reply.send(result).ok();
}
