//! Reading a copy back.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc;

use crate::connector::{FilePath, FileStore, FileVersion, HashAlgorithm, Hashes, ReadOptions};
use crate::error::{Error, ErrorKind, Result};

use super::budget::Piece;
use super::calls::Calls;
use super::hashing;
use super::meter::Meter;
use super::source::LAG;
use super::throttle::Way;

/// Reads a file and returns its hashes by the algorithms of `like`.
pub(super) async fn read_back(
    files: &dyn FileStore,
    path: &FilePath,
    version: &FileVersion,
    like: &Hashes,
    calls: &Calls,
    way: Way,
) -> Result<Hashes> {
    let algorithms = like.iter().map(|(algorithm, _)| algorithm).collect();
    // What is only read back has moved nowhere.
    let meter = Meter::default();
    hash_file(files, path, version, algorithms, calls, &meter, way).await
}

/// Reads one version of a file and hashes it.
pub(super) async fn hash_file(
    files: &dyn FileStore,
    path: &FilePath,
    version: &FileVersion,
    algorithms: Vec<HashAlgorithm>,
    calls: &Calls,
    meter: &Meter,
    way: Way,
) -> Result<Hashes> {
    let (sender, receiver) = mpsc::channel(LAG);
    let reading = Reading {
        files,
        path,
        version,
        calls,
        meter,
        way,
        seen: None,
        position: 0,
    };
    let (read, hashed) = tokio::join!(reading.run(sender), hashing::hash(algorithms, receiver));
    read.and(hashed)
}

/// A file that is read to its end, in as many reads as that takes.
struct Reading<'a> {
    files: &'a dyn FileStore,
    path: &'a FilePath,
    version: &'a FileVersion,
    calls: &'a Calls,
    meter: &'a Meter,
    way: Way,
    /// The version that the first read has found.
    seen: Option<FileVersion>,
    /// How many bytes the hasher has.
    position: u64,
}

impl Reading<'_> {
    async fn run(mut self, hasher: mpsc::Sender<Piece>) -> Result<()> {
        let mut failures = 0;
        loop {
            let before = self.position;
            // Every read is bounded by itself; the whole may take as long as the file is large.
            let Err(error) = self.go_on(&hasher).await else {
                return Ok(());
            };
            // A server closes what is read slowly, as often as it likes.
            failures = if self.position > before {
                1
            } else {
                failures + 1
            };
            self.way.leave();
            self.calls.wait("transfer.hash", failures, error).await?;
        }
    }

    /// Reads on from where the hasher is.
    async fn go_on(&mut self, hasher: &mpsc::Sender<Piece>) -> Result<()> {
        let mut options = ReadOptions::default().with_version(self.version.clone());
        if self.position > 0 {
            let size = self.version.size;
            options = options.with_range(self.position.min(size)..size);
        }
        let opening = self.files.read(self.path, options);
        let mut reader = self.calls.once("transfer.open", opening).await?;
        // More exact than the version asked for, whose times may be coarse.
        let now = reader.version.as_ref();
        let seen = self.seen.get_or_insert_with(|| reader.version.clone());
        if seen.as_ref().changed(now, Duration::ZERO) {
            let changed = "the file changed while it was read";
            return Err(Error::new(ErrorKind::Changed, "transfer.hash", changed)
                .with_context("path", self.path));
        }
        loop {
            let next = async { reader.bytes.next().await.transpose() };
            let Some(bytes) = self.calls.once("transfer.read", next).await? else {
                return Ok(());
            };
            let length = bytes.len();
            self.meter.add_read(length as u64);
            self.way.take(length, self.calls).await?;
            self.position = self.position.saturating_add(length as u64);
            if hasher.send(Piece::unbudgeted(bytes)).await.is_err() {
                // The hasher says why by itself.
                return Ok(());
            }
        }
    }
}
