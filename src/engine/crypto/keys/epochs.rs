//! Epochs: when one begins, which is current, and how one ends.

use std::ops::Bound;
use std::time::Duration;

use crate::engine::crypto::entropy::draw;
use crate::engine::crypto::secret::SecretKey;
use crate::engine::crypto::wrap::KekId;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, Precondition, Query, Record, Version, Versioned};

use super::events::{EPOCH_BEGUN, OfEpoch, note};
use super::records::{BY_KEK, KEY_EPOCHS, KeyEpoch};
use super::ring::KeyRing;

/// How long an epoch lasts where nothing else is asked: a quarter of a year, 91 days.
pub const QUARTER: Duration = Duration::from_secs(91 * 24 * 60 * 60);

/// The epoch that new keys are wrapped under, as it was read.
pub(super) struct Current {
    pub(super) number: u64,
    pub(super) kek: KekId,
    pub(super) key: SecretKey,
    pub(super) version: Version,
}

impl Current {
    /// Holds `batch`, once, to the condition that the epoch still takes keys: otherwise a key could be
    /// wrapped under an epoch that is being retired, and be lost with it.
    pub(super) fn guard(&self, batch: &mut Batch) -> Result<()> {
        let id = KeyEpoch::id(self.number)?;
        let guarded = batch.writes().iter().any(|write| {
            let target = write.target();
            target.is_some_and(|(collection, at, _)| collection == KEY_EPOCHS.name() && *at == id)
        });
        if !guarded {
            batch.check(&KEY_EPOCHS, id, Precondition::At(self.version));
        }
        Ok(())
    }
}

impl KeyRing {
    /// Returns every epoch, the oldest first, those retired included.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn epochs(&self) -> Result<Vec<KeyEpoch>> {
        let epochs = KeyEpoch::all(&self.store).await?;
        Ok(epochs.into_iter().map(|epoch| epoch.value).collect())
    }

    /// Begins an epoch: keys made from now on are wrapped under a new key. Those made before stay
    /// where they are, and stay readable; [`rotate`](Self::rotate) moves them.
    ///
    /// Of two that call it at once, one begins the epoch and both get it.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: this ring does not know the root of the epoch before: the root was
    ///   changed elsewhere.
    /// - [`ErrorKind::Unavailable`]: no random bytes, or the root cannot be reached.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// After a drop the epoch has begun or not.
    pub async fn begin_epoch(&self) -> Result<KeyEpoch> {
        let latest = self.latest().await?;
        let number = latest.as_ref().map_or(1, |latest| latest.value.number + 1);
        self.begin_at_least(number).await
    }

    /// Tells whether the current epoch is at least `age` old. There is nothing to do before the first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn is_due(&self, age: Duration) -> Result<bool> {
        let latest = self.latest().await?;
        let now = self.clock.now();
        Ok(latest.is_some_and(|latest| now.saturating_since(latest.value.begun) >= age))
    }

    /// Returns the current epoch, and begins the first.
    pub(super) async fn current(&self) -> Result<Current> {
        let mut asked = self.clock.elapsed();
        let latest = match self.latest().await? {
            Some(latest) => latest,
            None => {
                self.begin_at_least(1).await?;
                asked = self.clock.elapsed();
                self.latest().await?.ok_or_else(unknown)?
            }
        };
        let kek = latest.value.kek_id()?;
        let key = match self.open.confirmed(kek, asked) {
            Some(key) => key,
            None => self.unwrapped(&latest.value, asked).await?,
        };
        Ok(Current {
            number: latest.value.number,
            kek,
            key,
            version: latest.version,
        })
    }

    /// Returns the key of an epoch that is not retired.
    pub(super) async fn kek(&self, kek: KekId) -> Result<SecretKey> {
        let asked = self.clock.elapsed();
        if let Some(key) = self.open.believed(kek, asked) {
            return Ok(key);
        }
        let epoch = self.find_epoch(kek).await?;
        let Some(epoch) = epoch.filter(|epoch| epoch.value.is_live()) else {
            self.open.forget(kek);
            return Err(unknown().with_context("epoch", kek));
        };
        match self.open.confirmed(kek, asked) {
            Some(key) => Ok(key),
            None => self.unwrapped(&epoch.value, asked).await,
        }
    }

    pub(super) async fn find_epoch(&self, kek: KekId) -> Result<Option<Versioned<KeyEpoch>>> {
        let key = Bound::Included(kek.to_string().into());
        let query = Query::all(KEY_EPOCHS.name().clone())
            .by(BY_KEK)
            .between(key.clone(), key)
            .with_limit(1);
        let page = self.store.query(&query).await?;
        page.records.into_iter().next().map(read).transpose()
    }

    pub(super) async fn latest(&self) -> Result<Option<Versioned<KeyEpoch>>> {
        let query = Query::all(KEY_EPOCHS.name().clone())
            .descending()
            .with_limit(1);
        let page = self.store.query(&query).await?;
        page.records.into_iter().next().map(read).transpose()
    }

    /// Begins epochs until there is one of this number.
    pub(super) async fn begin_at_least(&self, number: u64) -> Result<KeyEpoch> {
        loop {
            let latest = self.latest().await?;
            if let Some(latest) = &latest
                && latest.value.number >= number
            {
                return Ok(latest.value.clone());
            }
            match self.begin(latest.as_ref()).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                other => return other,
            }
        }
    }

    async fn begin(&self, before: Option<&Versioned<KeyEpoch>>) -> Result<KeyEpoch> {
        let begun = self.clock.now();
        let asked = self.clock.elapsed();
        let mut batch = Batch::new(begun);
        let mut number = 1;
        if let Some(before) = before {
            // Asked of the root itself, and bound to the record as it is: once the root was changed,
            // a process that knows only the former begins nothing under it.
            let wrapped = before.value.wrapped()?;
            let kek = before.value.kek_id()?;
            self.roots
                .unwrap(self.store.organization(), kek, &wrapped)
                .await?;
            number = before.value.number.saturating_add(1);
            batch.check(
                &KEY_EPOCHS,
                before.id.clone(),
                Precondition::At(before.version),
            );
        }
        let kek = KekId::new(draw(&*self.entropy)?);
        let key = SecretKey::generate(&*self.entropy)?;
        let wrapped = self
            .roots
            .wrap(self.store.organization(), kek, &key)
            .await?;
        let epoch = KeyEpoch::new(number, kek, &wrapped, begun);
        epoch.put(&mut batch, Precondition::Absent)?;
        let about = OfEpoch::new(number, kek);
        note(&mut batch, &self.actor, EPOCH_BEGUN, None, &about)?;
        self.store.commit(batch).await?;
        self.open.keep(kek, &key, asked);
        Ok(epoch)
    }

    /// Opens the key of an epoch that was found to live by a question that was asked at `asked`.
    pub(super) async fn unwrapped(&self, epoch: &KeyEpoch, asked: Duration) -> Result<SecretKey> {
        let kek = epoch.kek_id()?;
        let wrapped = epoch.wrapped()?;
        let organization = self.store.organization();
        let key = self.roots.unwrap(organization, kek, &wrapped).await?;
        self.open.keep(kek, &key, asked);
        Ok(key)
    }
}

pub(super) fn read(record: Record) -> Result<Versioned<KeyEpoch>> {
    let epoch = record.value.read()?;
    Ok(Versioned::new(record.id, record.version, epoch))
}

fn unknown() -> Error {
    Error::new(
        ErrorKind::NotFound,
        "keys.epoch",
        "the epoch of this key is not known here, or was retired",
    )
}
