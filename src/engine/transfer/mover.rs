//! Moving one file: from its source, past its hashes, to its destinations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::clock::{Clock, Timestamp};
use crate::connector::{
    ConnectorName, ContentHasher, Expect, FileEntry, FilePath, FileVersion, HashAlgorithm, Hashes,
    NamedConnector,
};
use crate::engine::bandwidth::{Bandwidth, Direction};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Chance;
use crate::storage::Store;
use crate::telemetry::{self, TRANSFER_FILES, TRANSFER_SECONDS, Telemetry};

use super::budget::{Budget, Piece};
use super::calls::{Calls, cancelled};
use super::hashing;
use super::job::{Destination, Moved, TransferJob, starts_over};
use super::lane::{Lane, Told};
use super::meter::Meter;
use super::options::TransferOptions;
use super::source::{LAG, Source};
use super::throttle::Throttle;
use super::uploads::Uploads;
use super::verify;

/// How often a file is sent from its beginning when a destination has lost or spoiled it.
const STARTS: u32 = 3;

/// Moves files: reads each once, hashes it on the way, writes it to all its destinations, and holds
/// what they say they have against what was read.
///
/// Cheap to clone; clones share memory, concurrency and meter.
#[derive(Clone, Debug)]
pub struct Mover(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: TransferOptions,
    calls: Calls,
    clock: Arc<dyn Clock>,
    store: Store,
    memory: Arc<Semaphore>,
    places: Mutex<BTreeMap<ConnectorName, Arc<Semaphore>>>,
    meter: Meter,
    throttle: Throttle,
}

impl Mover {
    /// Makes a mover that keeps uploads in flight in `store` and ends when `cancel` is cancelled.
    pub(crate) fn new(
        options: TransferOptions,
        store: Store,
        clock: Arc<dyn Clock>,
        chance: Chance,
        bandwidth: Bandwidth,
        cancel: CancellationToken,
    ) -> Self {
        let calls = Calls {
            retry: options.retry,
            stall: options.stall,
            chance,
            cancel,
            telemetry: store.telemetry().clone(),
        };
        let memory = Arc::new(Semaphore::new(
            usize::try_from(options.memory).unwrap_or(1 << 20),
        ));
        let places = Mutex::default();
        let throttle = Throttle {
            bandwidth,
            organization: store.organization().clone(),
            class: options.class,
        };
        let meter = Meter::counting_into(store.telemetry().clone());
        Self(Arc::new(Inner {
            options,
            calls,
            clock,
            store,
            memory,
            places,
            meter,
            throttle,
        }))
    }

    /// Returns the running totals.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// How calls to platforms are bounded and tried again.
    pub(crate) fn calls(&self) -> &Calls {
        &self.0.calls
    }

    /// Moves one file. A destination that fails stops none of the others.
    ///
    /// # Errors
    /// The source's: [`ErrorKind::Changed`] if the file is not or no longer the version asked for,
    /// [`ErrorKind::Corrupt`] if it does not have the hashes its platform says.
    ///
    /// # Cancel safety
    ///
    /// After a drop each destination has the whole file or what it had before. Large uploads go on
    /// from where they were when the same version is moved again.
    pub async fn run(&self, job: &TransferJob) -> Result<Moved> {
        let telemetry = &self.0.calls.telemetry;
        let begun = telemetry.begin();
        let span = tracing::debug_span!(
            "transfer.run",
            file.path = %job.path,
            file.size = job.version.size,
            transfer.source = %job.source.name(),
            transfer.destinations = job.destinations.len(),
        );
        let moved = self.carry(job).instrument(span).await;
        count(telemetry, job, &moved, begun);
        moved
    }

    async fn carry(&self, job: &TransferJob) -> Result<Moved> {
        let places = job
            .destinations
            .iter()
            .map(|to| &to.connector)
            .chain([&job.source]);
        let _turn = self.turn(places).await?;
        let mut results: Vec<Option<Result<FileEntry>>> =
            job.destinations.iter().map(|_| None).collect();
        let mut expects: Vec<Expect> = job
            .destinations
            .iter()
            .map(|destination| destination.expect.clone())
            .collect();
        let mut source = job.version.clone();
        for start in 1..=STARTS {
            let open: Vec<usize> = (0..)
                .zip(&results)
                .filter(|(_, result)| result.is_none())
                .map(|(i, _)| i)
                .collect();
            if open.is_empty() {
                break;
            }
            let again = start < STARTS;
            let outcomes = match self.attempt(job, &open, &expects).await {
                Ok((version, outcomes)) => {
                    source = version;
                    outcomes
                }
                Err(error) if again && error.kind() == ErrorKind::Corrupt => {
                    tracing::debug!(path = %job.path, start, error = %error, "file is read again");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let mut passing = None;
            for (index, outcome) in open.into_iter().zip(outcomes) {
                let (Some(result), Some(expect)) = (results.get_mut(index), expects.get_mut(index))
                else {
                    continue;
                };
                match outcome {
                    Err(error) if again && starts_over(&error) => {
                        if error.kind() == ErrorKind::Corrupt && *expect != Expect::Anything {
                            *expect = Expect::Absent;
                        }
                        tracing::debug!(path = %job.path, start, error = %error, "file is sent again");
                        passing = Some(error).filter(Error::is_retryable).or(passing);
                    }
                    settled => *result = Some(settled),
                }
            }
            if let Some(error) = passing {
                self.0.calls.wait("transfer.run", start, error).await?;
            }
        }
        let unsettled = || {
            Err(Error::new(
                ErrorKind::Unexpected,
                "transfer.run",
                "a destination was never tried",
            ))
        };
        let destinations = results
            .into_iter()
            .map(|r| r.unwrap_or_else(unsettled))
            .collect();
        Ok(Moved {
            source,
            destinations,
        })
    }

    /// Writes a small file from memory.
    pub(crate) async fn put(
        &self,
        destination: &Destination,
        content: Bytes,
        modified: Option<Timestamp>,
    ) -> Result<FileEntry> {
        let _turn = self.turn([&destination.connector]).await?;
        let inner = &*self.0;
        let version = FileVersion::new(content.len() as u64).with_modified(modified);
        let mut hasher = ContentHasher::new(algorithms([&destination.connector])?);
        hasher.update(&content);
        let (_tell, told) = watch::channel(Told::Whole(hasher.finish()));
        let (sender, pieces) = mpsc::channel(1);
        if !content.is_empty() {
            // The channel has room for one.
            let _ = sender.send(Piece::unbudgeted(content)).await;
        }
        drop(sender);
        let lane = Lane {
            destination,
            expect: &destination.expect,
            version: &version,
            calls: &inner.calls,
            options: &inner.options,
            uploads: Uploads {
                store: &inner.store,
                clock: &*inner.clock,
            },
            meter: &inner.meter,
            throttle: &inner.throttle,
        };
        lane.run(pieces, told).await
    }

    /// Reads one version of a file and hashes it.
    ///
    /// # Errors
    /// As [`run`](Mover::run) for the source.
    pub async fn hash(
        &self,
        connector: &NamedConnector,
        path: &FilePath,
        version: &FileVersion,
        algorithms: Vec<HashAlgorithm>,
    ) -> Result<Hashes> {
        let _turn = self.turn([connector]).await?;
        let files = connector.files()?;
        let way = self.0.throttle.join(Direction::Download, connector)?;
        let hashes = verify::hash_file(
            files,
            path,
            version,
            algorithms,
            &self.0.calls,
            &self.0.meter,
            way,
        );
        let span = tracing::debug_span!(
            "transfer.hash",
            file.path = %path,
            file.size = version.size,
            transfer.source = %connector.name(),
        );
        let hashes = hashes.instrument(span).await?;
        confirm(connector, path, version, &hashes)?;
        Ok(hashes)
    }

    /// Sends the file from its beginning to the destinations at `open`.
    async fn attempt(
        &self,
        job: &TransferJob,
        open: &[usize],
        expects: &[Expect],
    ) -> Result<(FileVersion, Vec<Result<FileEntry>>)> {
        let inner = &*self.0;
        let destinations: Vec<_> = open
            .iter()
            .filter_map(|&index| job.destinations.get(index).zip(expects.get(index)))
            .collect();
        let places = destinations
            .iter()
            .map(|(to, _)| &to.connector)
            .chain([&job.source]);
        let (to_hash, pieces_to_hash) = mpsc::channel(LAG);
        let mut takers = vec![to_hash];
        // Nothing appears anywhere before the whole source was read and is what its platform says.
        let (tell, told) = watch::channel(Told::Reading);
        let lanes: Vec<_> = destinations
            .iter()
            .map(|&(destination, expect)| {
                let (sender, pieces) = mpsc::channel(LAG);
                takers.push(sender);
                let told = told.clone();
                async move {
                    let lane = Lane {
                        destination,
                        expect,
                        version: &job.version,
                        calls: &inner.calls,
                        options: &inner.options,
                        uploads: Uploads {
                            store: &inner.store,
                            clock: &*inner.clock,
                        },
                        meter: &inner.meter,
                        throttle: &inner.throttle,
                    };
                    lane.run(pieces, told).await
                }
            })
            .collect();
        drop(told);
        let together = places.clone().map(|place| inner.concurrency(place)).max();
        let budget = Budget::new(
            &inner.memory,
            inner.options.memory,
            together.unwrap_or_default(),
        );
        let hashing = hashing::hash(algorithms(places)?, pieces_to_hash);
        let reading = async move {
            let source = Source {
                connector: &job.source,
                path: &job.path,
                version: &job.version,
                calls: &inner.calls,
                budget,
                meter: &inner.meter,
                throttle: &inner.throttle,
            };
            // The takers go with `feed`, so that the hasher sees the end.
            let (read, hashed) = tokio::join!(source.feed(takers), hashing);
            let whole = read.and_then(|version| {
                let Some(version) = version else {
                    return Ok(None);
                };
                let hashes = hashed?;
                confirm(&job.source, &job.path, &version, &hashes)?;
                Ok(Some((version, hashes)))
            });
            // A lane that has failed already is told in vain.
            match &whole {
                Ok(Some((_, hashes))) => drop(tell.send(Told::Whole(hashes.clone()))),
                Err(error) if matches!(error.kind(), ErrorKind::Changed | ErrorKind::Corrupt) => {
                    drop(tell.send(Told::Spoiled));
                }
                _ => {}
            }
            whole
        };
        let (read, outcomes) = tokio::join!(reading, join_all(lanes));
        let version = match read.map_err(|error| named(error, job))? {
            Some((version, hashes)) => FileVersion {
                hashes: version.hashes.or(&hashes),
                ..version
            },
            None => job.version.clone(),
        };
        Ok((version, outcomes))
    }

    /// Waits for a place in the queue of every connector involved, always in the order of their
    /// names, so that two files never wait for each other.
    async fn turn<'a>(
        &self,
        places: impl IntoIterator<Item = &'a NamedConnector>,
    ) -> Result<Vec<OwnedSemaphorePermit>> {
        let ordered: BTreeMap<_, _> = places
            .into_iter()
            .map(|place| (place.name(), place))
            .collect();
        let mut turn = Vec::with_capacity(ordered.len());
        for (name, place) in ordered {
            let size = self.0.concurrency(place);
            let queue = {
                let mut places = self.0.places.lock().unwrap_or_else(PoisonError::into_inner);
                let queue = places.entry(name.clone());
                Arc::clone(queue.or_insert_with(|| Arc::new(Semaphore::new(size))))
            };
            let permit = tokio::select! {
                biased;
                () = self.0.calls.cancel.cancelled() => return Err(cancelled("transfer.run")),
                permit = queue.acquire_owned() => permit,
            };
            turn.push(permit.map_err(|cause| {
                Error::new(ErrorKind::Unexpected, "transfer.run", "the queue is closed")
                    .with_source(cause)
            })?);
        }
        Ok(turn)
    }
}

impl Inner {
    /// How many files move at once at `place`.
    fn concurrency(&self, place: &NamedConnector) -> usize {
        let platform = place.connector().platform();
        let asked = self.options.concurrency.unwrap_or(platform.concurrency);
        asked.clamp(1, Budget::most_files(self.options.memory))
    }
}

/// Counts a file that has come to its end, for each destination by itself.
fn count(telemetry: &Telemetry, job: &TransferJob, moved: &Result<Moved>, begun: Duration) {
    let whole = match moved {
        Ok(moved) => {
            for result in &moved.destinations {
                let outcome = telemetry::outcome(result, "delivered");
                telemetry.count(TRANSFER_FILES, &[("outcome", outcome)], 1);
            }
            let failed = moved.destinations.iter().find(|result| result.is_err());
            failed.map_or("delivered", |failed| telemetry::outcome(failed, ""))
        }
        Err(_) => {
            let outcome = telemetry::outcome(moved, "delivered");
            let missed = job.destinations.len() as u64;
            telemetry.count(TRANSFER_FILES, &[("outcome", outcome)], missed);
            outcome
        }
    };
    telemetry.since(TRANSFER_SECONDS, &[("outcome", whole)], begun);
}

/// Which hashes to compute: all that anybody involved reports, and a strong one in any case.
fn algorithms<'a>(
    places: impl IntoIterator<Item = &'a NamedConnector>,
) -> Result<Vec<HashAlgorithm>> {
    let mut all = BTreeSet::new();
    for place in places {
        all.extend(place.files()?.facts().hashes.iter().copied());
    }
    if !all.iter().any(|algorithm| algorithm.is_strong()) {
        all.insert(HashAlgorithm::Blake3);
    }
    Ok(all.into_iter().collect())
}

/// Holds what was read against what the platform says the file is.
fn confirm(
    connector: &NamedConnector,
    path: &FilePath,
    version: &FileVersion,
    computed: &Hashes,
) -> Result<()> {
    if !version.hashes.contradict(computed) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Corrupt,
        "transfer.read",
        "the file does not have the hash it is listed with",
    )
    .with_context("connector", connector.name())
    .with_context("path", path)
    .with_context("listed", &version.hashes)
    .with_context("read", computed))
}

fn named(error: Error, job: &TransferJob) -> Error {
    error
        .with_context("source", job.source.name())
        .with_context("file", &job.path)
}
