//! What a platform does with an upload.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connector::facts::ChunkRules;
use crate::connector::files::{FileEntry, UploadRequest};
use crate::connector::hashes::Hashes;
use crate::error::Result;

/// An upload that has begun.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Begun<S> {
    /// What the platform needs to be told from now on.
    pub state: S,
    /// The size of each chunk but the last in bytes, where the platform chooses it.
    pub chunk: Option<u64>,
}

impl<S> Begun<S> {
    /// An upload whose chunks are cut as [`UploadProtocol::rules`] says.
    #[must_use]
    pub fn new(state: S) -> Self {
        Self { state, chunk: None }
    }

    /// Sets [`Begun::chunk`].
    #[must_use]
    pub fn with_chunk(mut self, bytes: u64) -> Self {
        self.chunk = Some(bytes);
        self
    }
}

/// How a platform takes a file: [`Uploads`](super::Uploads) drives it.
///
/// # For implementors
/// What the promises of [`UploadSession`](crate::connector::UploadSession) ask is done by the driver: sizes checked, the
/// last chunk held back where it would make the file appear, the platform asked how far it is when an answer was lost. Left
/// are single calls. Each fails with the platform's error; none repeats itself.
#[async_trait]
pub trait UploadProtocol: fmt::Debug + Send + Sync + 'static {
    /// What has to be known to go on, kept in tokens: an address, a number, the parts so far.
    type State: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;

    /// Names platform and account, so that no token of another is believed.
    fn account(&self) -> String;

    /// Returns how a file is cut.
    fn rules(&self) -> ChunkRules;

    /// Returns up to which size in bytes a file goes in one call, [`put`](Self::put). An empty file always does.
    fn whole_up_to(&self) -> u64;

    /// Tells whether the last chunk makes the file appear, so that it has to wait for [`commit`](Self::commit).
    fn ends_with_last_chunk(&self) -> bool;

    /// Writes a small file in one call, and returns it as the platform has it.
    ///
    /// # Errors
    /// As [`UploadSession::finish`](crate::connector::UploadSession::finish).
    async fn put(
        &self,
        request: &UploadRequest,
        content: Bytes,
        computed: &Hashes,
    ) -> Result<FileEntry>;

    /// Begins an upload in chunks.
    ///
    /// # Errors
    /// As [`FileStore::upload`](crate::connector::FileStore::upload).
    async fn begin(&self, request: &UploadRequest) -> Result<Begun<Self::State>>;

    /// Sends a chunk that begins at byte `at`, and returns how many bytes the platform now has.
    ///
    /// # Errors
    /// As [`UploadSession::write`](crate::connector::UploadSession::write).
    async fn send(
        &self,
        request: &UploadRequest,
        state: &mut Self::State,
        at: u64,
        chunk: Bytes,
    ) -> Result<u64>;

    /// Asks the platform how many bytes it has. `at` is what the token says: the answer of a platform that takes any part
    /// again under its number, and so need not be asked.
    ///
    /// # Errors
    /// [`ErrorKind::Expired`](crate::ErrorKind::Expired): the upload is not known any more, or the file has appeared.
    async fn offset(
        &self,
        request: &UploadRequest,
        state: &mut Self::State,
        at: u64,
    ) -> Result<u64>;

    /// Makes the file appear, and returns it as the platform has it. `last` is the last chunk and where it begins, if it
    /// was held back.
    ///
    /// # Errors
    /// As [`UploadSession::finish`](crate::connector::UploadSession::finish).
    async fn commit(
        &self,
        request: &UploadRequest,
        state: &mut Self::State,
        last: Option<(u64, Bytes)>,
        computed: &Hashes,
    ) -> Result<FileEntry>;

    /// Throws away what was sent. What the platform no longer knows is no error.
    ///
    /// # Errors
    /// Those of the platform.
    async fn abort(&self, request: &UploadRequest, state: &Self::State) -> Result<()>;
}
