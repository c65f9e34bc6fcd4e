//! The keys of one organization.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::clock::Clock;
use crate::engine::crypto::entropy::{Entropy, draw};
use crate::engine::crypto::sealed::Purpose;
use crate::engine::crypto::secret::SecretKey;
use crate::engine::crypto::wrap::{KekId, WrapRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, IndexKey, Precondition, Query, Store};

use super::provider::KeyProvider;
use super::records::{BY_EPOCH, FILE_KEYS, FileKey, KEY_EPOCHS, KeyEpoch, KeyName, id};

/// How many records are asked for at once.
const AT_ONCE: usize = 32;

/// The file that an organization's own keys are kept under.
const OWN: &str = "organization";

/// Makes, finds and destroys the keys of one organization.
///
/// Each file version has a key of its own, kept wrapped under the key of an epoch, which is kept as
/// the [`KeyProvider`] wrapped it. Cheap to clone; clones share what is unwrapped in memory.
#[derive(Clone)]
pub struct KeyRing {
    store: Store,
    provider: Arc<dyn KeyProvider>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Unwrapped keys of epochs.
    open: Arc<Mutex<HashMap<KekId, SecretKey>>>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("organization", self.store.organization())
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Binds the keys in `store` to their root.
    #[must_use]
    pub fn new(
        store: Store,
        provider: Arc<dyn KeyProvider>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            store,
            provider,
            clock,
            entropy,
            open: Arc::default(),
        }
    }

    /// Draws a key and adds it, wrapped, to `batch`: it is kept if and only if the batch is committed.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`]: no random bytes, or the root cannot be reached.
    /// - Those of the database.
    pub async fn create(&self, batch: &mut Batch, name: &KeyName) -> Result<SecretKey> {
        let context = name.context(self.store.organization())?;
        let (epoch, kek) = self.current().await?;
        let key = SecretKey::generate(&*self.entropy)?;
        let wrap = WrapRecord::wrap(epoch, &kek, &context, &key, &*self.entropy)?;
        let index = (BY_EPOCH, IndexKey::parse(epoch.to_string())?);
        let record = FileKey::new(name, &wrap);
        let fresh = Precondition::Absent;
        batch.put_with(&FILE_KEYS, id(&context)?, &record, fresh, vec![index])?;
        Ok(key)
    }

    /// Returns a key.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is none, or it was destroyed.
    /// - [`ErrorKind::Corrupt`]: the record was changed.
    /// - Those of the root and the database.
    pub async fn key(&self, name: &KeyName) -> Result<SecretKey> {
        self.find(name).await?.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "keys.key",
                "there is no key of this name, or it was destroyed",
            )
            .with_context("file", &name.file)
            .with_context("version", &name.version)
        })
    }

    async fn find(&self, name: &KeyName) -> Result<Option<SecretKey>> {
        let context = name.context(self.store.organization())?;
        let Some(found) = self.store.get(&FILE_KEYS, &id(&context)?).await? else {
            return Ok(None);
        };
        let wrap = found.value.wrap()?;
        let kek = self.epoch(wrap.kek_id()).await?;
        wrap.unwrap(&kek, &context).map(Some)
    }

    /// Returns many keys, in the order of their names; `None` where there is none, or it was destroyed.
    ///
    /// # Errors
    /// As [`key`](KeyRing::key), but for keys that are not there.
    pub async fn keys(&self, names: &[KeyName]) -> Result<Vec<Option<SecretKey>>> {
        let keys = stream::iter(names.iter().map(|name| self.find(name)));
        keys.buffered(AT_ONCE).try_collect().await
    }

    /// Returns the organization's own key of this label, and makes it the first time: for names, keyed
    /// hashes, the head of the signed record. Whoever asks gets the same key, on every machine.
    ///
    /// It is kept as any other, as `KeyName::new("organization", label, Purpose::Export)`: the file
    /// id `organization` is not for files.
    ///
    /// # Errors
    /// As [`create`](KeyRing::create) and [`key`](KeyRing::key).
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the next call finds the key or makes it.
    pub async fn shared(&self, label: &str) -> Result<SecretKey> {
        let name = KeyName::new(OWN, label, Purpose::Export);
        loop {
            if let Some(key) = self.find(&name).await? {
                return Ok(key);
            }
            let mut batch = Batch::new(self.clock.now());
            let key = self.create(&mut batch, &name).await?;
            match self.store.commit(batch).await {
                Ok(_) => return Ok(key),
                // Somebody else was first; theirs is the key.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Adds the destruction of a key to `batch`: what it sealed is gone once that is committed.
    ///
    /// # Errors
    /// As [`KeyName::context`]. A key that is not there is no error.
    pub fn destroy(&self, batch: &mut Batch, name: &KeyName) -> Result<()> {
        let context = name.context(self.store.organization())?;
        batch.delete(&FILE_KEYS, id(&context)?, Precondition::Any);
        Ok(())
    }

    /// Returns the current epoch, and makes the first.
    async fn current(&self) -> Result<(KekId, SecretKey)> {
        loop {
            if let Some(epoch) = self.latest().await? {
                let kek = epoch.kek_id()?;
                return Ok((kek, self.unwrapped(&epoch).await?));
            }
            match self.begin(1).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                other => return other,
            }
        }
    }

    async fn latest(&self) -> Result<Option<KeyEpoch>> {
        let query = Query::all(KEY_EPOCHS.name().clone())
            .descending()
            .with_limit(1);
        let page = self.store.query(&query).await?;
        page.records
            .first()
            .map(|record| record.value.read())
            .transpose()
    }

    async fn begin(&self, number: u64) -> Result<(KekId, SecretKey)> {
        let kek = KekId::new(draw(&*self.entropy)?);
        let key = SecretKey::generate(&*self.entropy)?;
        let wrapped = self
            .provider
            .wrap(self.store.organization(), kek, &key)
            .await?;
        let begun = self.clock.now();
        let epoch = KeyEpoch::new(number, kek, &wrapped, begun);
        let mut batch = Batch::new(begun);
        let fresh = Precondition::Absent;
        batch.put_with(
            &KEY_EPOCHS,
            KeyEpoch::id(number)?,
            &epoch,
            fresh,
            Vec::new(),
        )?;
        self.store.commit(batch).await?;
        self.keep(kek, &key);
        Ok((kek, key))
    }

    async fn epoch(&self, kek: KekId) -> Result<SecretKey> {
        if let Some(key) = self.kept(kek) {
            return Ok(key);
        }
        let query = Query::all(KEY_EPOCHS.name().clone()).descending();
        let page = self.store.query(&query).await?;
        for record in &page.records {
            let epoch: KeyEpoch = record.value.read()?;
            if epoch.kek_id()? == kek {
                return self.unwrapped(&epoch).await;
            }
        }
        Err(Error::new(
            ErrorKind::NotFound,
            "keys.epoch",
            "the epoch of this key is not known",
        )
        .with_context("epoch", kek))
    }

    async fn unwrapped(&self, epoch: &KeyEpoch) -> Result<SecretKey> {
        let kek = epoch.kek_id()?;
        if let Some(key) = self.kept(kek) {
            return Ok(key);
        }
        let wrapped = epoch.wrapped()?;
        let key = self
            .provider
            .unwrap(self.store.organization(), kek, &wrapped)
            .await?;
        self.keep(kek, &key);
        Ok(key)
    }

    fn kept(&self, kek: KekId) -> Option<SecretKey> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&kek).cloned()
    }

    fn keep(&self, kek: KekId, key: &SecretKey) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(kek, key.clone());
    }
}

/// For what keeps records of its own beside the keys, of the same organization.
impl KeyRing {
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }
}
