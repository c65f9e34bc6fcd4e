//! What a file is at one moment, and what two such moments prove.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

use super::hashes::{Hashes, HashesRef};

/// The evidence of one version of a file: everything by which it can be told from another.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FileVersion {
    /// Size in bytes, of the plaintext where the account is sealed.
    pub size: u64,
    /// When the content was last changed, as far as the platform keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// Content hashes that the platform reports or garland has computed.
    #[serde(default, skip_serializing_if = "Hashes::is_empty")]
    pub hashes: Hashes,
    /// The platform's own mark that changes with each version (revision, `ETag`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Box<str>>,
    /// The platform's own name of the file, which a rename does not change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Box<str>>,
}

impl FileVersion {
    /// Makes a version of which only the size is known.
    #[must_use]
    pub fn new(size: u64) -> Self {
        Self {
            size,
            ..Self::default()
        }
    }

    /// Sets [`FileVersion::modified`].
    #[must_use]
    pub fn with_modified(mut self, modified: impl Into<Option<Timestamp>>) -> Self {
        self.modified = modified.into();
        self
    }

    /// Sets [`FileVersion::hashes`].
    #[must_use]
    pub fn with_hashes(mut self, hashes: Hashes) -> Self {
        self.hashes = hashes;
        self
    }

    /// Sets [`FileVersion::revision`].
    #[must_use]
    pub fn with_revision(mut self, revision: impl Into<Box<str>>) -> Self {
        self.revision = Some(revision.into());
        self
    }

    /// Sets [`FileVersion::id`].
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Returns a borrowed view.
    #[must_use]
    pub fn as_ref(&self) -> VersionRef<'_> {
        VersionRef {
            size: self.size,
            modified: self.modified,
            hashes: self.hashes.as_ref(),
            revision: self.revision.as_deref(),
            id: self.id.as_deref(),
        }
    }
}

/// [`FileVersion`] borrowed from elsewhere.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct VersionRef<'a> {
    /// As [`FileVersion::size`].
    pub size: u64,
    /// As [`FileVersion::modified`].
    pub modified: Option<Timestamp>,
    /// As [`FileVersion::hashes`].
    pub hashes: HashesRef<'a>,
    /// As [`FileVersion::revision`].
    pub revision: Option<&'a str>,
    /// As [`FileVersion::id`].
    pub id: Option<&'a str>,
}

/// What two versions in two places prove about their contents (`spec/sync.md` §2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Likeness {
    /// The same content.
    Same,
    /// Different contents.
    Different,
    /// Nothing contradicts: equal size, and times as near as the coarser clock can tell.
    Weak,
    /// No evidence either way.
    Unknown,
}

impl VersionRef<'_> {
    /// Copies the version.
    #[must_use]
    pub fn to_version(self) -> FileVersion {
        FileVersion {
            size: self.size,
            modified: self.modified,
            hashes: self.hashes.to_hashes(),
            revision: self.revision.map(Into::into),
            id: self.id.map(Into::into),
        }
    }

    /// Compares with a version in another place, where times are kept to `precision` in the
    /// coarser of the two (`spec/sync.md` §2).
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    /// use garland::connector::{FileVersion, Likeness};
    ///
    /// let (five, six) = (FileVersion::new(5), FileVersion::new(6));
    /// let second = Duration::from_secs(1);
    /// assert_eq!(five.as_ref().compare(six.as_ref(), second), Likeness::Different);
    /// assert_eq!(five.as_ref().compare(five.as_ref(), second), Likeness::Unknown);
    /// ```
    #[must_use]
    pub fn compare(self, other: VersionRef<'_>, precision: Duration) -> Likeness {
        if self.size != other.size {
            return Likeness::Different;
        }
        if self.size == 0 {
            return Likeness::Same;
        }
        match self.hashes.strongest_shared(other.hashes) {
            Some((_, true)) => Likeness::Same,
            Some((_, false)) => Likeness::Different,
            None => match (self.modified, other.modified) {
                (Some(a), Some(b)) if distance(a, b) <= precision => Likeness::Weak,
                _ => Likeness::Unknown,
            },
        }
    }

    /// Tells whether `now`, in the same place, is another content than `self` was
    /// (`spec/sync.md` §2). A file that was only touched, with an equal hash, is unchanged.
    #[must_use]
    pub fn changed(self, now: VersionRef<'_>, precision: Duration) -> bool {
        if self.size != now.size {
            return true;
        }
        if self.size == 0 {
            return false;
        }
        let revisions = self.revision.zip(now.revision);
        if revisions.is_some_and(|(then, now)| then == now) {
            return false;
        }
        if let Some((_, equal)) = self.hashes.strongest_shared(now.hashes) {
            return !equal;
        }
        if revisions.is_some() {
            return true;
        }
        match (self.modified, now.modified) {
            (Some(then), Some(now)) => distance(then, now) > precision,
            _ => true,
        }
    }
}

fn distance(a: Timestamp, b: Timestamp) -> Duration {
    Duration::from_millis(a.as_millis().abs_diff(b.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::HashAlgorithm;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: i64) -> FileVersion {
        FileVersion::new(9).with_modified(Timestamp::from_millis(millis))
    }

    #[test]
    fn times_are_weak_evidence_within_the_precision() {
        let compare = |a: i64, b: i64| at(a).as_ref().compare(at(b).as_ref(), SECOND);
        assert_eq!(compare(5_000, 6_000), Likeness::Weak);
        assert_eq!(compare(5_000, 6_001), Likeness::Unknown);
    }

    #[test]
    fn a_touched_file_with_an_equal_hash_is_unchanged() {
        let hashes = Hashes::new().with(HashAlgorithm::Md5, b"m");
        let then = at(0).with_hashes(hashes.clone()).with_revision("1");
        let now = at(60_000).with_hashes(hashes).with_revision("2");
        assert!(!then.as_ref().changed(now.as_ref(), SECOND));
        assert!(at(0).as_ref().changed(at(60_000).as_ref(), SECOND));
        assert!(at(0).as_ref().changed(FileVersion::new(9).as_ref(), SECOND));
    }
}
