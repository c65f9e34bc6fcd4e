//! Rotation: every key of a file under the current epoch, without touching a file.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument as _;

use crate::error::{Error, ErrorKind, Result};

use super::progress::{RotationEvent, RotationEvents, Tell};
use super::rewrap::Rewrap;
use super::ring::KeyRing;

/// What a rotation has done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RotationReport {
    /// The number of the epoch that is current now.
    pub epoch: u64,
    /// How many keys were wrapped anew.
    pub moved: u64,
    /// How many keys could not be: they stay readable or not as they were, and keep their epoch from
    /// being retired.
    pub failed: u64,
    /// The first 100 of those.
    pub failures: Vec<FailedKey>,
    /// How long it took.
    pub took: Duration,
}

/// A key that could not be wrapped anew.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FailedKey {
    /// The id of its record.
    pub record: String,
    /// The file, as the record names it.
    pub file: String,
    /// Its version, as the record names it.
    pub version: String,
    /// What can be done.
    pub kind: ErrorKind,
    /// What happened.
    pub message: String,
}

impl KeyRing {
    /// Begins a new epoch and wraps every key of a file under it. Objects are not touched.
    ///
    /// If an earlier rotation did not come to its end, or an epoch was [begun](Self::begin_epoch) and
    /// nothing moved yet, it goes on with that instead of beginning another; keys that cannot be opened
    /// are no reason to, if they are all that is left. All the while keys of
    /// every epoch are readable, and can be made and destroyed; what happens to a key meanwhile is
    /// never undone. Several processes may rotate at once.
    ///
    /// Rotation does not take a key back from somebody who has it: after a leak, seal the file anew.
    /// [`retire`](Self::retire) destroys the key of the former epoch.
    ///
    /// # Errors
    /// Those of the root and the database. A key that cannot be opened is no error: see
    /// [`RotationReport::failed`].
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the next call goes on.
    pub async fn rotate(&self) -> Result<RotationReport> {
        self.run_rotation(&Tell::new(), &CancellationToken::new())
            .await
    }

    /// As [`rotate`](Self::rotate), but only if the current epoch is at least `age` old, such as a
    /// [`QUARTER`](super::QUARTER).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// As there.
    pub async fn rotate_if_older_than(&self, age: Duration) -> Result<Option<RotationReport>> {
        if !self.is_due(age).await? {
            return Ok(None);
        }
        self.rotate().await.map(Some)
    }

    /// Starts [`rotate`](Self::rotate) as a run that tells how far it is.
    #[must_use]
    pub fn start_rotation(&self) -> Rotation {
        let (tell, cancel) = (Tell::new(), CancellationToken::new());
        let events = tell.subscribe();
        let (ring, stop) = (self.clone(), cancel.clone());
        let run = async move { ring.run_rotation(&tell, &stop).await };
        Rotation {
            events,
            task: tokio::spawn(run.in_current_span()),
            cancel: cancel.clone(),
            _guard: cancel.drop_guard(),
        }
    }

    async fn run_rotation(
        &self,
        tell: &Tell,
        cancel: &CancellationToken,
    ) -> Result<RotationReport> {
        let span = tracing::info_span!("keys.rotate");
        self.rotate_and_tell(tell, cancel).instrument(span).await
    }

    async fn rotate_and_tell(
        &self,
        tell: &Tell,
        cancel: &CancellationToken,
    ) -> Result<RotationReport> {
        let begun = self.clock.elapsed();
        let mut run = Rewrap::new(self, tell, cancel);
        let before = self.latest().await?.map(|latest| latest.value.number);
        let number = before.unwrap_or_default().saturating_add(1);
        let resumed = run.count().await? > 0;
        if resumed {
            run.finish().await?;
        }
        // What cannot be opened is left from rotations that came to their end: there was none to resume.
        if !resumed || run.moved == 0 && run.failed > 0 {
            self.begin_at_least(number).await?;
            run.count().await?;
            run.finish().await?;
        }
        let report = RotationReport {
            epoch: self.current().await?.number,
            moved: run.moved,
            failed: run.failed,
            failures: run.failures,
            took: self.clock.elapsed().saturating_sub(begun),
        };
        tell.emit(RotationEvent::Finished {
            epoch: report.epoch,
            moved: report.moved,
            failed: report.failed,
        });
        Ok(report)
    }
}

/// A rotation under way.
///
/// Dropping it cancels it in order.
///
/// # Example
///
/// ```
/// # use std::sync::Arc;
/// # use garland::backends::Memory;
/// # use garland::crypto::{KeyFile, KeyRing, SystemEntropy};
/// # use garland::{OrganizationId, SystemClock, storage::Store};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy::new()));
/// # let root = KeyFile::create(folder.path().join("a.key"), entropy.clone()).await?;
/// # let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
/// # let keys = KeyRing::new(store, Arc::new(root), clock, entropy);
/// use garland::crypto::RotationEvent;
///
/// let mut rotation = keys.start_rotation();
/// while let Some(event) = rotation.next_event().await {
///     if let RotationEvent::Progress(progress) = event {
///         println!("{} of {}", progress.done, progress.total);
///     }
/// }
/// assert_eq!(rotation.report().await?.epoch, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rotation {
    events: RotationEvents,
    task: JoinHandle<Result<RotationReport>>,
    cancel: CancellationToken,
    _guard: DropGuard,
}

impl Rotation {
    /// Waits for the next event; `None` when the run is over.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; no event is lost by it.
    pub async fn next_event(&mut self) -> Option<RotationEvent> {
        self.events.next().await
    }

    /// Asks the run to stop after the batches under way. [`report`](Self::report) then gives
    /// [`ErrorKind::Cancelled`], and the next rotation goes on.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// As [`KeyRing::rotate`].
    pub async fn report(self) -> Result<RotationReport> {
        let Self { task, _guard, .. } = self;
        task.await.map_err(|cause| {
            Error::new(
                ErrorKind::Unexpected,
                "keys.rotate",
                "the rotation was stopped",
            )
            .with_source(cause)
        })?
    }
}
