//! The sealed account itself.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::connector::{
    ChangeFeed, ConnectorName, ContactBook, FileStore, GalleryHost, Health, LinkSharing, Platform,
    PlatformConnector, PresetProcessor, Publisher, WebhookSource,
};
use crate::engine::crypto::keys::KeyRing;
use crate::error::Result;

use super::options::SealedOptions;
use super::place::Place;
use super::tidy::Tidied;

/// Wraps an account so that it keeps only sealed files, and nothing else comes from it.
///
/// It is an account like any other: a sync to it seals, a sync from it opens. Cheap to clone.
///
/// # Facets
/// Files, and what changed of them. Links, galleries, presets and posts would hand ciphertext to people,
/// books and webhooks are not about sealed files: those facets are not there, and are to be asked for on the
/// account itself.
///
/// # Files
/// - Sizes, times, ids and revisions are known without reading; a size follows from that of the object.
/// - Hashes of the content are reported where an upload brought them and the object is still the one it
///   made; so none is promised.
/// - [`FileStore::copy`] answers `None`: a copy is sealed anew, so that each can be erased by itself.
/// - An upload that was interrupted may go on somewhat before the place it had come to. What is sealed in
///   the place of chunks that may have been sent already must be the same to the bit; if the source is
///   another by now, the upload has [expired](crate::ErrorKind::Expired).
/// - What is in the account but was not sealed for its place is listed as
///   [`SkipReason::NotSealed`](crate::connector::SkipReason::NotSealed) (with a `/` before it where its
///   name is none of ours) and refused as [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) when asked for.
/// - A deleted file is erased: its keys are destroyed once the account has removed the object. A sync
///   moves deleted files to its recovery folder first; they are erased when that is pruned.
///
/// # Crashes
/// A crash at any moment leaves at each path its old content or its new one, as the account has it, and
/// whichever that is can be read. What it leaves behind on record is found by the next operation on the
/// same path, or by [`tidy`](SealedConnector::tidy).
/// - The key of the old content outlives the arrival of the new one only with
///   [`Replaced::Keep`](super::Replaced::Keep). With [`Replaced::Erase`](super::Replaced::Erase) it is
///   destroyed in the commit that records the arrival: an account that loses the new object afterwards, or
///   goes back to the old one, has nothing there that can be read.
/// - Of a rename whose end is unknown both places stay on record until one of them shows the object; a
///   rename or a delete of it is [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) meanwhile, for
///   a day at most, if something else lies in the new place.
/// - A key is destroyed for good where a file is deleted here, where its object has been missing at two
///   calls of `tidy` at least a day apart, and likewise of an upload that never came to its place.
///
/// # Example
///
/// ```
/// # use std::sync::Arc;
/// # use async_trait::async_trait;
/// # use garland::crypto::{KekId, KeyProvider, SecretKey};
/// # #[derive(Debug)] struct Root;
/// # #[async_trait]
/// # impl KeyProvider for Root {
/// #     async fn wrap(&self, _: &OrganizationId, _: KekId, key: &SecretKey) -> garland::Result<Vec<u8>> {
/// #         Ok(key.expose().to_vec())
/// #     }
/// #     async fn unwrap(&self, _: &OrganizationId, _: KekId, wrapped: &[u8]) -> garland::Result<SecretKey> {
/// #         SecretKey::from_bytes(wrapped)
/// #     }
/// # }
/// use garland::backends::Memory;
/// use garland::connector::{FileStore, Hashes, PlatformConnector, UploadRequest};
/// use garland::crypto::{KeyRing, SealedConnector, SealedOptions, SystemEntropy};
/// use garland::platforms::MemoryPlatform;
/// use garland::storage::Store;
/// use garland::{OrganizationId, SystemClock};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// # let root = Root;
/// let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
/// let clock = Arc::new(SystemClock::new());
/// let keys = KeyRing::new(store, Arc::new(root), clock, Arc::new(SystemEntropy::new()));
/// let drive = MemoryPlatform::default();
/// let sealed = SealedConnector::wrap(
///     "vault".parse()?,
///     Arc::new(drive.clone()),
///     keys,
///     SealedOptions::default(),
/// );
///
/// let files = sealed.files().unwrap();
/// let mut upload = files.upload(UploadRequest::new("vows.txt".parse()?, 4)).await?;
/// upload.write("I do".into()).await?;
/// let entry = upload.finish(&Hashes::new()).await?;
/// assert_eq!(entry.version.size, 4);
/// let object = drive.get("vows.txt.sealed").unwrap();
/// assert_eq!((object.len(), &object[..4]), (72 + 4 + 16, &b"GLND"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SealedConnector {
    pub(super) place: Arc<Place>,
}

impl SealedConnector {
    /// Wraps an account. Its files are kept on record under `name`, which must stay the same and may be
    /// the name it is registered by; `keys` belong to the organization whose files they are. The first
    /// operation notes how names are sealed and which keys those are; with others every operation is
    /// refused as [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
    ///
    /// The account may hold foreign files too. Of two sealed accounts with one name and one set of keys
    /// both must lead to the same account.
    #[must_use]
    pub fn wrap(
        name: ConnectorName,
        account: Arc<dyn PlatformConnector>,
        keys: KeyRing,
        options: SealedOptions,
    ) -> Self {
        Self {
            place: Arc::new(Place::new(name, account, keys, options)),
        }
    }

    /// Returns the account inside, which knows nothing of what is sealed.
    #[must_use]
    pub fn account(&self) -> &Arc<dyn PlatformConnector> {
        &self.place.account
    }

    /// Puts the records in order: finds out how uploads and renames ended of which nobody heard since
    /// `before`, destroys the keys of uploads that came to nothing, and erases files whose object has
    /// been missing on the account since before then (it notes those that are missing now).
    ///
    /// Worth a call after a crash, and once a day. An upload that still runs is left alone if it has
    /// moved since `before`; a moment less than a day ago counts as a day ago. An upload is given up only if
    /// two calls that far apart found nothing in its place, and never while something foreign lies there.
    /// The account is listed once, and 72 bytes are read of each file that something is to be found out about.
    ///
    /// # Errors
    /// - [`ErrorKind::Conflict`](crate::ErrorKind::Conflict): none of the files is on the account, or less
    ///   than half of more than ten. It may be the wrong account, so nothing is noted or destroyed, unless
    ///   [`SealedOptions::erase_most`] says so.
    ///
    /// Those of the account and the database. What was put in order until then stays so.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop at any time.
    pub async fn tidy(&self, before: Timestamp) -> Result<Tidied> {
        self.place.tidy(before).await
    }

    /// Destroys the keys of versions that were replaced before a moment
    /// ([`Replaced::Keep`](super::Replaced::Keep)); returns how many.
    ///
    /// # Errors
    /// Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop at any time.
    pub async fn prune(&self, before: Timestamp) -> Result<u64> {
        self.place.prune(before).await
    }
}

impl fmt::Debug for SealedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedConnector")
            .field("name", &self.place.book.name)
            .field("account", &self.place.account)
            .field("options", &self.place.options)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PlatformConnector for SealedConnector {
    fn platform(&self) -> &'static Platform {
        self.place.account.platform()
    }

    async fn check(&self) -> Result<Health> {
        self.place.account.check().await
    }

    fn files(&self) -> Option<&dyn FileStore> {
        self.place.account.files().map(|_| self as &dyn FileStore)
    }

    fn changes(&self) -> Option<&dyn ChangeFeed> {
        self.place
            .account
            .changes()
            .map(|_| self as &dyn ChangeFeed)
    }

    fn links(&self) -> Option<&dyn LinkSharing> {
        None
    }

    fn galleries(&self) -> Option<&dyn GalleryHost> {
        None
    }

    fn presets(&self) -> Option<&dyn PresetProcessor> {
        None
    }

    fn publisher(&self) -> Option<&dyn Publisher> {
        None
    }

    fn contacts(&self) -> Option<&dyn ContactBook> {
        None
    }

    fn webhooks(&self) -> Option<&dyn WebhookSource> {
        None
    }
}
