//! A file on its way in.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::error::{Error, ErrorKind, Result};
use crate::id::UploadId;
use crate::storage::Version;
use crate::upload::{Reason, UploadCheck};

use super::records::{UploadRecord, UploadState};
use super::service::Uploads;
use super::usage::Change;

/// A file on its way in. Nothing can be read of it.
///
/// One that is dropped, or whose process dies, is taken away by [`Uploads::sweep`].
pub struct Incoming {
    uploads: Uploads,
    record: UploadRecord,
    version: Version,
    check: UploadCheck,
    buffer: BytesMut,
    /// A call was dropped or failed halfway: what is kept is not what was sent.
    broken: bool,
}

impl fmt::Debug for Incoming {
    /// Without the bytes in hand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("record", &self.record)
            .field("version", &self.version)
            .field("check", &self.check)
            .field("held", &self.buffer.len())
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

impl Incoming {
    pub(super) fn new(
        uploads: Uploads,
        record: UploadRecord,
        version: Version,
        check: UploadCheck,
    ) -> Self {
        Self {
            uploads,
            record,
            version,
            check,
            buffer: BytesMut::new(),
            broken: false,
        }
    }

    /// Returns its id.
    #[must_use]
    pub fn id(&self) -> UploadId {
        self.record.id
    }

    /// Takes the next bytes, in pieces of any size.
    ///
    /// Counts them, whatever a header said about the size, and refuses the file at the first byte that is
    /// too many or shows that the content is of another kind; what was kept is deleted at once.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`]: the file is refused; the context `reason` is a [`Reason::code`].
    /// - [`ErrorKind::Full`]: a quota is used up; the file is refused.
    /// - [`ErrorKind::Expired`]: it was given up as abandoned meanwhile.
    /// - [`ErrorKind::Cancelled`]: an earlier call was dropped or failed; begin again.
    ///
    /// # Cancel safety
    ///
    /// After a drop the upload cannot go on.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        self.begin_step()?;
        if let Err(reason) = self.check.feed(&bytes) {
            return Err(self.refuse(reason).await);
        }
        let part = self.uploads.options().part_size;
        while !bytes.is_empty() {
            let more = part.saturating_sub(self.buffer.len()).min(bytes.len());
            self.buffer.extend_from_slice(&bytes.split_to(more));
            if self.buffer.len() >= part {
                self.keep_part().await?;
            }
        }
        self.broken = false;
        Ok(())
    }

    /// Ends it: the file is in quarantine, to be checked by [`Uploads::check`].
    ///
    /// # Errors
    /// As [`Incoming::write`].
    ///
    /// # Cancel safety
    ///
    /// After a drop it is in quarantine or swept away later.
    pub async fn finish(mut self) -> Result<UploadRecord> {
        self.begin_step()?;
        if let Err(reason) = self.check.finish() {
            return Err(self.refuse(reason).await);
        }
        if !self.buffer.is_empty() {
            self.keep_part().await?;
        }
        self.uploads.parts().persist().await?;
        self.record.state = UploadState::Quarantined;
        let event = self.uploads.event("upload.received", &self.record);
        let settled = self
            .uploads
            .settle(
                Some(self.version),
                &mut self.record,
                Change::default(),
                Some(event),
            )
            .await;
        match settled {
            Ok(_) => Ok(self.record),
            Err(error) => Err(self.lost(error).await),
        }
    }

    /// Gives it up and deletes what was kept.
    ///
    /// # Errors
    /// Those of the connector and the database; the rest is then swept away later.
    pub async fn abort(self) -> Result<()> {
        self.uploads.remove_unfinished(self.record.id).await
    }

    fn begin_step(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "upload.write",
                "an earlier step of the upload was broken off",
            )
            .with_context("upload", self.record.id));
        }
        Ok(())
    }

    /// The record and the usage know of a part before it is written, so that none is ever forgotten.
    async fn keep_part(&mut self) -> Result<()> {
        let bytes = self.buffer.split().freeze();
        let part = self.record.parts;
        let more = bytes.len() as u64;
        self.record.parts = part.saturating_add(1);
        self.record.bytes = self.record.bytes.saturating_add(more);
        let change = Change {
            more_bytes: more,
            ..Change::default()
        };
        let settled = self
            .uploads
            .settle(Some(self.version), &mut self.record, change, None)
            .await;
        match settled {
            Ok(version) => self.version = version,
            Err(error) => {
                (self.record.parts, self.record.bytes) = (part, self.record.bytes - more);
                if error.kind() == ErrorKind::Full {
                    let refused = self.refuse(Reason::Quota).await;
                    return Err(if refused.kind() == ErrorKind::Refused {
                        error
                    } else {
                        refused
                    });
                }
                return Err(self.lost(error).await);
            }
        }
        self.uploads
            .parts()
            .write(self.record.id, part, bytes)
            .await
    }

    async fn refuse(&self, reason: Reason) -> Error {
        let refused = self
            .uploads
            .reject(self.version, self.record.clone(), reason, None)
            .await;
        match refused {
            Ok(_) => refusal(reason).with_context("upload", self.record.id),
            Err(error) => self.lost(error).await,
        }
    }

    /// A conflict means that the upload was given up as abandoned; what this side wrote since goes too.
    async fn lost(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Conflict {
            return error;
        }
        let expired = Error::new(
            ErrorKind::Expired,
            "upload.write",
            "the upload was given up",
        )
        .with_context("upload", self.record.id)
        .with_source(error);
        match self
            .uploads
            .parts()
            .delete(self.record.id, self.record.parts)
            .await
        {
            Ok(()) => expired,
            Err(also) => expired.with_context("delete", also),
        }
    }
}

/// A refusal, as an error that says why by its code.
pub(super) fn refusal(reason: Reason) -> Error {
    Error::new(ErrorKind::Refused, "upload.write", "the file is refused")
        .with_context("reason", reason)
}
