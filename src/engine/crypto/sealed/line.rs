//! Workers in line: chunks are read in order, worked on side by side, and written in order.
//!
//! Whoever is free takes what is nearest to the end: writing, then reading, then the work between. So a stage that
//! hashes, which is the slowest, is never left waiting for a thread to wake up. Where reading hashes nothing, whoever
//! read a chunk works on it too, as long as it is in the cache of that core.

use std::collections::{BTreeMap, VecDeque};
use std::hint;
use std::io::{self, Read, Write};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::connector::ContentHasher;
use crate::error::{Error, ErrorKind, Result};

use super::size::{ChunkSize, too_long};

/// Buffers of one chunk for each of several workers.
const BUFFERS: usize = 3;

/// How often a worker looks again before it sleeps: about as long as it takes to wake it up, and less each time it was
/// in vain, so that a slow input costs no core.
const LOOKS: RangeInclusive<u32> = 16..=1 << 14;

const MOST_WORKERS: usize = 64;

/// One chunk on its way.
pub(super) struct Run {
    pub(super) index: u32,
    pub(super) last: bool,
    /// How much of the buffer counts.
    pub(super) length: usize,
    buffer: Vec<u8>,
}

impl Run {
    /// A chunk, its tag, and one byte of what follows.
    fn new(size: ChunkSize) -> Self {
        Self {
            index: 0,
            last: false,
            length: 0,
            buffer: vec![0; size.sealed_bytes() + 1],
        }
    }

    pub(super) fn bytes(&mut self) -> &mut [u8] {
        let length = self.length.min(self.buffer.len());
        self.buffer.split_at_mut(length).0
    }
}

/// Where chunks come from.
pub(super) struct Intake<R> {
    pub(super) hasher: ContentHasher,
    input: R,
    /// How many bytes of the input make a chunk.
    size: usize,
    /// How many bytes it may have.
    limit: u64,
    /// What was read of the next chunk to see that there is one.
    ahead: Option<u8>,
    next: u32,
}

impl<R: Read> Intake<R> {
    pub(super) fn new(input: R, size: usize, limit: u64, hasher: ContentHasher) -> Self {
        Self {
            hasher,
            input,
            size,
            limit,
            ahead: None,
            next: 0,
        }
    }

    fn read(&mut self, run: &mut Run) -> Result<()> {
        run.index = self.next;
        let (place, _) = run.buffer.split_at_mut(self.size.saturating_add(1));
        let mut taken = 0;
        if let (Some(byte), Some(first)) = (self.ahead.take(), place.first_mut()) {
            *first = byte;
            taken = 1;
        }
        taken += read_full(&mut self.input, place.split_at_mut(taken).1)?;
        if taken > self.size {
            self.ahead = place.last().copied();
            taken = self.size;
        }
        self.hasher.update(place.split_at(taken).0);
        run.length = taken;
        run.last = self.ahead.is_none();
        if self.hasher.length() > self.limit {
            return Err(too_long());
        }
        if !run.last {
            self.next = self.next.checked_add(1).ok_or_else(too_long)?;
        }
        Ok(())
    }
}

/// Where chunks go.
pub(super) struct Outlet<W> {
    pub(super) hasher: ContentHasher,
    output: W,
}

impl<W: Write> Outlet<W> {
    pub(super) fn new(output: W, hasher: ContentHasher) -> Self {
        Self { hasher, output }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.output.write_all(bytes).map_err(not_written)?;
        self.hasher.update(bytes);
        Ok(())
    }
}

/// A file on its way through several hands.
pub(super) struct Line<R, W> {
    stages: Mutex<Stages<R, W>>,
    changed: Condvar,
    /// Counts how often there was something for one more worker.
    offers: AtomicUsize,
    workers: usize,
}

struct Stages<R, W> {
    /// Gone while somebody reads.
    intake: Option<Intake<R>>,
    /// Gone while somebody writes.
    outlet: Option<Outlet<W>>,
    free: Vec<Run>,
    /// How many buffers there may be beside those there are.
    unmade: usize,
    size: ChunkSize,
    /// Read, in order.
    read: VecDeque<Run>,
    /// Worked on, or failed.
    worked: BTreeMap<u32, Result<Run>>,
    /// The chunk written next.
    turn: u32,
    all_read: bool,
    /// What ended the work: the end of the file, or the first failure.
    ended: Option<Result<()>>,
    waiting: usize,
}

/// What a worker has in hands.
enum Task<R, W> {
    Read(Intake<R>, Run),
    Work(Run),
    Write(Outlet<W>, Run),
    Stop,
}

impl<R: Read + Send, W: Write + Send> Line<R, W> {
    pub(super) fn new(
        intake: Intake<R>,
        outlet: Outlet<W>,
        size: ChunkSize,
        workers: usize,
    ) -> Self {
        let workers = workers.clamp(1, MOST_WORKERS);
        let buffers = if workers == 1 { 1 } else { workers * BUFFERS };
        Self {
            stages: Mutex::new(Stages {
                intake: Some(intake),
                outlet: Some(outlet),
                free: Vec::new(),
                unmade: buffers,
                size,
                read: VecDeque::new(),
                worked: BTreeMap::new(),
                turn: 0,
                all_read: false,
                ended: None,
                waiting: 0,
            }),
            changed: Condvar::new(),
            offers: AtomicUsize::new(0),
            workers,
        }
    }

    /// Takes all chunks through `work`; returns when the last one is written, or at the first failure in order.
    pub(super) fn work(
        self,
        work: &(impl Fn(&mut Run) -> Result<()> + Sync),
    ) -> Result<(Intake<R>, Outlet<W>)> {
        let line = &self;
        let all_there = thread::scope(|scope| {
            // Where the system has no more threads, fewer do the same.
            let others: Vec<_> = (1..self.workers)
                .map_while(|_| {
                    let thread = thread::Builder::new();
                    thread.spawn_scoped(scope, move || line.worker(work)).ok()
                })
                .collect();
            line.worker(work);
            others.into_iter().all(|other| other.join().is_ok())
        });
        let stages = self
            .stages
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        match (stages.ended, stages.intake, stages.outlet) {
            (Some(Err(error)), ..) => Err(error),
            (Some(Ok(())), Some(intake), Some(mut outlet)) if all_there => {
                outlet.output.flush().map_err(not_written)?;
                Ok((intake, outlet))
            }
            _ => Err(Error::new(
                ErrorKind::Unexpected,
                "sealed.pass",
                "a worker was stopped",
            )),
        }
    }

    fn worker(&self, work: &(impl Fn(&mut Run) -> Result<()> + Sync)) {
        // A reader or writer of the caller's may panic; nobody shall wait for this worker then.
        let _stop = Stop(self);
        let mut done = None;
        let mut looks = *LOOKS.end();
        loop {
            match self.next(done.take(), &mut looks) {
                Task::Read(mut intake, mut run) => {
                    let read = intake.read(&mut run);
                    done = Some(Done::Read(intake, run, read));
                }
                Task::Work(mut run) => {
                    let worked = work(&mut run);
                    done = Some(Done::Worked(run, worked));
                }
                Task::Write(mut outlet, mut run) => {
                    let written = outlet.write(run.bytes());
                    done = Some(Done::Written(outlet, run, written));
                }
                Task::Stop => return,
            }
        }
    }

    /// Puts down what was done and takes what is next.
    fn next(&self, done: Option<Done<R, W>>, looks: &mut u32) -> Task<R, W> {
        let mut stages = self.lock();
        let mut kept = done.and_then(|done| stages.put(done));
        let mut looked = false;
        loop {
            if let Some(task) = kept.take().map(Task::Work).or_else(|| stages.take()) {
                let more = stages.has_more();
                if more {
                    self.offers.fetch_add(1, Ordering::Relaxed);
                }
                let wake = more && stages.waiting > 0;
                // Whoever wakes up shall not find the door locked.
                drop(stages);
                if wake {
                    // And wakes the next one if there is still more.
                    self.changed.notify_one();
                }
                return task;
            }
            if looked {
                stages.waiting += 1;
                stages = self
                    .changed
                    .wait(stages)
                    .unwrap_or_else(PoisonError::into_inner);
                stages.waiting -= 1;
            } else {
                let offers = self.offers.load(Ordering::Relaxed);
                drop(stages);
                self.look(offers, looks);
                stages = self.lock();
            }
            looked = !looked;
        }
    }

    /// Looks out for one more offer for a short while.
    fn look(&self, offers: usize, looks: &mut u32) {
        for _ in 0..*looks {
            if self.offers.load(Ordering::Relaxed) != offers {
                *looks = looks.saturating_mul(2).min(*LOOKS.end());
                return;
            }
            hint::spin_loop();
        }
        *looks = (*looks / 2).max(*LOOKS.start());
    }

    fn lock(&self) -> MutexGuard<'_, Stages<R, W>> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Done<R, W> {
    Read(Intake<R>, Run, Result<()>),
    Worked(Run, Result<()>),
    Written(Outlet<W>, Run, Result<()>),
}

impl<R, W> Stages<R, W> {
    /// What is to be worked on by the same hands.
    fn put(&mut self, done: Done<R, W>) -> Option<Run> {
        match done {
            Done::Read(intake, run, read) => {
                self.all_read = run.last || read.is_err();
                let hashes = !intake.hasher.is_idle();
                self.intake = Some(intake);
                match read {
                    Ok(()) if hashes => self.read.push_back(run),
                    Ok(()) => return Some(run),
                    // Told in its turn: what was read before is still written.
                    Err(error) => _ = self.worked.insert(run.index, Err(error)),
                }
            }
            Done::Worked(run, worked) => {
                self.worked.insert(run.index, worked.map(|()| run));
            }
            Done::Written(outlet, run, written) => {
                self.turn = self.turn.saturating_add(1);
                self.outlet = Some(outlet);
                match written {
                    Err(error) => self.end(Err(error)),
                    Ok(()) if run.last => self.end(Ok(())),
                    Ok(()) => self.free.push(run),
                }
            }
        }
        None
    }

    fn take(&mut self) -> Option<Task<R, W>> {
        if self.ended.is_some() {
            return Some(Task::Stop);
        }
        if let Some(outlet) = self.outlet.take() {
            match self.worked.remove(&self.turn) {
                Some(Ok(run)) => return Some(Task::Write(outlet, run)),
                Some(Err(error)) => {
                    self.outlet = Some(outlet);
                    self.end(Err(error));
                    return Some(Task::Stop);
                }
                None => self.outlet = Some(outlet),
            }
        }
        if !self.all_read
            && let Some(intake) = self.intake.take()
        {
            match self.buffer() {
                Some(run) => return Some(Task::Read(intake, run)),
                None => self.intake = Some(intake),
            }
        }
        self.read.pop_front().map(Task::Work)
    }

    /// Whether there is something for one more worker. A chunk to be written is not: whoever put it there writes it.
    fn has_more(&self) -> bool {
        let buffer = !self.free.is_empty() || self.unmade > 0;
        let read = !self.all_read && self.intake.is_some() && buffer;
        self.ended.is_some() || read || !self.read.is_empty()
    }

    /// One that is free, or a new one as long as there may be more: a short file needs few.
    fn buffer(&mut self) -> Option<Run> {
        self.free.pop().or_else(|| {
            self.unmade = self.unmade.checked_sub(1)?;
            Some(Run::new(self.size))
        })
    }

    fn end(&mut self, how: Result<()>) {
        self.ended.get_or_insert(how);
    }
}

/// Ends the work of all when one worker is gone before its end.
struct Stop<'a, R: Read + Send, W: Write + Send>(&'a Line<R, W>);

impl<R: Read + Send, W: Write + Send> Drop for Stop<'_, R, W> {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut stages = self.0.lock();
            stages.end(Err(Error::new(
                ErrorKind::Unexpected,
                "sealed.pass",
                "a worker was stopped",
            )));
            self.0.changed.notify_all();
        }
    }
}

/// Fills `place` as far as the input goes.
pub(super) fn read_full(input: &mut impl Read, place: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < place.len() {
        match input.read(place.split_at_mut(filled).1) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read).min(place.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "sealed.read",
                    "the input cannot be read",
                )
                .with_source(cause));
            }
        }
    }
    Ok(filled)
}

fn not_written(cause: io::Error) -> Error {
    let kind = match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ErrorKind::Full
        }
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, "sealed.write", "the output cannot be written").with_source(cause)
}
