//! Carrying out one action.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use crate::clock::Timestamp;
use crate::connector::{
    Expect, FileEntry, FilePath, FileVersion, HashAlgorithm, NamedConnector, ReadOptions,
};
use crate::engine::transfer::{Destination, Mover, TransferJob};
use crate::error::{Error, ErrorKind, Result};
use crate::id::RunId;

use super::book::Effects;
use super::merge::{MERGE_LIMIT, MergeInput, Merger};
use super::moves;
use super::plan::{Action, ReplicaIndex, ReplicaSet};
use super::recovery::{RecoveredFile, recovery_path};
use super::scan::Learned;

/// What every action needs.
#[derive(Clone, Debug)]
pub(super) struct Workshop {
    pub(super) places: Arc<[NamedConnector]>,
    pub(super) mover: Mover,
    pub(super) merger: Option<Arc<dyn Merger>>,
    pub(super) run: RunId,
    pub(super) now: Timestamp,
}

/// What is at the path of an action on each replica it touches or reads, when it begins.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) replica: ReplicaIndex,
    /// The path there, in its own spelling.
    pub(super) path: FilePath,
    pub(super) version: Option<FileVersion>,
}

/// What came of an action.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) effects: Effects,
    pub(super) recovered: Vec<RecoveredFile>,
    pub(super) learned: Vec<(ReplicaIndex, Learned)>,
    /// Bytes and files that were written, for the report.
    pub(super) bytes: u64,
    pub(super) changed: u64,
    pub(super) errors: Vec<Error>,
}

impl Workshop {
    /// Carries out one action on the sites where it happens. A site that fails stops no other.
    pub(super) async fn carry_out(&self, action: &Action, sites: &[Site]) -> Outcome {
        let mut outcome = Outcome::default();
        match action {
            Action::Verify { .. } => self.verify(sites, &mut outcome).await,
            Action::Recover { path, .. } => self.recover(path, sites, &mut outcome).await,
            Action::Rename { path, new_path, .. } => {
                self.rename(path, new_path, sites, &mut outcome).await;
            }
            Action::Copy { path, from, to } => {
                self.copy(path, *from, *to, sites, &mut outcome).await;
            }
            Action::Merge { path, from, to } => {
                if let Err(error) = self.merge(path, *from, *to, sites, &mut outcome).await {
                    outcome.errors.push(error);
                }
            }
            Action::Delete { path, .. } => self.delete(path, sites, &mut outcome).await,
            Action::Agree { .. } => {}
        }
        outcome
    }

    fn place(&self, replica: ReplicaIndex) -> Result<&NamedConnector> {
        self.places.get(replica.get()).ok_or_else(|| {
            Error::new(
                ErrorKind::Unexpected,
                "sync.run",
                "a plan names a replica that is not there",
            )
        })
    }

    async fn verify(&self, sites: &[Site], outcome: &mut Outcome) {
        for site in sites {
            let hashed = async {
                let version = site.version()?;
                let algorithms = vec![HashAlgorithm::Blake3];
                let place = self.place(site.replica)?;
                let hashes = self
                    .mover
                    .hash(place, &site.path, version, algorithms)
                    .await?;
                Ok((version.clone(), hashes))
            };
            match hashed.await {
                Ok(learned) => {
                    outcome.changed += 1;
                    let learned = Learned::from([(site.path.clone(), learned)]);
                    outcome.learned.push((site.replica, learned));
                }
                Err(error) => outcome.errors.push(self.named(error, site)),
            }
        }
    }

    async fn recover(&self, path: &FilePath, sites: &[Site], outcome: &mut Outcome) {
        for site in sites {
            match self.recover_one(path, site).await {
                Ok(recovered) => {
                    outcome.changed += 1;
                    outcome.recovered.push(recovered);
                    outcome.effects.now.push((path.clone(), site.replica, None));
                }
                Err(error) => outcome.errors.push(self.named(error, site)),
            }
        }
    }

    async fn recover_one(&self, path: &FilePath, site: &Site) -> Result<RecoveredFile> {
        let place = self.place(site.replica)?;
        let calls = self.mover.calls();
        for number in 1.. {
            let to = recovery_path(self.run, number, path)?;
            let moved =
                moves::rename(place.files()?, calls, &site.path, site.version()?, &to).await;
            match moved {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 99 => {}
                moved => return moved.map(|entry| self.recovered(place, path, entry.path)),
            }
        }
        Err(Error::new(
            ErrorKind::Unexpected,
            "sync.recover",
            "no place in the recovery folder",
        ))
    }

    fn recovered(
        &self,
        place: &NamedConnector,
        path: &FilePath,
        recovered: FilePath,
    ) -> RecoveredFile {
        let (run, at) = (self.run, self.now);
        RecoveredFile {
            connector: place.name().clone(),
            path: path.clone(),
            recovered,
            run,
            at,
        }
    }

    async fn rename(
        &self,
        path: &FilePath,
        new_path: &FilePath,
        sites: &[Site],
        outcome: &mut Outcome,
    ) {
        for site in sites {
            let renamed = async {
                let place = self.place(site.replica)?;
                let (files, calls) = (place.files()?, self.mover.calls());
                let version = site.version()?;
                let mut entry = moves::rename(files, calls, &site.path, version, new_path).await?;
                // A rename changes no content, so what was known of it still is.
                entry.version.hashes = entry.version.hashes.or(&version.hashes);
                Ok(entry)
            };
            match renamed.await {
                Ok(entry) => {
                    outcome.changed += 1;
                    outcome.effects.now.push((path.clone(), site.replica, None));
                    outcome
                        .effects
                        .now
                        .push((new_path.clone(), site.replica, Some(entry)));
                }
                Err(error) => outcome.errors.push(self.named(error, site)),
            }
        }
    }

    async fn copy(
        &self,
        path: &FilePath,
        from: ReplicaIndex,
        to: ReplicaSet,
        sites: &[Site],
        outcome: &mut Outcome,
    ) {
        let targets: Vec<_> = sites
            .iter()
            .filter(|site| to.contains(site.replica))
            .collect();
        let moved = async {
            let source = sites
                .iter()
                .find(|site| site.replica == from)
                .ok_or_else(gone)?;
            let version = source.version()?.clone();
            let place = self.place(from)?.clone();
            let mut job = TransferJob::new(place, source.path.clone(), version);
            for site in &targets {
                let place = self.place(site.replica)?.clone();
                job = job.to(Destination::new(place, site.path.clone(), site.expect()));
            }
            let moved = self.mover.run(&job).await?;
            Ok((
                FileEntry::new(source.path.clone(), moved.source),
                moved.destinations,
            ))
        };
        let (source, destinations) = match moved.await {
            Ok(moved) => moved,
            Err(error) => return outcome.errors.push(error),
        };
        for (site, result) in targets.iter().zip(destinations) {
            match result {
                Ok(entry) => {
                    outcome.changed += 1;
                    outcome.bytes += source.version.size;
                    outcome
                        .effects
                        .now
                        .push((path.clone(), site.replica, Some(entry)));
                }
                Err(error) => outcome.errors.push(error),
            }
        }
        outcome.effects.now.push((path.clone(), from, Some(source)));
    }

    async fn merge(
        &self,
        path: &FilePath,
        from: ReplicaSet,
        to: ReplicaSet,
        sites: &[Site],
        outcome: &mut Outcome,
    ) -> Result<()> {
        let Some(merger) = &self.merger else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "sync.merge",
                "no merger is configured for this sync",
            ));
        };
        let mut inputs = Vec::new();
        for site in sites.iter().filter(|site| from.contains(site.replica)) {
            let place = self.place(site.replica)?;
            let content = self.content(place, site).await?;
            let name = place.name().as_str();
            inputs.push(MergeInput::new(name, site.version()?.clone(), content));
        }
        let (merger, file) = (Arc::clone(merger), path.clone());
        let work = move || merger.merge(&file, &inputs);
        let merged = tokio::task::spawn_blocking(work).await.map_err(|cause| {
            Error::new(ErrorKind::Unexpected, "sync.merge", "the merge was stopped")
                .with_source(cause)
        })??;
        for site in sites.iter().filter(|site| to.contains(site.replica)) {
            match self.replace(path, site, &merged, outcome).await {
                Ok(entry) => {
                    outcome.changed += 1;
                    outcome
                        .effects
                        .now
                        .push((path.clone(), site.replica, Some(entry)));
                }
                Err(error) => outcome.errors.push(self.named(error, site)),
            }
        }
        Ok(())
    }

    /// Reads a small file whole.
    async fn content(&self, place: &NamedConnector, site: &Site) -> Result<Bytes> {
        let version = site.version()?;
        if version.size > MERGE_LIMIT {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "sync.merge",
                "the file is too large to merge",
            )
            .with_context("path", &site.path)
            .with_context("bytes", version.size));
        }
        let calls = self.mover.calls();
        calls
            .repeat("sync.merge", || async {
                let options = ReadOptions::default().with_version(version.clone());
                let mut reader = place.files()?.read(&site.path, options).await?;
                let mut content = BytesMut::new();
                while let Some(bytes) = reader.bytes.next().await.transpose()? {
                    content.extend_from_slice(&bytes);
                }
                if content.len() as u64 == version.size {
                    return Ok(content.freeze());
                }
                Err(Error::new(
                    ErrorKind::Unavailable,
                    "sync.merge",
                    "the bytes ended early",
                ))
            })
            .await
    }

    /// Writes a merged file in place of what is there, of which a copy goes to the recovery folder first.
    async fn replace(
        &self,
        path: &FilePath,
        site: &Site,
        merged: &Bytes,
        outcome: &mut Outcome,
    ) -> Result<FileEntry> {
        let place = self.place(site.replica)?;
        if let Some(version) = &site.version {
            let mut number = 1;
            let kept = loop {
                let to = recovery_path(self.run, number, path)?;
                let target = Destination::new(place.clone(), to, Expect::Absent);
                let job = TransferJob::new(place.clone(), site.path.clone(), version.clone());
                let copied = self.mover.run(&job.to(target)).await?.destinations;
                match copied.into_iter().next().ok_or_else(gone)? {
                    Err(e) if e.kind() == ErrorKind::AlreadyExists && number < 99 => number += 1,
                    copied => break copied?,
                }
            };
            outcome
                .recovered
                .push(self.recovered(place, path, kept.path));
        }
        let target = Destination::new(place.clone(), site.path.clone(), site.expect());
        let entry = self
            .mover
            .put(&target, merged.clone(), Some(self.now))
            .await?;
        outcome.bytes += merged.len() as u64;
        Ok(entry)
    }

    async fn delete(&self, path: &FilePath, sites: &[Site], outcome: &mut Outcome) {
        for site in sites {
            let deleted = async {
                let files = self.place(site.replica)?.files()?;
                moves::delete(files, self.mover.calls(), &site.path, site.version()?).await
            };
            match deleted.await {
                Ok(()) => {
                    outcome.changed += 1;
                    outcome.effects.now.push((path.clone(), site.replica, None));
                }
                Err(error) => outcome.errors.push(self.named(error, site)),
            }
        }
    }

    fn named(&self, error: Error, site: &Site) -> Error {
        match self.place(site.replica) {
            Ok(place) => error.with_context("replica", place.name()),
            Err(_) => error,
        }
    }
}

impl Site {
    fn version(&self) -> Result<&FileVersion> {
        self.version.as_ref().ok_or_else(gone)
    }

    fn expect(&self) -> Expect {
        self.version.clone().map_or(Expect::Absent, Expect::Version)
    }
}

fn gone() -> Error {
    Error::new(
        ErrorKind::Changed,
        "sync.run",
        "the file is not there any more",
    )
}
