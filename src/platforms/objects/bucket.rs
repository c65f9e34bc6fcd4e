//! The calls of a bucket.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connector::{FileFacts, FileVersion, Hashes, UploadRequest};
use crate::error::Result;

use super::acts::Acts;
use super::guard::Guard;

/// What is stored under a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::platforms) struct Object {
    pub(in crate::platforms) version: FileVersion,
    pub(in crate::platforms) media_type: Option<Box<str>>,
    /// Hashes that only this one answer told, to be held against what was sent.
    pub(in crate::platforms) proof: Hashes,
}

impl Object {
    /// An object whose media type is not known.
    pub(in crate::platforms) fn new(version: FileVersion) -> Self {
        Self {
            version,
            media_type: None,
            proof: Hashes::new(),
        }
    }

    /// Tells whether this is another content than `version` was.
    pub(super) fn is_other_than(&self, version: &FileVersion) -> bool {
        let then = version.as_ref();
        then.changed(self.version.as_ref(), Duration::from_millis(1))
    }
}

/// A page of a listing.
#[derive(Clone, Debug, Default)]
pub(in crate::platforms) struct Listed {
    /// Whole keys, and what is under them.
    pub(in crate::platforms) objects: Vec<(String, Object)>,
    /// Where the next page is.
    pub(in crate::platforms) next: Option<String>,
}

/// An object being read.
pub(in crate::platforms) struct Opened {
    pub(in crate::platforms) object: Object,
    pub(in crate::platforms) bytes: BoxStream<'static, Result<Bytes>>,
}

/// One bucket on one server. Each method is one call, or a few that are safe to repeat.
///
/// Errors are those of the platform. A condition that does not hold is
/// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) or
/// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists), whichever the server makes of it.
#[async_trait]
pub(in crate::platforms) trait Bucket:
    fmt::Debug + Send + Sync + 'static
{
    /// What goes into tokens of uploads in parts.
    type Upload: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;

    /// Names server and bucket, for tokens.
    fn account(&self) -> String;

    /// What the account can do.
    fn facts(&self) -> &FileFacts;

    /// Which calls take conditions.
    fn acts(&self) -> Acts;

    /// Lists a page of the keys that begin with `prefix`.
    async fn page(&self, prefix: &str, at: Option<&str>) -> Result<Listed>;

    /// Looks at a key.
    async fn look(&self, key: &str) -> Result<Option<Object>>;

    /// Reads what is under a key; of a `range`, the part that exists, which may be none.
    async fn open(&self, key: &str, range: Option<Range<u64>>) -> Result<Opened>;

    /// Writes a file in one call.
    async fn put(
        &self,
        key: &str,
        guard: &Guard,
        request: &UploadRequest,
        content: Bytes,
        computed: &Hashes,
    ) -> Result<Object>;

    /// Tells whether an upload in parts has its condition from its beginning.
    fn guards_when_begun(&self) -> bool;

    /// Tells whether the last part makes the file appear, so that it is sent by [`complete`](Self::complete).
    fn ends_with_last_part(&self) -> bool;

    /// Begins an upload in parts.
    async fn begin(
        &self,
        key: &str,
        guard: &Guard,
        request: &UploadRequest,
    ) -> Result<Self::Upload>;

    /// Sends the part that begins at byte `at`, and returns how many bytes have arrived by then.
    async fn part(
        &self,
        key: &str,
        request: &UploadRequest,
        upload: &mut Self::Upload,
        at: u64,
        chunk: Bytes,
    ) -> Result<u64>;

    /// Asks how many bytes of an upload have arrived.
    async fn arrived(
        &self,
        key: &str,
        request: &UploadRequest,
        upload: &mut Self::Upload,
    ) -> Result<u64>;

    /// Makes the file of an upload appear.
    async fn complete(
        &self,
        key: &str,
        guard: &Guard,
        request: &UploadRequest,
        upload: &Self::Upload,
        last: Option<(u64, Bytes)>,
        computed: &Hashes,
    ) -> Result<Object>;

    /// Throws an upload away. One that is not known is no error.
    async fn abandon(&self, key: &str, upload: &Self::Upload) -> Result<()>;

    /// Copies `source`, which is what is now under `from`; `None` if the server cannot.
    async fn copy(
        &self,
        from: &str,
        source: &Object,
        to: &str,
        guard: &Guard,
    ) -> Result<Option<Object>>;

    /// Removes what is under a key. A key with nothing under it may be an error or not.
    async fn delete(&self, key: &str, guard: &Guard) -> Result<()>;
}
