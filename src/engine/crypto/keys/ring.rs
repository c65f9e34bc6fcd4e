//! The keys of one organization.

use std::fmt;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::clock::Clock;
use crate::engine::crypto::entropy::Entropy;
use crate::engine::crypto::sealed::Purpose;
use crate::engine::crypto::secret::SecretKey;
use crate::engine::crypto::wrap::WrapRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::permission::Actor;
use crate::storage::{Batch, Precondition, Store};

use super::open::OpenEpochs;
use super::provider::KeyProvider;
use super::records::{FILE_KEYS, FileKey, KeyName, id};
use super::roots::Roots;

/// How many records are asked for at once.
const AT_ONCE: usize = 32;

/// The file that an organization's own keys are kept under.
const OWN: &str = "organization";

/// Makes, finds and destroys the keys of one organization.
///
/// Each file version has a key of its own, kept wrapped under the key of an epoch, which is kept as
/// the [`KeyProvider`] wrapped it. Cheap to clone; clones share what is unwrapped in memory.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::backends::Memory;
/// use garland::crypto::{KeyFile, KeyName, KeyRing, Purpose, SystemEntropy};
/// use garland::storage::{Batch, Store};
/// use garland::{Clock, OrganizationId, SystemClock};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("studio.key");
/// let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy::new()));
/// let root = KeyFile::create(&path, entropy.clone()).await?;
/// let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
/// let keys = KeyRing::new(store.clone(), Arc::new(root), clock.clone(), entropy);
///
/// let name = KeyName::new("contract-7", "1", Purpose::Body);
/// let mut batch = Batch::new(clock.now());
/// let key = keys.create(&mut batch, &name).await?;
/// store.commit(batch).await?;
///
/// assert_eq!(keys.rotate().await?.moved, 1);
/// assert!(keys.key(&name).await?.is(&key), "the key is the same, in another wrap");
///
/// keys.erase("contract-7").await?;
/// assert!(keys.key(&name).await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    pub(super) store: Store,
    pub(super) roots: Roots,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) actor: Actor,
    pub(super) open: OpenEpochs,
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
            roots: Roots::new(provider),
            clock,
            entropy,
            actor: Actor::default(),
            open: OpenEpochs::default(),
        }
    }

    /// Names who acts, for the journal. Default: the host. Of clones, each has its own.
    #[must_use]
    pub fn acting_as(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// Draws a key and adds it, wrapped, to `batch`: it is kept if and only if the batch is committed.
    ///
    /// It takes up to two steps of the batch: the key, and once a batch the condition that its epoch
    /// still takes keys. The key of a name that was destroyed can be made anew.
    ///
    /// Commit soon: between drawing and committing the epoch can be retired or the root changed, and
    /// the commit is then refused with [`ErrorKind::Conflict`], as it is when the name has a key.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`]: no random bytes, or the root cannot be reached.
    /// - Those of the database.
    pub async fn create(&self, batch: &mut Batch, name: &KeyName) -> Result<SecretKey> {
        let context = name.context(self.store.organization())?;
        let id = id(&context)?;
        let before = self.store.get(&FILE_KEYS, &id).await?;
        let fresh = before
            .filter(|record| record.value.destroyed.is_some())
            .map_or(Precondition::Absent, |record| {
                Precondition::At(record.version)
            });
        let epoch = self.current().await?;
        let key = SecretKey::generate(&*self.entropy)?;
        let wrap = WrapRecord::wrap(epoch.kek, &epoch.key, &context, &key, &*self.entropy)?;
        FileKey::new(name, &wrap).put(batch, id, epoch.kek, fresh)?;
        epoch.guard(batch)?;
        Ok(key)
    }

    /// Returns a key.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is none, or it was destroyed, or its epoch was retired.
    /// - [`ErrorKind::Corrupt`]: the record was changed, or is that of another name or organization.
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

    /// Returns many keys, in the order of their names; `None` where there is none, or it was destroyed.
    ///
    /// # Errors
    /// As [`key`](KeyRing::key), but for keys that are not there.
    pub async fn keys(&self, names: &[KeyName]) -> Result<Vec<Option<SecretKey>>> {
        // Of names that are its own: of borrowed ones the compiler cannot tell that it is `Send`.
        let names = names.iter().cloned();
        let keys = stream::iter(names.map(|name| async move { self.find(&name).await }));
        keys.buffered(AT_ONCE).try_collect().await
    }

    /// Returns the organization's own key of this label, and makes it the first time: for names, keyed
    /// hashes, the head of the signed record. Whoever asks gets the same key, on every machine.
    ///
    /// It is kept as any other, as `KeyName::new("organization", label, Purpose::Export)`, and is
    /// rotated, exported and imported with them: the file id `organization` is not for files.
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

    async fn find(&self, name: &KeyName) -> Result<Option<SecretKey>> {
        let context = name.context(self.store.organization())?;
        let id = id(&context)?;
        loop {
            let Some(found) = self.store.get(&FILE_KEYS, &id).await? else {
                return Ok(None);
            };
            if found.value.destroyed.is_some() {
                return Ok(None);
            }
            let wrap = found.value.wrap()?;
            let kek = match self.kek(wrap.kek_id()).await {
                // Between the two reads the key may have moved on and its epoch been retired.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let again = self.store.get(&FILE_KEYS, &id).await?;
                    if again.is_some_and(|again| again.version == found.version) {
                        return Err(error);
                    }
                    continue;
                }
                kek => kek?,
            };
            return wrap.unwrap(&kek, &context).map(Some);
        }
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
