//! The one way a record changes: with its usage and its event, or not at all.

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Event, EventKind};
use crate::permission::Resource;
use crate::storage::{Batch, JournalName, Precondition, Version, Versioned};
use crate::upload::{Inspection, Reason};

use super::records::{UPLOADS, UploadRecord, UploadState};
use super::service::Uploads;
use super::usage::{Change, count};

/// How often a commit is tried when others write the same usage meanwhile. Each try that is lost was won
/// by somebody else.
const TRIES: usize = 1_000;

/// What the journal says about a verdict. No name, nothing of the content.
#[derive(Serialize)]
struct Judged {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    bytes: u64,
}

impl Uploads {
    /// Writes a record over the version that was read (`None`: a new one), with the change of usage.
    ///
    /// # Errors
    /// - [`ErrorKind::Conflict`]: somebody else wrote the record.
    /// - [`ErrorKind::Full`]: a quota is used up.
    pub(super) async fn settle(
        &self,
        before: Option<Version>,
        record: &mut UploadRecord,
        change: Change,
        event: Option<Event>,
    ) -> Result<Version> {
        record.touched = self.clock().now();
        let precondition = before.map_or(Precondition::Absent, Precondition::At);
        let id = UploadRecord::record_id(record.id)?;
        for _ in 0..TRIES {
            let mut batch = Batch::new(record.touched);
            batch.put_with(
                &UPLOADS,
                id.clone(),
                record,
                precondition,
                record.indexes()?,
            )?;
            count(self.store(), self.options(), &record.by, change, &mut batch).await?;
            if let Some(event) = &event {
                batch.append(JournalName::main(), event)?;
            }
            match self.store().commit(batch).await {
                Ok(committed) => {
                    return committed.versions.first().copied().ok_or_else(|| {
                        let message = "the database gave no version";
                        Error::new(ErrorKind::Unexpected, "upload.commit", message)
                    });
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    let now = self.store().get(&UPLOADS, &id).await?;
                    if now.map(|now| now.version) != before {
                        return Err(error.with_context("upload", record.id));
                    }
                    // Only the usage was written by somebody else.
                    tokio::task::yield_now().await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "upload.commit",
            "too many write at once",
        )
        .with_context("upload", record.id))
    }

    /// Takes the record and its usage away, once its bytes are gone.
    pub(super) async fn forget(&self, found: &Versioned<UploadRecord>) -> Result<()> {
        let record = &found.value;
        let change = Change {
            fewer_bytes: record.bytes,
            fewer_files: u64::from(record.counted),
            ..Change::default()
        };
        for _ in 0..TRIES {
            let mut batch = Batch::new(self.clock().now());
            batch.delete(&UPLOADS, found.id.clone(), Precondition::At(found.version));
            count(self.store(), self.options(), &record.by, change, &mut batch).await?;
            batch.append(JournalName::main(), &self.event("upload.removed", record))?;
            match self.store().commit(batch).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    let now = self.store().get(&UPLOADS, &found.id).await?;
                    match now {
                        // Somebody else did the same.
                        None => return Ok(()),
                        Some(now) if now.version != found.version => return Err(error),
                        Some(_) => tokio::task::yield_now().await,
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "upload.commit",
            "too many write at once",
        )
        .with_context("upload", record.id))
    }

    /// Refuses a file: first the record says so, then its bytes go, then its usage.
    pub(super) async fn reject(
        &self,
        version: Version,
        mut record: UploadRecord,
        reason: Reason,
        inspection: Option<Inspection>,
    ) -> Result<UploadRecord> {
        record.state = UploadState::Rejected(reason);
        record.inspection = inspection;
        let event = self.judged("upload.rejected", &record, "reject", Some(reason))?;
        let version = self
            .settle(Some(version), &mut record, Change::default(), Some(event))
            .await?;
        self.empty(version, record).await
    }

    /// Deletes the bytes of a refused file and gives its usage back. The record stays.
    pub(super) async fn empty(
        &self,
        version: Version,
        mut record: UploadRecord,
    ) -> Result<UploadRecord> {
        if !record.counted {
            return Ok(record);
        }
        self.parts().delete(record.id, record.parts).await?;
        let change = Change {
            fewer_bytes: record.bytes,
            fewer_files: 1,
            ..Change::default()
        };
        (record.parts, record.bytes, record.counted) = (0, 0, false);
        match self.settle(Some(version), &mut record, change, None).await {
            // Somebody else has just done the same.
            Err(error) if error.kind() == ErrorKind::Conflict => self.get(record.id).await,
            other => other.map(|_| record),
        }
    }

    pub(super) fn judged(
        &self,
        kind: &'static str,
        record: &UploadRecord,
        verdict: &'static str,
        reason: Option<Reason>,
    ) -> Result<Event> {
        self.event(kind, record).with_data(&Judged {
            verdict,
            reason: reason.map(Reason::code),
            bytes: record.bytes,
        })
    }

    pub(super) fn event(&self, kind: &'static str, record: &UploadRecord) -> Event {
        Event::new(EventKind::new(kind))
            .by(record.by.clone())
            .about(Resource::new("upload", record.id.to_string()))
    }
}
