//! The account whose files are remembered.

use std::sync::Arc;

use async_trait::async_trait;

use crate::caching::{Cache, CacheStats};
use crate::clock::Clock;
use crate::connector::{
    ChangeFeed, ContactBook, FileEntry, FileFacts, FilePath, FileStore, GalleryHost, Health,
    LinkSharing, Platform, PlatformConnector, PresetProcessor, Publisher, WebhookSource,
};
use crate::error::Result;

use super::options::MetadataOptions;

/// What the account said of a path: the file there, or that there is none.
pub(super) type Told = Arc<Option<FileEntry>>;

/// An account that remembers what [`stat`](FileStore::stat) said, for pages that show the same files over and over.
///
/// Many who ask about one file at a time make one call. What is written, renamed or removed through this value is forgotten
/// at once, also where a call fails and nobody knows what came of it; what others change is seen when the answer has had its
/// time, or when [`forget`](Self::forget) is told of it, such as by a webhook. Everything else goes to the account as it is.
///
/// Spellings that the account takes for one file, by its [`NameRules`](crate::connector::NameRules), are one here too.
///
/// A sync or a transfer that has to be exact uses the account itself.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::SystemClock;
/// use garland::cache::{MetadataCache, MetadataOptions};
/// use garland::connector::PlatformConnector as _;
/// use garland::platforms::MemoryPlatform;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let drive = MemoryPlatform::default();
/// drive.put("zoë/1.jpg", "first look")?;
/// let clock = Arc::new(SystemClock::new());
/// let near = MetadataCache::new(Arc::new(drive), clock, MetadataOptions::default())?;
///
/// let (files, path) = (near.files().expect("it has files"), "zoë/1.jpg".parse()?);
/// for _ in 0..3 {
///     assert!(files.stat(&path).await?.is_some());
/// }
/// assert_eq!((near.stats().loads, near.stats().hits), (1, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MetadataCache {
    pub(super) inner: Arc<dyn PlatformConnector>,
    /// By what stands for all spellings of a path.
    told: Cache<String, Told>,
    /// Those of no files where there are none; nobody is given them then.
    pub(super) facts: Arc<FileFacts>,
    has_files: bool,
}

impl MetadataCache {
    /// Remembers what `inner` says of its files.
    ///
    /// # Errors
    /// Those of [`CacheBuilder::build`](crate::cache::CacheBuilder::build).
    pub fn new(
        inner: Arc<dyn PlatformConnector>,
        clock: Arc<dyn Clock>,
        options: MetadataOptions,
    ) -> Result<Self> {
        let told = Cache::builder(options.files.max(1))
            .ttl(options.ttl)
            .stale_while_revalidate(options.stale_while_revalidate)
            .stale_if_error(options.stale_if_error)
            .prefixes_of(String::as_str)
            .clock(clock)
            .build()?;
        Ok(Self {
            has_files: inner.files().is_some(),
            facts: Arc::new(
                inner
                    .files()
                    .map_or_else(FileFacts::default, |files| files.facts().clone()),
            ),
            inner,
            told,
        })
    }

    /// Forgets what was said of a file, however it is spelled; also what is just being said.
    pub fn forget(&self, path: &FilePath) {
        self.told.remove(&self.key(path.as_str()));
    }

    /// Forgets what was said of all files whose path begins so, however it is spelled: `folder/`.
    ///
    /// # Errors
    /// Those of [`Cache::invalidate_prefix`].
    pub fn forget_under(&self, prefix: &str) -> Result<()> {
        self.told.invalidate_prefix(&self.key(prefix))
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        self.told.invalidate_all();
    }

    /// Returns what it counts.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.told.stats()
    }

    /// Returns what was said of a file, asking with `ask` where nothing was.
    pub(super) async fn told(
        &self,
        path: &FilePath,
        ask: impl Future<Output = Result<Told>> + Send + 'static,
    ) -> Result<Told> {
        self.told.get_with(self.key(path.as_str()), ask).await
    }

    fn key(&self, path: &str) -> String {
        self.facts.names.key(path)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PlatformConnector for MetadataCache {
    fn platform(&self) -> &'static Platform {
        self.inner.platform()
    }

    async fn check(&self) -> Result<Health> {
        self.inner.check().await
    }

    fn files(&self) -> Option<&dyn FileStore> {
        self.has_files.then_some(self)
    }

    fn changes(&self) -> Option<&dyn ChangeFeed> {
        self.inner.changes()
    }

    fn links(&self) -> Option<&dyn LinkSharing> {
        self.inner.links()
    }

    fn galleries(&self) -> Option<&dyn GalleryHost> {
        self.inner.galleries()
    }

    fn presets(&self) -> Option<&dyn PresetProcessor> {
        self.inner.presets()
    }

    fn publisher(&self) -> Option<&dyn Publisher> {
        self.inner.publisher()
    }

    fn contacts(&self) -> Option<&dyn ContactBook> {
        self.inner.contacts()
    }

    fn webhooks(&self) -> Option<&dyn WebhookSource> {
        self.inner.webhooks()
    }
}
