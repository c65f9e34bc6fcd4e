//! A key and what it is bound to: where sealing and opening begin.

use std::fmt;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::BoxStream;

use crate::engine::crypto::cipher::CipherBackend;
use crate::engine::crypto::entropy::Entropy;
use crate::engine::crypto::secret::SecretKey;
use crate::error::Result;

use super::context::SealContext;
use super::header::{Header, ObjectKeys, begin, unlock};
use super::opener::Opener;
use super::sealer::Sealer;
use super::size::ChunkSize;
use super::stream::pump;

/// The key of one version of a file and what it is bound to: seals that version and opens it again.
///
/// Every seal draws a salt and so has keys of its own; sealing twice is safe, and gives other bytes.
/// The format is that of `spec/sealed-file.md`, version 1. It hides the content, not its length.
///
/// # Example
///
/// ```
/// use garland::OrganizationId;
/// use garland::crypto::{ChunkSize, Purpose, SealContext, SealKey, SecretKey, SystemEntropy};
///
/// let context = SealContext::new(&OrganizationId::default(), "contract", "v1", Purpose::Body)?;
/// let key = SealKey::new(SecretKey::generate(&SystemEntropy::new())?, context);
///
/// let mut sealed = Vec::new();
/// let mut sealer = key.seal(ChunkSize::default(), &SystemEntropy::new())?;
/// sealer.update(b"We, the undersigned", &mut sealed)?;
/// let layout = sealer.finish(&mut sealed)?;
/// assert_eq!(layout.sealed_length(), sealed.len() as u64);
///
/// let mut plain = Vec::new();
/// let mut opener = key.open();
/// opener.update(&sealed, &mut plain)?;
/// assert_eq!(opener.finish(&mut plain)?, 19);
/// assert_eq!(plain, b"We, the undersigned");
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
pub struct SealKey {
    key: SecretKey,
    context: SealContext,
    backend: CipherBackend,
}

impl SealKey {
    /// Binds a key to what it is for.
    #[must_use]
    pub fn new(key: SecretKey, context: SealContext) -> Self {
        Self {
            key,
            context,
            backend: CipherBackend::default(),
        }
    }

    /// Sets which implementation of the cipher does the work. Default: [`CipherBackend::RustCrypto`].
    #[must_use]
    pub fn with_backend(mut self, backend: CipherBackend) -> Self {
        self.backend = backend;
        self
    }

    /// Begins to seal: plaintext in, piece by piece, the object out.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): there are no random bytes.
    pub fn seal(&self, chunk: ChunkSize, entropy: &dyn Entropy) -> Result<Sealer> {
        let (header, keys) = self.begin(chunk, entropy)?;
        Ok(Sealer::new(&header, keys))
    }

    /// Begins to open: the object in, piece by piece, plaintext out.
    #[must_use]
    pub fn open(&self) -> Opener {
        Opener::new(self.clone())
    }

    /// Seals a stream. The pieces that come are those of the object, about a chunk each.
    ///
    /// Holds at most three chunks and one piece of `plain`, whatever the length. What takes longer than some
    /// 10 µs is done on Tokio's blocking threads.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): there are no random bytes. The stream ends with the
    /// error of `plain`, or with those of [`Sealer::update`].
    ///
    /// # Cancel safety
    /// The stream may be left waiting or dropped at any time. What came of a dropped one is no object.
    pub fn seal_stream(
        &self,
        plain: impl Stream<Item = Result<Bytes>> + Send + 'static,
        chunk: ChunkSize,
        entropy: &dyn Entropy,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        Ok(pump(self.seal(chunk, entropy)?, plain))
    }

    /// Opens a stream. The pieces that come are plaintext whose tags were checked, a chunk each.
    ///
    /// The end without an error is the proof that nothing is missing; until then a reader has only the beginning
    /// of a file. Holds at most three chunks and one piece of `sealed`, whatever the length. What takes longer than
    /// some 10 µs is done on Tokio's blocking threads.
    ///
    /// # Errors
    /// The stream ends with the error of `sealed`, or with those of [`Opener::update`] and [`Opener::finish`].
    ///
    /// # Cancel safety
    /// The stream may be left waiting or dropped at any time.
    pub fn open_stream(
        &self,
        sealed: impl Stream<Item = Result<Bytes>> + Send + 'static,
    ) -> BoxStream<'static, Result<Bytes>> {
        pump(self.open(), sealed)
    }

    pub(super) fn begin(
        &self,
        chunk: ChunkSize,
        entropy: &dyn Entropy,
    ) -> Result<(Header, ObjectKeys)> {
        begin(&self.key, &self.context, chunk, self.backend, entropy)
    }

    pub(super) fn unlock(&self, header: &Header) -> Result<ObjectKeys> {
        unlock(header, &self.key, &self.context, self.backend)
    }
}

/// Shows what the key is bound to, and nothing of the key.
impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealKey")
            .field("context", &self.context)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}
