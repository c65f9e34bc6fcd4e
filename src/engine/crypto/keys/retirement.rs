//! The end of an epoch.

use crate::engine::crypto::wrap::KekId;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, Precondition, Versioned};

use super::events::{EPOCH_RETIRED, OfEpoch, note};
use super::records::{EpochState, KEY_EPOCHS, KeyEpoch};
use super::rewrap::under;
use super::ring::KeyRing;

impl KeyRing {
    /// Destroys the key of a former epoch, once no key of a file is left under it. A second call is
    /// no error.
    ///
    /// What it gives: an old copy of the database holds the epoch's key only as the root wrapped it.
    /// Whoever has such a copy *and* the root can still read what the copy names. To end that too,
    /// [change the root](Self::change_root) and destroy the former one.
    ///
    /// The ring and its clones forget the key at once, but for a call that is under way with it. Another
    /// process takes it for good for up to 60 seconds after it last asked the database, and forgets it
    /// with the next use of the epoch after that, or of its ring after 10 minutes; one that is idle
    /// keeps it in memory, of no use, until then.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is no epoch of this number.
    /// - [`ErrorKind::Refused`]: it is the current one, or keys are still under it:
    ///   [`rotate`](Self::rotate) first. Nothing new will come under it.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the next call goes on.
    pub async fn retire(&self, number: u64) -> Result<()> {
        loop {
            match self.try_to_retire(number).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                other => return other,
            }
        }
    }

    /// Retires every former epoch that has no keys left, and returns their numbers.
    ///
    /// # Errors
    /// As [`retire`](Self::retire), but for epochs that still have keys.
    ///
    /// # Cancel safety
    ///
    /// As there.
    pub async fn retire_former(&self) -> Result<Vec<u64>> {
        let epochs = KeyEpoch::all(&self.store).await?;
        let former = epochs.iter().rev().skip(1).rev();
        let mut retired = Vec::new();
        for epoch in former.filter(|epoch| epoch.value.is_live()) {
            match self.retire(epoch.value.number).await {
                Ok(()) => retired.push(epoch.value.number),
                Err(error) if error.kind() == ErrorKind::Refused => {}
                Err(error) => return Err(error),
            }
        }
        Ok(retired)
    }

    async fn try_to_retire(&self, number: u64) -> Result<()> {
        let refused = |kind, message: &str| {
            Error::new(kind, "keys.retire", message).with_context("epoch", number)
        };
        let id = KeyEpoch::id(number)?;
        let mut epoch = self
            .store
            .get(&KEY_EPOCHS, &id)
            .await?
            .ok_or_else(|| refused(ErrorKind::NotFound, "there is no epoch of this number"))?;
        let kek = epoch.value.kek_id()?;
        if !epoch.value.is_live() {
            self.open.retire(kek);
            return Ok(());
        }
        let latest = self.latest().await?;
        if latest.is_none_or(|latest| latest.value.number <= number) {
            let current = "the current epoch cannot be retired: begin another";
            return Err(refused(ErrorKind::Refused, current));
        }
        // Only once nothing can come under it any more does it help to look whether anything is.
        if epoch.value.state == EpochState::Open {
            epoch.value.state = EpochState::Closed;
            self.write(&mut epoch, None).await?;
        }
        let left = self.store.query(&under(kek).with_limit(1)).await?;
        if !left.records.is_empty() {
            let left = "keys are still under this epoch: rotate first";
            return Err(refused(ErrorKind::Refused, left));
        }
        epoch.value.retire();
        self.write(&mut epoch, Some(kek)).await?;
        self.open.retire(kek);
        Ok(())
    }

    async fn write(&self, epoch: &mut Versioned<KeyEpoch>, retired: Option<KekId>) -> Result<()> {
        let mut batch = Batch::new(self.clock.now());
        epoch
            .value
            .put(&mut batch, Precondition::At(epoch.version))?;
        if let Some(kek) = retired {
            let about = OfEpoch::new(epoch.value.number, kek);
            note(&mut batch, &self.actor, EPOCH_RETIRED, None, &about)?;
        }
        let committed = self.store.commit(batch).await?;
        epoch.version = committed
            .versions
            .first()
            .copied()
            .unwrap_or_else(|| epoch.version.next());
        Ok(())
    }
}
