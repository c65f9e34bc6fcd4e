//! Destroying keys: what they sealed is gone, wherever copies of it are.

use std::ops::Bound;

use crate::error::Result;
use crate::storage::{Batch, Query};

use super::events::{Counted, DESTROYED, OfKey, note};
use super::records::{BY_FILE, FILE_KEYS, FileKey, KeyName, file_index, id};
use super::ring::KeyRing;

/// How many keys one batch destroys, beside its event.
const PER_BATCH: usize = Batch::MAX - 1;

/// What [`KeyRing::erase`] has done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Erased {
    /// How many keys were destroyed; zero if the file had none left.
    pub keys: u64,
}

impl KeyRing {
    /// Adds the destruction of a key to `batch`: what it sealed is gone once that is committed.
    ///
    /// It takes two steps of the batch: a mark in the place of the key, and an event. A key that was
    /// handed out before is not taken back, nor is a copy of the database, or a bundle, taken back
    /// from whoever has it along with the root.
    ///
    /// # Errors
    /// As [`KeyName::context`]. A key that is not there is no error.
    pub fn destroy(&self, batch: &mut Batch, name: &KeyName) -> Result<()> {
        let context = name.context(self.store.organization())?;
        FileKey::put_gone(batch, id(&context)?)?;
        let (version, purpose) = (&*name.version, name.purpose.as_str());
        let key = OfKey { version, purpose };
        note(batch, &self.actor, DESTROYED, Some(&name.file), &key)
    }

    /// Destroys every key of a file: all its versions, for whatever purpose. Nobody can open any of
    /// its sealed objects from then on, backups of them included.
    ///
    /// Each batch of destroyed keys is an event `keys.destroyed` in the journal. A second call finds
    /// nothing and writes nothing.
    ///
    /// # Errors
    /// Those of the database; what was destroyed until then stays so, and the next call goes on.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the next call goes on.
    pub async fn erase(&self, file: &str) -> Result<Erased> {
        let index = Bound::Included(file_index(file)?.as_str().into());
        let query = Query::all(FILE_KEYS.name().clone())
            .by(BY_FILE)
            .between(index.clone(), index)
            .with_limit(PER_BATCH);
        let mut erased = Erased::default();
        loop {
            let page = self.store.query(&query).await?;
            if page.records.is_empty() {
                return Ok(erased);
            }
            let mut batch = Batch::new(self.clock.now());
            let keys = page.records.len();
            for record in page.records {
                FileKey::put_gone(&mut batch, record.id)?;
            }
            let counted = Counted {
                epochs: None,
                keys: Some(keys),
            };
            note(&mut batch, &self.actor, DESTROYED, Some(file), &counted)?;
            self.store.commit(batch).await?;
            erased.keys += keys as u64;
        }
    }
}
