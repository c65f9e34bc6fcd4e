//! What a host takes.

use std::collections::BTreeSet;

use super::kind::MediaKind;

/// What a host takes from people, and how much of it.
///
/// # Example
///
/// ```
/// use garland::upload::{MediaKind, UploadPolicy};
///
/// let policy = UploadPolicy::default().with_kinds([MediaKind::Jpeg, MediaKind::Png]).with_max_bytes(20 << 20);
/// assert!(policy.kinds.contains(&MediaKind::Png));
/// assert_eq!(policy.max_pixels, 100_000_000);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UploadPolicy {
    /// The allow list. Default: [`MediaKind::ALL`].
    pub kinds: BTreeSet<MediaKind>,
    /// Largest file in bytes. Default: 2 GiB.
    pub max_bytes: u64,
    /// Most pixels of a picture, over all its frames. Default: 100 million.
    pub max_pixels: u64,
    /// What an archive may hold.
    pub archive: ArchiveLimits,
}

impl Default for UploadPolicy {
    fn default() -> Self {
        Self {
            kinds: MediaKind::ALL.iter().copied().collect(),
            max_bytes: 2 << 30,
            max_pixels: 100_000_000,
            archive: ArchiveLimits::default(),
        }
    }
}

impl UploadPolicy {
    /// Sets [`UploadPolicy::kinds`].
    #[must_use]
    pub fn with_kinds(mut self, kinds: impl IntoIterator<Item = MediaKind>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// Sets [`UploadPolicy::max_bytes`].
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets [`UploadPolicy::max_pixels`].
    #[must_use]
    pub fn with_max_pixels(mut self, pixels: u64) -> Self {
        self.max_pixels = pixels;
        self
    }

    /// Sets [`UploadPolicy::archive`].
    #[must_use]
    pub fn with_archive(mut self, limits: ArchiveLimits) -> Self {
        self.archive = limits;
        self
    }
}

/// What an archive may hold. An archive in an archive is always refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ArchiveLimits {
    /// Most entries, folders counted. Default: 500.
    pub max_entries: usize,
    /// Most bytes that come out for one byte of an entry, and of the whole. Default: 100.
    pub max_ratio: u64,
    /// Most bytes that come out in all. Default: 50 MiB.
    pub max_unpacked: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            max_entries: 500,
            max_ratio: 100,
            max_unpacked: 50 << 20,
        }
    }
}

impl ArchiveLimits {
    /// Sets [`ArchiveLimits::max_entries`].
    #[must_use]
    pub fn with_max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Sets [`ArchiveLimits::max_ratio`].
    #[must_use]
    pub fn with_max_ratio(mut self, ratio: u64) -> Self {
        self.max_ratio = ratio;
        self
    }

    /// Sets [`ArchiveLimits::max_unpacked`].
    #[must_use]
    pub fn with_max_unpacked(mut self, bytes: u64) -> Self {
        self.max_unpacked = bytes;
        self
    }
}
