//! Opening the keys of an organization with a passphrase.

use std::sync::Arc;

use crate::clock::Clock;
use crate::engine::crypto::entropy::Entropy;
use crate::engine::crypto::kdf::Kdf;
use crate::engine::crypto::secret::SecretBytes;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Store;

use super::passphrase::{Passphrase, PassphraseRecord};
use super::provider::KeyProvider;
use super::records::KeyEpoch;
use super::ring::KeyRing;

/// How often it begins anew because somebody else has set or changed the passphrase meanwhile.
const TRIES: usize = 8;

/// How many records of former changes are tried: each costs its function once.
const FORMER: usize = 3;

impl KeyRing {
    /// Opens the keys of an organization whose root is a passphrase, and sets the passphrase if it has
    /// no keys yet.
    ///
    /// The slow function runs once, on a thread where it may. If the record is below the strength that
    /// `kdf` asks for, because it has become too weak or the host wants more, the root is
    /// [changed](Self::change_root) to one that is not, under the same passphrase: another run of the
    /// function. Other processes must then be unlocked anew.
    ///
    /// No cost is ever lowered by that, so that a host of old settings undoes nothing: where only one
    /// cost of argon2id is higher, the record keeps the other. One of another function than `kdf` is
    /// left as it is unless it is weak; change the root to a [`Passphrase`] of that function to move.
    ///
    /// # Errors
    /// - [`ErrorKind::Unauthenticated`]: the passphrase is not right (or the record was changed).
    /// - [`ErrorKind::NotFound`]: the keys are not under a passphrase.
    /// - [`ErrorKind::Refused`], [`ErrorKind::LimitExceeded`]: as [`Kdf::check`]; or the record that
    ///   is there asks for more than is allowed, and nothing was spent on it.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    ///
    /// # Example
    ///
    /// ```
    /// use std::sync::Arc;
    /// use garland::backends::Memory;
    /// use garland::crypto::{Kdf, KeyRing, SecretBytes, SystemEntropy};
    /// use garland::{ErrorKind, OrganizationId, SystemClock, storage::Store};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
    /// let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy::new()));
    /// let right = SecretBytes::from("correct horse battery staple");
    /// let set = KeyRing::unlock(store.clone(), &right, Kdf::default(), clock.clone(), entropy.clone());
    /// let key = set.await?.shared("names").await?;
    ///
    /// let wrong = SecretBytes::from("correct horse");
    /// let refused = KeyRing::unlock(store, &wrong, Kdf::default(), clock, entropy).await;
    /// assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::Unauthenticated));
    /// # drop(key);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn unlock(
        store: Store,
        passphrase: &SecretBytes,
        kdf: Kdf,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self> {
        kdf.check()?;
        let unlocking = Unlocking {
            store,
            passphrase,
            kdf,
            clock,
            entropy,
        };
        let mut tries = 1;
        loop {
            match unlocking.once().await {
                Err(error) if error.kind() == ErrorKind::Conflict && tries < TRIES => tries += 1,
                other => return other,
            }
        }
    }
}

struct Unlocking<'a> {
    store: Store,
    passphrase: &'a SecretBytes,
    kdf: Kdf,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Unlocking<'_> {
    /// [`ErrorKind::Conflict`] if somebody else was faster.
    async fn once(&self) -> Result<KeyRing> {
        let epochs = KeyEpoch::all(&self.store).await?;
        let live = epochs.into_iter().map(|epoch| epoch.value);
        let mut live = live.filter(KeyEpoch::is_live).rev();
        let Some(newest) = live.next() else {
            return self.set().await;
        };
        let record = PassphraseRecord::read(&newest.wrapped()?)?;
        let root = self.open(record, &newest).await?;
        let ring = self.ring(Arc::clone(&root));
        let mut former = Vec::new();
        for epoch in live {
            let other = match PassphraseRecord::read(&epoch.wrapped()?) {
                // Left behind by a change from another kind of root, which is to be gone on with.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                other => other?,
            };
            if other != record && !former.contains(&other) && former.len() < FORMER {
                former.push(other);
                match self.open(other, &epoch).await {
                    // Another passphrase: that needs `with_former_root`.
                    Err(error) if error.kind() == ErrorKind::Unauthenticated => {}
                    root => ring.roots.add(root?),
                }
            }
        }
        if let Some(kdf) = record.kdf.strengthened(self.kdf) {
            let anew = Passphrase::new(self.passphrase, kdf, Arc::clone(&self.entropy));
            ring.change_root(Arc::new(anew.await?))
                .await
                .map_err(outrun)?;
        } else if !former.is_empty() {
            ring.change_root(root).await.map_err(outrun)?;
        }
        Ok(ring)
    }

    /// Sets the passphrase of an organization without keys.
    async fn set(&self) -> Result<KeyRing> {
        let root = Passphrase::new(self.passphrase, self.kdf, Arc::clone(&self.entropy)).await?;
        let ring = self.ring(Arc::new(root));
        // The first epoch carries the record; whoever begins it has set the passphrase.
        ring.current().await.map_err(outrun)?;
        Ok(ring)
    }

    async fn open(
        &self,
        record: PassphraseRecord,
        epoch: &KeyEpoch,
    ) -> Result<Arc<dyn KeyProvider>> {
        let root = Passphrase::open(self.passphrase, record, Arc::clone(&self.entropy)).await?;
        let (kek, wrapped) = (epoch.kek_id()?, epoch.wrapped()?);
        let opened = root.unwrap(self.store.organization(), kek, &wrapped).await;
        opened.map_err(|error| match error.kind() {
            ErrorKind::Corrupt => Error::new(
                ErrorKind::Unauthenticated,
                "keys.unlock",
                "the passphrase is not right",
            )
            .with_source(error),
            _ => error,
        })?;
        Ok(Arc::new(root))
    }

    fn ring(&self, root: Arc<dyn KeyProvider>) -> KeyRing {
        let (clock, entropy) = (Arc::clone(&self.clock), Arc::clone(&self.entropy));
        KeyRing::new(self.store.clone(), root, clock, entropy)
    }
}

/// An epoch under a root that was not there a moment ago.
fn outrun(error: Error) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return error;
    }
    Error::new(
        ErrorKind::Conflict,
        "keys.unlock",
        "the root was changed by somebody else meanwhile",
    )
    .with_source(error)
}
