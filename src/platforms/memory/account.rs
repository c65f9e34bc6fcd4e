//! The account itself, and what tests do to it behind garland's back.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::clock::Timestamp;
use crate::connector::{
    AuthKind, Category, ChangeFeed, ContactBook, Expect, FileEntry, FilePath, FileStore,
    GalleryHost, Health, LinkSharing, Platform, PlatformConnector, PresetProcessor, Publisher,
    WebhookSource,
};
use crate::error::{Error, ErrorKind, Result};

use super::options::MemoryOptions;
use super::state::{Incoming, State};

static PLATFORM: Platform = Platform::new("memory", "Memory", Category::Local, AuthKind::None);

/// An account in memory. A clone is the same account, seen by another process.
///
/// It never looks at a clock: each change happens one second after the one before, from 2025-06-15,
/// and [`advance`](Self::advance) moves that clock on.
///
/// # Names
/// A name that is there keeps its spelling when it is written in another one; a folder keeps that
/// of its first file. A file cannot be where a folder is, nor the other way round
/// ([`ErrorKind::AlreadyExists`]). With [`UnicodeForm::Nfc`](crate::connector::UnicodeForm) names are
/// written in NFC.
///
/// # Example
///
/// ```
/// use garland::connector::FilePath;
/// use garland::platforms::{MemoryOptions, MemoryPlatform};
///
/// let card = MemoryPlatform::new(MemoryOptions::default());
/// card.put("day/IMG_1.jpg", "picture")?;
/// let other_process = card.clone();
/// assert_eq!(other_process.get("day/IMG_1.jpg").as_deref(), Some(&b"picture"[..]));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
pub struct MemoryPlatform {
    shared: Arc<Shared>,
}

struct Shared {
    options: MemoryOptions,
    state: Mutex<State>,
}

impl MemoryPlatform {
    /// Makes an empty account.
    #[must_use]
    pub fn new(options: MemoryOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                options,
                state: Mutex::default(),
            }),
        }
    }

    /// Returns how it behaves.
    #[must_use]
    pub fn options(&self) -> &MemoryOptions {
        &self.shared.options
    }

    /// Writes a file, over what is there, at the next moment of its own clock.
    ///
    /// # Errors
    /// As an upload of the file, but without a look at chunks, size and capacity.
    pub fn put(&self, path: &str, content: impl Into<Bytes>) -> Result<FileEntry> {
        self.put_at(path, content, None)
    }

    /// Writes a file, over what is there, with a modified time.
    ///
    /// # Errors
    /// As an upload of the file, but without a look at chunks, size and capacity.
    pub fn put_at(
        &self,
        path: &str,
        content: impl Into<Bytes>,
        modified: impl Into<Option<Timestamp>>,
    ) -> Result<FileEntry> {
        let incoming = Incoming {
            path: path.parse()?,
            content: content.into(),
            modified: modified.into(),
            media_type: None,
        };
        self.state().place(self.options(), incoming, "memory.put")
    }

    /// Removes a file; tells whether it was there.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: not a path.
    pub fn remove(&self, path: &str) -> Result<bool> {
        let path: FilePath = path.parse()?;
        Ok(self.state().remove(self.options(), &path).is_some())
    }

    /// Returns the content of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Bytes> {
        let state = self.state();
        let stored = state.find(self.options(), path)?;
        Some(stored.content.clone())
    }

    /// Returns every file with its content, what lies under `.garland/` included.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<FilePath, Bytes> {
        let state = self.state();
        let files = state.all(self.options());
        files
            .into_iter()
            .map(|stored| (stored.path.clone(), stored.content.clone()))
            .collect()
    }

    /// Returns every file that a listing shows, with its content.
    #[must_use]
    pub fn listed(&self) -> BTreeMap<FilePath, Bytes> {
        let mut files = self.contents();
        files.retain(|path, _| !path.is_internal());
        files
    }

    /// Flips a bit in the middle of a file without a trace, as failing memory would; tells whether
    /// there was a byte to spoil. Size, time, hashes and revision stay what they were.
    #[must_use]
    pub fn rot(&self, path: &str) -> bool {
        self.state().rot(self.options(), path)
    }

    /// Returns how many uploads are neither finished nor aborted.
    #[must_use]
    pub fn unfinished_uploads(&self) -> usize {
        self.state().uploads.len()
    }

    /// Forgets all unfinished uploads, as a platform does after some days.
    pub fn expire_uploads(&self) {
        self.state().uploads.clear();
    }

    /// Forgets all past changes, so that every cursor but one of this moment has expired.
    pub fn expire_cursors(&self) {
        let mut state = self.state();
        // One change stands for those that nobody can ask for any more.
        state.forgotten += state.log.len() as u64 + 1;
        state.log.clear();
        state.book.expire_cursors();
    }

    /// Moves the account's own clock on, and returns what it then shows. Galleries, subscriptions and
    /// posts that wait for their time go by it.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let mut state = self.state();
        state.ahead = state.ahead.saturating_add(by);
        state.now()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks the source of a rename or delete.
    pub(super) fn check_there(
        &self,
        state: &State,
        path: &FilePath,
        expect: &Expect,
        operation: &'static str,
    ) -> Result<()> {
        let error = |kind, message: &'static str| {
            Err(Error::new(kind, operation, message).with_context("path", path))
        };
        if state.find(self.options(), path.as_str()).is_none() {
            return error(ErrorKind::NotFound, "no such file");
        }
        if *expect == Expect::Absent {
            return error(ErrorKind::Conflict, "a file is there");
        }
        state.check(self.options(), path, expect, operation)
    }
}

impl Default for MemoryPlatform {
    fn default() -> Self {
        Self::new(MemoryOptions::default())
    }
}

impl fmt::Debug for MemoryPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPlatform")
            .field("options", self.options())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl PlatformConnector for MemoryPlatform {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    async fn check(&self) -> Result<Health> {
        Ok(Health::Healthy)
    }

    fn files(&self) -> Option<&dyn FileStore> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn ChangeFeed> {
        self.options()
            .change_feed
            .then_some(self as &dyn ChangeFeed)
    }

    fn links(&self) -> Option<&dyn LinkSharing> {
        self.options().links.then_some(self as &dyn LinkSharing)
    }

    fn galleries(&self) -> Option<&dyn GalleryHost> {
        self.options().galleries.then_some(self as &dyn GalleryHost)
    }

    fn presets(&self) -> Option<&dyn PresetProcessor> {
        self.options()
            .presets
            .then_some(self as &dyn PresetProcessor)
    }

    fn publisher(&self) -> Option<&dyn Publisher> {
        self.options().publisher.then_some(self as &dyn Publisher)
    }

    fn contacts(&self) -> Option<&dyn ContactBook> {
        self.options().contacts.then_some(self as &dyn ContactBook)
    }

    fn webhooks(&self) -> Option<&dyn WebhookSource> {
        self.options()
            .webhooks
            .then_some(self as &dyn WebhookSource)
    }
}
