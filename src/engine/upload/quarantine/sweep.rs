//! Taking away what was left behind.

use std::time::Duration;

use futures_util::TryStreamExt as _;

use crate::error::{ErrorKind, Result};
use crate::storage::Versioned;

use super::records::{UploadRecord, UploadState};
use super::service::Uploads;
use super::usage::Change;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Swept {
    /// Uploads that never came to an end.
    pub abandoned: u64,
    /// Refused files whose bytes were still there.
    pub emptied: u64,
    /// Removals that were broken off.
    pub removed: u64,
}

impl Uploads {
    /// Takes away what crashes and people left behind: uploads without a byte for `idle`, bytes of refused
    /// files, and, as long after, removals that were broken off. To be called at start and from time to time; safe to
    /// run twice at once.
    ///
    /// `idle` must be longer than a part takes to come in; an hour is plenty.
    ///
    /// # Errors
    /// Those of the connector and the database; the next call goes on.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the next call goes on.
    pub async fn sweep(&self, idle: Duration) -> Result<Swept> {
        let mut swept = Swept::default();
        let now = self.clock().now();
        let mut receiving = self.in_state(UploadState::Receiving);
        while let Some(found) = receiving.try_next().await? {
            if now.saturating_since(found.value.touched) >= idle && self.give_up(found).await? {
                swept.abandoned += 1;
            }
        }
        let mut rejected = self.in_state(UploadState::Rejected(crate::upload::Reason::Empty));
        while let Some(found) = rejected.try_next().await? {
            swept.emptied += passed_over(self.empty(found.version, found.value).await)?;
        }
        let mut removing = self.in_state(UploadState::Removing);
        while let Some(found) = removing.try_next().await? {
            // A part of a file that was coming in may arrive behind its removal.
            if now.saturating_since(found.value.touched) >= idle {
                swept.removed += passed_over(self.finish_removal(&found).await)?;
            }
        }
        Ok(swept)
    }

    /// Tells the sender, by the record, that it is over, before anything is deleted.
    async fn give_up(&self, mut found: Versioned<UploadRecord>) -> Result<bool> {
        found.value.state = UploadState::Removing;
        let event = self.event("upload.abandoned", &found.value);
        let settled = self
            .settle(
                Some(found.version),
                &mut found.value,
                Change::default(),
                Some(event),
            )
            .await;
        match settled {
            Ok(version) => {
                found.version = version;
                passed_over(self.finish_removal(&found).await)?;
                Ok(true)
            }
            // It goes on after all, or somebody else sweeps.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Counts what was done here. What another sweep or a person did meanwhile is done too.
fn passed_over<T>(done: Result<T>) -> Result<u64> {
    match done {
        Ok(_) => Ok(1),
        Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => Ok(0),
        Err(error) => Err(error),
    }
}
