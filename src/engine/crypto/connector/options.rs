//! How an account is sealed.

use crate::engine::crypto::cipher::CipherBackend;
use crate::engine::crypto::sealed::ChunkSize;

/// How a [`SealedConnector`](super::SealedConnector) seals.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SealedOptions {
    /// What the account sees of names. Default [`SealedNames::Clear`]. Constant for the life of the
    /// place: under another value it is refused as
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
    pub names: SealedNames,
    /// What becomes of the key of a version that another has replaced. Default [`Replaced::Keep`].
    pub replaced: Replaced,
    /// Whether [`tidy`](super::SealedConnector::tidy) may take it for true that most files, or all, are
    /// gone from the account. Default no: it refuses, as the account may be the wrong one.
    pub erase_most: bool,
    /// The size of a chunk in new objects; any is read. Default 64 KiB.
    pub chunk: ChunkSize,
    /// What does the work. Default [`CipherBackend::default`].
    pub cipher: CipherBackend,
    /// From which size in bytes an upload can go on after a restart. Each chunk that the account takes
    /// of a larger one costs a commit beforehand; a smaller one is sent anew. Default 16 MiB.
    pub resume_from: u64,
}

impl Default for SealedOptions {
    fn default() -> Self {
        Self {
            names: SealedNames::default(),
            replaced: Replaced::default(),
            erase_most: false,
            chunk: ChunkSize::default(),
            cipher: CipherBackend::default(),
            resume_from: 16 << 20,
        }
    }
}

impl SealedOptions {
    /// Sets [`SealedOptions::names`].
    #[must_use]
    pub fn with_names(mut self, names: SealedNames) -> Self {
        self.names = names;
        self
    }

    /// Sets [`SealedOptions::replaced`].
    #[must_use]
    pub fn with_replaced(mut self, replaced: Replaced) -> Self {
        self.replaced = replaced;
        self
    }

    /// Sets [`SealedOptions::erase_most`].
    #[must_use]
    pub fn with_erase_most(mut self, allowed: bool) -> Self {
        self.erase_most = allowed;
        self
    }

    /// Sets [`SealedOptions::chunk`].
    #[must_use]
    pub fn with_chunk(mut self, chunk: ChunkSize) -> Self {
        self.chunk = chunk;
        self
    }

    /// Sets [`SealedOptions::cipher`].
    #[must_use]
    pub fn with_cipher(mut self, cipher: CipherBackend) -> Self {
        self.cipher = cipher;
        self
    }

    /// Sets [`SealedOptions::resume_from`].
    #[must_use]
    pub fn with_resume_from(mut self, bytes: u64) -> Self {
        self.resume_from = bytes;
        self
    }
}

/// What an account sees of names.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SealedNames {
    /// Folders as they are, files with `.sealed` behind their name, so that nobody opens one by mistake
    /// and foreign files are told apart.
    #[default]
    Clear,
    /// Each component sealed by itself with AES-SIV ([RFC 5297]), bound to the folder it is in, as
    /// lower-case base32; files end in `.sealed`. The account then takes names that it could not spell
    /// itself, but only shorter ones: 139 bytes where it takes 255.
    ///
    /// [RFC 5297]: https://www.rfc-editor.org/rfc/rfc5297
    Sealed,
}

/// What becomes of the key of a version once another stands in its place.
///
/// Neither way is an older version ever handed out: an account that puts one back is refused.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Replaced {
    /// It is kept until [`SealedConnector::prune`](super::SealedConnector::prune), so that a version
    /// which the account still has can be opened by a person. Of one file the newest
    /// [100](Replaced::MOST) are kept; the keys of older ones are destroyed.
    #[default]
    Keep,
    /// It is destroyed in the same commit that records the new version: whatever copies the account
    /// keeps of the old one are erased by that.
    Erase,
}

impl Replaced {
    /// How many replaced versions of one file are kept at most: 100.
    pub const MOST: usize = 100;
}
