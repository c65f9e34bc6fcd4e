//! Receives, keeps, checks and gives out.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::connector::PlatformConnector;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Ids, UploadId};
use crate::permission::Actor;
use crate::storage::{Query, Store, Versioned};
use crate::telemetry::UPLOADS_CHECKED;
use crate::text::DisplayName;
use crate::upload::inspect::examine;
use crate::upload::{Declared, Reason, UploadCheck, Verdict};

use super::incoming::{Incoming, refusal};
use super::options::UploadsOptions;
use super::parts::Parts;
use super::records::{BY_STATE, UPLOADS, UploadRecord, UploadState};
use super::remote::with_content;
use super::scanner::{ScanResult, ScanTarget, Scanner};
use super::usage::Change;

/// The files that people hand in to one organization.
///
/// A file is received into quarantine, checked, and only then can it be read. Its bytes lie under an id
/// that is made here, in parts of [`UploadsOptions::part_size`]; give a sealed connector to have them
/// encrypted. A clone is the same service.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "testing")]
/// # {
/// use std::sync::Arc;
///
/// use bytes::Bytes;
/// use futures_util::TryStreamExt;
/// use garland::backends::Memory;
/// use garland::platforms::MemoryPlatform;
/// use garland::permission::Actor;
/// use garland::storage::Store;
/// use garland::upload::{Copy, Declared, UploadState, Uploads, UploadsOptions};
/// use garland::{Chance, Ids, OrganizationId, SystemClock};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let clock = Arc::new(SystemClock::new());
/// let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
/// let ids = Ids::new(clock.clone(), Chance::system());
/// let options = UploadsOptions::default();
/// let uploads = Uploads::new(store, Arc::new(MemoryPlatform::default()), clock, ids, options)?;
///
/// let mut incoming = uploads.begin(Actor::User("zoë".into()), &Declared::new("note.txt", "text/plain")).await?;
/// incoming.write(Bytes::from("see you at two")).await?;
/// let record = incoming.finish().await?;
/// assert_eq!(record.state, UploadState::Quarantined);
/// assert!(uploads.read(record.id, Copy::Delivered, None).await.is_err());
///
/// let record = uploads.check(record.id).await?;
/// assert_eq!(record.state, UploadState::Clean);
/// let reader = uploads.read(record.id, Copy::Delivered, None).await?;
/// let bytes: Vec<Bytes> = reader.bytes.try_collect().await?;
/// assert_eq!(bytes.concat(), b"see you at two");
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Uploads {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    parts: Parts,
    clock: Arc<dyn Clock>,
    ids: Ids,
    options: UploadsOptions,
    scanner: Option<Arc<dyn Scanner>>,
}

impl Uploads {
    /// Keeps records in `store` and bytes on `connector`.
    ///
    /// # Errors
    /// - [`ErrorKind::Unsupported`]: the connector keeps no files.
    /// - [`ErrorKind::InvalidInput`]: the folder is no path, or the organization's name cannot be that of a folder (`.`, `..`).
    pub fn new(
        store: Store,
        connector: Arc<dyn PlatformConnector>,
        clock: Arc<dyn Clock>,
        ids: Ids,
        options: UploadsOptions,
    ) -> Result<Self> {
        let parts = Parts::new(connector, &options.folder, store.organization())?;
        let shared = Shared {
            store,
            parts,
            clock,
            ids,
            options,
            scanner: None,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Asks `scanner` too before a file can be read.
    #[must_use]
    pub fn with_scanner(self, scanner: Arc<dyn Scanner>) -> Self {
        let Shared {
            store,
            parts,
            clock,
            ids,
            options,
            ..
        } = &*self.shared;
        let shared = Shared {
            store: store.clone(),
            parts: parts.clone(),
            clock: Arc::clone(clock),
            ids: ids.clone(),
            options: options.clone(),
            scanner: Some(scanner),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Begins to receive a file.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`]: name and type alone are enough to refuse it; the context `reason` is a
    ///   [`Reason::code`].
    /// - [`ErrorKind::Full`]: a quota is used up.
    ///
    /// # Cancel safety
    ///
    /// After a drop there is nothing, or something that is swept away.
    pub async fn begin(&self, by: Actor, declared: &Declared) -> Result<Incoming> {
        let check = UploadCheck::new(&self.options().policy, declared).map_err(refusal)?;
        let now = self.clock().now();
        let mut record = UploadRecord {
            id: UploadId::generate(&self.shared.ids),
            state: UploadState::Receiving,
            name: DisplayName::neutralise(&declared.name),
            kind: check.kind(),
            by,
            bytes: 0,
            parts: 0,
            part_size: self.options().part_size as u64,
            begun: now,
            touched: now,
            counted: true,
            inspection: None,
        };
        let change = Change {
            more_files: 1,
            ..Change::default()
        };
        let version = self.settle(None, &mut record, change, None).await?;
        Ok(Incoming::new(self.clone(), record, version, check))
    }

    /// Looks at the record of a file.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: no such file in this organization.
    pub async fn get(&self, id: UploadId) -> Result<UploadRecord> {
        self.find(id).await.map(|found| found.value)
    }

    /// Checks a file in quarantine and says what came of it. Checking again what is decided changes nothing.
    ///
    /// The content is read by blocking work beside the runtime; the host's scanner is asked last. A file
    /// that is refused is deleted, here or by a later [`sweep`](Uploads::sweep); its record stays, with
    /// the reason.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such file in this organization.
    /// - [`ErrorKind::Locked`]: it is still coming in, or going.
    /// - [`ErrorKind::Timeout`]: the scanner did not answer; it stays in quarantine.
    /// - Those of the connector, the database and the scanner; it stays in quarantine.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the next call checks again.
    pub async fn check(&self, id: UploadId) -> Result<UploadRecord> {
        let span = tracing::debug_span!("upload.check", upload.id = %id);
        let checked = self.check_now(id).instrument(span).await;
        let outcome = match &checked {
            Ok(record) => record.state.code(),
            Err(_) => "failed",
        };
        self.store()
            .telemetry()
            .count(UPLOADS_CHECKED, &[("outcome", outcome)], 1);
        checked
    }

    async fn check_now(&self, id: UploadId) -> Result<UploadRecord> {
        let found = self.find(id).await?;
        match found.value.state {
            UploadState::Quarantined => {}
            UploadState::Clean | UploadState::Rejected(_) => return Ok(found.value),
            UploadState::Receiving | UploadState::Removing => {
                let message = "it is not in quarantine";
                return Err(Error::new(ErrorKind::Locked, "upload.check", message)
                    .with_context("upload", id));
            }
        }
        let error = match self.decide(found).await {
            Ok(record) => return Ok(record),
            Err(error) => error,
        };
        // Of two checks at once one decides, and may take the bytes from under the other's eyes; that
        // one tells what was decided.
        match self.get(id).await {
            Ok(record) if matches!(record.state, UploadState::Clean | UploadState::Rejected(_)) => {
                Ok(record)
            }
            _ => Err(error),
        }
    }

    async fn decide(&self, found: Versioned<UploadRecord>) -> Result<UploadRecord> {
        let (version, mut record) = (found.version, found.value);
        let (policy, kind) = (self.options().policy.clone(), record.kind);
        let allowed = if policy.kinds.contains(&kind) {
            Ok(kind)
        } else {
            Err(Reason::NotAllowed)
        };
        let examined = with_content(self.parts(), &record, move |content| {
            examine(&policy, allowed, content)
        });
        let inspection = examined.await??;
        let verdict = inspection.verdict;
        if let Verdict::Reject(reason) = verdict {
            return self.reject(version, record, reason, Some(inspection)).await;
        }
        if self.scan(&record).await? == ScanResult::Infected {
            return self
                .reject(version, record, Reason::Infected, Some(inspection))
                .await;
        }
        record.state = UploadState::Clean;
        record.inspection = Some(inspection);
        let event = self.judged("upload.cleared", &record, verdict.code(), None)?;
        self.settle(Some(version), &mut record, Change::default(), Some(event))
            .await?;
        Ok(record)
    }

    async fn scan(&self, record: &UploadRecord) -> Result<ScanResult> {
        let Some(scanner) = &self.shared.scanner else {
            return Ok(ScanResult::Clean);
        };
        let target = ScanTarget::new(self.parts(), record);
        let patience = self.options().scan_patience;
        match tokio::time::timeout(patience, scanner.scan(&target)).await {
            Ok(result) => result,
            Err(late) => Err(Error::new(
                ErrorKind::Timeout,
                "upload.check",
                "the scanner did not answer",
            )
            .with_context("upload", record.id)
            .with_source(late)),
        }
    }

    /// Takes a file away: from that moment nobody can read it, then its bytes go, then its record.
    ///
    /// A part of a file that is still coming in may arrive behind the removal, so the record of such a file
    /// stays until a [`sweep`](Uploads::sweep) after its idle time, which deletes once more.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: no such file in this organization. Others are those of the connector and the
    /// database; the rest is then swept away later.
    pub async fn remove(&self, id: UploadId) -> Result<()> {
        let found = self.find(id).await?;
        // A removal that was begun says no more whether parts may still come in; no check means they may.
        let coming = match found.value.state {
            UploadState::Receiving => true,
            UploadState::Removing => found.value.inspection.is_none(),
            _ => false,
        };
        let found = self.mark_removing(found).await?;
        if coming {
            let record = &found.value;
            return self.parts().delete(record.id, record.parts).await;
        }
        self.finish_removal(&found).await
    }

    /// Takes a file away whose sender says that nothing more comes.
    pub(super) async fn remove_unfinished(&self, id: UploadId) -> Result<()> {
        let found = self.find(id).await?;
        let found = self.mark_removing(found).await?;
        self.finish_removal(&found).await
    }

    async fn mark_removing(
        &self,
        mut found: Versioned<UploadRecord>,
    ) -> Result<Versioned<UploadRecord>> {
        if found.value.state != UploadState::Removing {
            found.value.state = UploadState::Removing;
            let version = found.version;
            found.version = self
                .settle(Some(version), &mut found.value, Change::default(), None)
                .await?;
        }
        Ok(found)
    }

    pub(super) async fn finish_removal(&self, found: &Versioned<UploadRecord>) -> Result<()> {
        let record = &found.value;
        self.parts().delete(record.id, record.parts).await?;
        self.forget(found).await
    }

    /// Reads the record of every upload, by id.
    #[must_use]
    pub fn all(&self) -> BoxStream<'static, Result<Versioned<UploadRecord>>> {
        self.store()
            .all(&UPLOADS, Query::all(UPLOADS.name().clone()))
    }

    /// Reads the records in one state, oldest first.
    pub fn in_state(
        &self,
        state: UploadState,
    ) -> BoxStream<'static, Result<Versioned<UploadRecord>>> {
        let query = Query::all(UPLOADS.name().clone())
            .by(BY_STATE)
            .prefix(state.code());
        self.store().all(&UPLOADS, query)
    }

    pub(super) async fn find(&self, id: UploadId) -> Result<Versioned<UploadRecord>> {
        let found = self
            .store()
            .get(&UPLOADS, &UploadRecord::record_id(id)?)
            .await?;
        found.ok_or_else(|| missing(id))
    }

    pub(super) fn store(&self) -> &Store {
        &self.shared.store
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.shared.parts
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.shared.clock
    }

    pub(super) fn options(&self) -> &UploadsOptions {
        &self.shared.options
    }
}

/// The one answer for a file that is not there, is another organization's, or may not be read.
pub(super) fn missing(id: UploadId) -> Error {
    Error::new(ErrorKind::NotFound, "upload.get", "no such upload").with_context("upload", id)
}
