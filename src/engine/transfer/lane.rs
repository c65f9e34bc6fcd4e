//! The writing side: one destination of a transfer, at its own pace.

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use crate::connector::{
    Expect, FileEntry, FileStore, FileVersion, Hashes, Likeness, UploadRequest, UploadSession,
};
use crate::engine::bandwidth::Direction;
use crate::error::{Error, ErrorKind, Result};

use super::backlog::Backlog;
use super::budget::Piece;
use super::calls::Calls;
use super::job::{Destination, with_computed};
use super::meter::Meter;
use super::options::{TransferOptions, Verify};
use super::throttle::{Throttle, Way};
use super::uploads::{UploadRecord, Uploads};
use super::verify;

/// What one destination needs.
pub(super) struct Lane<'a> {
    pub(super) destination: &'a Destination,
    /// What must be there when the file appears; after a bad copy was removed, nothing.
    pub(super) expect: &'a Expect,
    pub(super) version: &'a FileVersion,
    pub(super) calls: &'a Calls,
    pub(super) options: &'a TransferOptions,
    pub(super) uploads: Uploads<'a>,
    pub(super) meter: &'a Meter,
    pub(super) throttle: &'a Throttle,
}

/// What a lane is told of the reading side.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// It is still at it; or, once its end of the channel is gone, it has failed.
    Reading,
    /// The whole file was read, and this is its content.
    Whole(Hashes),
    /// What was read is of no version, so nothing of it may be kept.
    Spoiled,
}

/// An upload under way.
struct Upload {
    /// `None` once it was given up on in mid-call.
    session: Option<Box<dyn UploadSession>>,
    /// Whether it is written down.
    recorded: bool,
    /// Whether a part of it was sent before a restart.
    resumed: bool,
}

impl Lane<'_> {
    /// Takes all pieces, sends them, and makes the file appear once `told` says that all is well.
    pub(super) async fn run(
        &self,
        mut pieces: mpsc::Receiver<Piece>,
        told: watch::Receiver<Told>,
    ) -> Result<FileEntry> {
        let mut counted = 0;
        let result = self.send(&mut pieces, told, &mut counted).await;
        // Closes the channel before anything else, so that the source never waits for this lane again.
        drop(pieces);
        if result.is_err() {
            self.meter.take_back_written(counted);
        }
        result.map_err(|error| {
            error
                .with_context("connector", self.destination.connector.name())
                .with_context("path", &self.destination.path)
        })
    }

    async fn send(
        &self,
        pieces: &mut mpsc::Receiver<Piece>,
        told: watch::Receiver<Told>,
        counted: &mut u64,
    ) -> Result<FileEntry> {
        let files = self.destination.connector.files()?;
        let mut upload = self.open(files).await?;
        *counted = live(&upload.session)?.offset();
        self.meter.add_found(*counted);
        let mut way = self
            .throttle
            .join(Direction::Upload, &self.destination.connector)?;
        let mut backlog = Backlog::default();
        loop {
            let before = live(&upload.session)?.offset();
            let rest = self.version.size.saturating_sub(before);
            let wanted = live(&upload.session)?.next_chunk().min(rest);
            if wanted == 0 {
                break;
            }
            while backlog.end() < before.saturating_add(wanted) {
                match pieces.recv().await {
                    Some(piece) => {
                        backlog.push(piece.bytes);
                        // What the platform has from before a restart is passed over at once.
                        backlog.forget_before(before);
                    }
                    None => return Err(self.give_up(upload, told).await),
                }
            }
            backlog.forget_before(before);
            let chunk = backlog.copy(wanted);
            // The part after it is as large, or what is left of the file.
            let next = rest.saturating_sub(wanted).min(wanted);
            let session = &mut upload.session;
            let written = self.write(files, session, chunk, next, &mut way, counted);
            if let Err(error) = written.await {
                return Err(self.abandon(upload, error).await);
            }
            let now = live(&upload.session)?.offset();
            if now < backlog.start {
                let lost = "the platform has lost a part of the upload";
                let error = Error::new(ErrorKind::Expired, "transfer.write", lost);
                return Err(self.abandon(upload, error).await);
            }
            self.count(now, counted);
        }
        // Nothing more goes out, and what the platform does now may take long.
        drop(way);
        // The rest of the file is with the platform already, from before a restart.
        while pieces.recv().await.is_some() {}
        let Some(computed) = whole(told.clone()).await else {
            return Err(self.give_up(upload, told).await);
        };
        let Upload {
            session,
            recorded,
            resumed,
        } = upload;
        let session = session.ok_or_else(unknown)?;
        let finished = self.finish(files, session, &computed).await;
        let gone = !matches!(&finished, Err(error) if error.is_retryable() || error.kind() == ErrorKind::Cancelled);
        let checked = match finished {
            Ok(entry) => self.check(files, entry, &computed, resumed).await,
            Err(error) => Err(error),
        };
        // Only once the copy was checked, or was lost for good, is there nothing to go on with.
        if recorded && gone {
            self.forget().await?;
        }
        checked
    }

    /// Goes on with an upload written down before, or begins one.
    async fn open(&self, files: &dyn FileStore) -> Result<Upload> {
        let (name, path) = (self.destination.connector.name(), &self.destination.path);
        let resumable = self.version.size >= self.options.resume_from;
        let left = if resumable {
            self.uploads.find(name, path).await?
        } else {
            None
        };
        if let Some(UploadRecord { source, token, .. }) = left {
            let resumed = self.calls.repeat("transfer.resume", || async {
                files.resume_upload(&token).await
            });
            match resumed.await {
                // The beginning of another version is of no use to anybody. Best effort.
                Ok(session) if source != *self.version => {
                    let _ = self.calls.once("transfer.abort", session.abort()).await;
                }
                Ok(session) => {
                    tracing::debug!(path = %path, offset = session.offset(), "upload resumed");
                    return Ok(Upload {
                        session: Some(session),
                        recorded: true,
                        resumed: true,
                    });
                }
                Err(error) if error.kind() == ErrorKind::Cancelled || error.is_retryable() => {
                    return Err(error);
                }
                // The platform no longer knows it, so it begins again.
                Err(error) => tracing::debug!(path = %path, error = %error, "upload begins again"),
            }
        }
        let session = self
            .calls
            .repeat("transfer.upload", || async {
                let request = UploadRequest::new(path.clone(), self.version.size)
                    .with_modified(self.version.modified)
                    .with_expect(self.expect.clone());
                files.upload(request).await
            })
            .await?;
        let token = session.token().filter(|_| resumable);
        let recorded = token.is_some();
        if let Some(token) = token {
            self.uploads
                .remember(name, path, self.version, token)
                .await?;
        }
        Ok(Upload {
            session: Some(session),
            recorded,
            resumed: false,
        })
    }

    /// Counts what the destination has taken so far, each byte once.
    fn count(&self, offset: u64, counted: &mut u64) {
        let more = offset.saturating_sub(*counted);
        self.meter.add_written(more);
        *counted += more;
    }

    /// Sends one chunk, and waits meanwhile until the `next` bytes may go. After a failure that may pass, the session
    /// stands where the platform is.
    async fn write(
        &self,
        files: &dyn FileStore,
        session: &mut Option<Box<dyn UploadSession>>,
        chunk: Bytes,
        next: u64,
        way: &mut Way,
        counted: &mut u64,
    ) -> Result<()> {
        let next = usize::try_from(next).unwrap_or(usize::MAX);
        let mut failures = 0;
        let start = live(session)?.offset();
        loop {
            way.take(chunk.len(), self.calls).await?;
            let open = session.as_mut().ok_or_else(unknown)?;
            let writing = async {
                let writing = open.write(chunk.clone());
                self.calls.once("transfer.write", writing).await?;
                // At once: until the next may go it can be long.
                self.count(open.offset(), counted);
                Ok::<(), Error>(())
            };
            // One after the other, the link would lie idle for as long as the platform takes.
            let paying = way.pay_ahead(next, self.calls);
            let sent = tokio::try_join!(writing, paying);
            let Err(error) = sent else { return Ok(()) };
            failures += 1;
            way.leave();
            let timed_out = error.kind() == ErrorKind::Timeout;
            self.calls.wait("transfer.write", failures, error).await?;
            if timed_out {
                // The call was dropped on its way; only the platform knows how far it came. The old
                // session goes first, since it may hold what the new one needs.
                let token = session.take().and_then(|session| session.token());
                let token = token.ok_or_else(unknown)?;
                let resumed = self.calls.repeat("transfer.resume", || async {
                    files.resume_upload(&token).await
                });
                *session = Some(resumed.await?);
            }
            if live(session)?.offset() != start {
                return Ok(());
            }
        }
    }

    /// Makes the file appear. When the answer is lost, looks whether it is there, so that it
    /// appears exactly once.
    async fn finish(
        &self,
        files: &dyn FileStore,
        mut session: Box<dyn UploadSession>,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        let path = &self.destination.path;
        let mut failures = 0;
        loop {
            let token = session.token();
            let finished = self
                .calls
                .long("transfer.finish", session.finish(computed))
                .await;
            let error = match finished {
                Err(error) if error.is_retryable() => error,
                settled => return settled,
            };
            failures += 1;
            let looked = self.calls.repeat("transfer.look", || files.stat(path));
            let there = looked
                .await?
                .filter(|entry| self.is_ours(files, entry, computed));
            if let Some(entry) = there {
                return Ok(entry);
            }
            self.calls.wait("transfer.finish", failures, error).await?;
            let Some(token) = token else {
                let lost = "the platform did not finish the upload";
                return Err(Error::new(ErrorKind::Expired, "transfer.finish", lost));
            };
            session = self
                .calls
                .repeat("transfer.resume", || async {
                    files.resume_upload(&token).await
                })
                .await?;
        }
    }

    /// Tells whether `entry` can only be what was just sent.
    fn is_ours(&self, files: &dyn FileStore, entry: &FileEntry, computed: &Hashes) -> bool {
        let sent = self.version.clone().with_hashes(computed.clone());
        let precision = files.facts().time_precision.unwrap_or_default();
        let same = match sent.as_ref().compare(entry.version.as_ref(), precision) {
            Likeness::Same => sent.size > 0 || sent.modified == entry.version.modified,
            Likeness::Weak => files.facts().time_precision.is_some(),
            _ => false,
        };
        let was_there = match self.expect {
            Expect::Version(old) => !old.as_ref().changed(entry.version.as_ref(), precision),
            _ => false,
        };
        same && !was_there
    }

    /// Holds what the platform has against what was sent; a copy that is not the file is removed.
    async fn check(
        &self,
        files: &dyn FileStore,
        entry: FileEntry,
        computed: &Hashes,
        resumed: bool,
    ) -> Result<FileEntry> {
        let vouched = entry.version.hashes.iter().any(|(algorithm, digest)| {
            algorithm.is_strong() && computed.get(algorithm) == Some(digest)
        });
        // What was sent before a restart was hashed by a process that is gone.
        let read_back = !vouched && (resumed || self.options.verify == Verify::ReadBack);
        let found = if read_back {
            let path = &self.destination.path;
            let way = self
                .throttle
                .join(Direction::Download, &self.destination.connector)?;
            let calls = self.calls;
            match verify::read_back(files, path, &entry.version, computed, calls, way).await {
                Ok(found) => found,
                // Nobody would ever look at it again.
                Err(error) => return Err(self.remove(files, entry.version, error).await),
            }
        } else {
            entry.version.hashes.clone()
        };
        if entry.version.size == self.version.size && !found.contradict(computed) {
            return Ok(with_computed(entry, computed));
        }
        let error = Error::new(
            ErrorKind::Corrupt,
            "transfer.verify",
            "the copy is not what was sent",
        )
        .with_context("sent", computed)
        .with_context("stored", &found);
        Err(self.remove(files, entry.version, error).await)
    }

    /// Removes a copy that is bad or that nobody could look at. Left there, it would look like a
    /// file that somebody has made, and travel on. Done even when the rest is cancelled.
    async fn remove(&self, files: &dyn FileStore, version: FileVersion, error: Error) -> Error {
        let expect = Expect::Version(version);
        let calls = self.calls.to_the_end();
        let removed = calls.repeat("transfer.remove", || async {
            match files.delete(&self.destination.path, &expect).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                other => other,
            }
        });
        match removed.await {
            Ok(()) => error,
            Err(cause) => error
                .with_context("warning", "the bad copy could not be removed")
                .with_source(cause),
        }
    }

    /// Ends a lane whose source has failed. What was sent is kept only if it is written down and
    /// of the version that was meant.
    async fn give_up(&self, mut upload: Upload, mut told: watch::Receiver<Told>) -> Error {
        let spoiled = told
            .wait_for(|told| matches!(told, Told::Spoiled))
            .await
            .is_ok();
        let mut error = Error::new(
            ErrorKind::Cancelled,
            "transfer.write",
            "the source has failed",
        );
        if spoiled && upload.recorded {
            upload.recorded = false;
            if let Err(cause) = self.forget().await {
                error = error.with_source(cause);
            }
        }
        self.abandon(upload, error).await
    }

    async fn forget(&self) -> Result<()> {
        let (name, path) = (self.destination.connector.name(), &self.destination.path);
        self.uploads.forget(name, path).await
    }

    async fn abandon(&self, mut upload: Upload, mut error: Error) -> Error {
        // What lies there would hold the space that other files need.
        if upload.recorded && error.kind() == ErrorKind::Full {
            upload.recorded = false;
            if let Err(cause) = self.forget().await {
                error = error.with_source(cause);
            }
        }
        if !upload.recorded {
            // Best effort: the error at hand says more than a failure to clean up after it.
            let Some(session) = upload.session else {
                return error;
            };
            let _ = tokio::time::timeout(self.calls.stall, session.abort()).await;
        }
        error
    }
}

fn live(session: &Option<Box<dyn UploadSession>>) -> Result<&dyn UploadSession> {
    session.as_deref().ok_or_else(unknown)
}

fn unknown() -> Error {
    let lost = "nobody knows how much of the upload has arrived";
    Error::new(ErrorKind::Expired, "transfer.write", lost)
}

/// Waits until the whole file was read; `None` if that failed.
async fn whole(mut told: watch::Receiver<Told>) -> Option<Hashes> {
    match &*told
        .wait_for(|told| !matches!(told, Told::Reading))
        .await
        .ok()?
    {
        Told::Whole(hashes) => Some(hashes.clone()),
        _ => None,
    }
}
