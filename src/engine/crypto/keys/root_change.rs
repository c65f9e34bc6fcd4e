//! Another root for the same keys.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, Precondition, Versioned};

use super::events::{Counted, ROOT_CHANGED, note};
use super::provider::KeyProvider;
use super::records::{KEY_EPOCHS, KeyEpoch};
use super::ring::KeyRing;

/// How many epochs one batch moves: of each quarter, twelve years.
const PER_BATCH: usize = 48;

impl KeyRing {
    /// Lets this ring and its clones also open what `root` has wrapped: while the root is being
    /// changed, or after a change that did not come to its end.
    #[must_use]
    pub fn with_former_root(self, root: Arc<dyn KeyProvider>) -> Self {
        self.roots.add(root);
        self
    }

    /// Wraps the key of every epoch under another root: a new passphrase, a key service instead of a
    /// file. Keys of files and objects are not touched.
    ///
    /// From the beginning this ring and its clones read what either root has wrapped; in the end they
    /// forget the former. What a call that broke off has done stays done, and the next one goes on.
    /// The first batch takes the current epoch along, so that a process that knows only the former
    /// root begins none under it any more; what it has in memory serves it for some minutes, then it
    /// gets [`ErrorKind::NotFound`] and must be given the new root. Batches with keys
    /// [made](Self::create) before and committed after are refused with [`ErrorKind::Conflict`].
    ///
    /// Returns how many epochs were wrapped anew.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`], [`ErrorKind::Corrupt`]: an epoch opens under neither root.
    /// - Those of the roots and the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the next call goes on.
    pub async fn change_root(&self, root: Arc<dyn KeyProvider>) -> Result<u64> {
        self.roots.put_first(Arc::clone(&root));
        let mut changed = 0;
        loop {
            let epochs = self.left(&*root).await?;
            let Some(batch) = self.next_batch(&*root, epochs).await? else {
                self.roots.keep_only(&root);
                return Ok(changed);
            };
            let moved = batch.moved;
            match self.store.commit(batch.batch).await {
                Ok(_) => changed += moved,
                // An epoch has begun or ended, or somebody else changes the root as well.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The epochs that `root` does not open, the newest first.
    async fn left(&self, root: &dyn KeyProvider) -> Result<Vec<Versioned<KeyEpoch>>> {
        let mut left = Vec::new();
        for epoch in KeyEpoch::all(&self.store).await?.into_iter().rev() {
            if !epoch.value.is_live() {
                continue;
            }
            let (kek, wrapped) = (epoch.value.kek_id()?, epoch.value.wrapped()?);
            let opened = root.unwrap(self.store.organization(), kek, &wrapped).await;
            match opened {
                Ok(_) => {}
                Err(error) if error.is_retryable() => return Err(error),
                Err(_) => left.push(epoch),
            }
        }
        Ok(left)
    }

    async fn next_batch(
        &self,
        root: &dyn KeyProvider,
        epochs: Vec<Versioned<KeyEpoch>>,
    ) -> Result<Option<Moving>> {
        let Some(newest) = epochs.first().map(|epoch| epoch.value.number) else {
            return Ok(None);
        };
        let organization = self.store.organization();
        let mut batch = Batch::new(self.clock.now());
        // Nobody may have begun another epoch under the former root meanwhile.
        let latest = self.latest().await?;
        if latest.is_some_and(|latest| latest.value.number == newest) {
            let next = KeyEpoch::id(newest.saturating_add(1))?;
            batch.check(&KEY_EPOCHS, next, Precondition::Absent);
        }
        let mut moved = 0;
        for mut epoch in epochs.into_iter().take(PER_BATCH) {
            let (kek, wrapped) = (epoch.value.kek_id()?, epoch.value.wrapped()?);
            let key = self.roots.unwrap(organization, kek, &wrapped).await?;
            let anew = root.wrap(organization, kek, &key).await?;
            // The only other copy is about to be replaced.
            if !root.unwrap(organization, kek, &anew).await?.is(&key) {
                return Err(Error::new(
                    ErrorKind::Unexpected,
                    "keys.change_root",
                    "the new root does not give back what it was given",
                )
                .with_context("epoch", kek));
            }
            epoch.value.wrap_anew(&anew);
            epoch
                .value
                .put(&mut batch, Precondition::At(epoch.version))?;
            moved += 1;
        }
        let counted = Counted {
            epochs: Some(moved),
            keys: None,
        };
        note(&mut batch, &self.actor, ROOT_CHANGED, None, &counted)?;
        let moved = moved as u64;
        Ok(Some(Moving { batch, moved }))
    }
}

/// Epochs on their way to another root.
struct Moving {
    batch: Batch,
    moved: u64,
}
