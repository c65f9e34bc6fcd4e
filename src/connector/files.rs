//! Files: the facet that every place to keep pictures has.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;

use super::facts::FileFacts;
use super::hashes::Hashes;
use super::path::FilePath;
use super::version::FileVersion;

/// One file of a listing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FileEntry {
    /// Where it is.
    pub path: FilePath,
    /// What it is there.
    pub version: FileVersion,
    /// Its media type, where the platform keeps one.
    pub media_type: Option<Box<str>>,
}

impl FileEntry {
    /// Makes an entry without a media type.
    #[must_use]
    pub fn new(path: FilePath, version: FileVersion) -> Self {
        Self {
            path,
            version,
            media_type: None,
        }
    }

    /// Sets [`FileEntry::media_type`].
    #[must_use]
    pub fn with_media_type(mut self, media_type: impl Into<Box<str>>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }
}

/// A part of a listing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListPage {
    /// The files found.
    pub entries: Vec<FileEntry>,
    /// What is there but cannot be handed out as a file, and why.
    pub skipped: Vec<Skipped>,
    /// Whether it is known that no page follows. Default `false`: the next one may be the end of the listing.
    ///
    /// A connector that has seen the platform say so sets it, so that nobody waits for a turn to ask for
    /// a page that is not there.
    pub is_last: bool,
}

impl ListPage {
    /// Makes a page of files.
    #[must_use]
    pub fn new(entries: Vec<FileEntry>) -> Self {
        Self {
            entries,
            skipped: Vec::new(),
            is_last: false,
        }
    }

    /// Sets [`ListPage::skipped`].
    #[must_use]
    pub fn with_skipped(mut self, skipped: Vec<Skipped>) -> Self {
        self.skipped = skipped;
        self
    }

    /// Sets [`ListPage::is_last`].
    #[must_use]
    pub fn with_last(mut self, is_last: bool) -> Self {
        self.is_last = is_last;
        self
    }
}

/// Something in a listing that is passed over.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Skipped {
    /// Its name for people; bytes that are not UTF-8 are shown as `\xNN`.
    pub name: String,
    /// Why it is passed over.
    pub reason: SkipReason,
    /// The platform's own name for it, by which a feed may say that it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Box<str>>,
}

impl Skipped {
    /// Makes a note of what was passed over.
    #[must_use]
    pub fn new(name: impl Into<String>, reason: SkipReason) -> Self {
        Self {
            name: name.into(),
            reason,
            id: None,
        }
    }

    /// Sets [`Skipped::id`].
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// Why something in a listing is passed over.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SkipReason {
    /// A symbolic link; links are not followed unless the connector is told to.
    SymbolicLink,
    /// A device, socket, pipe or another thing without content of its own.
    SpecialFile,
    /// A name that is not UTF-8.
    NotUtf8,
    /// A name that cannot be a [`FilePath`], such as one that leads outside.
    InvalidName,
    /// A file without content of its own, such as a document that lives in the platform's editor.
    NoContent,
    /// A second file under a name already listed.
    DuplicateName,
    /// A path that is longer than garland carries.
    TooLong,
    /// In a sealed account, what was not sealed for its place.
    NotSealed,
}

impl SkipReason {
    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SymbolicLink => "symbolic_link",
            Self::SpecialFile => "special_file",
            Self::NotUtf8 => "not_utf8",
            Self::InvalidName => "invalid_name",
            Self::NoContent => "no_content",
            Self::DuplicateName => "duplicate_name",
            Self::TooLong => "too_long",
            Self::NotSealed => "not_sealed",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What must be true of a path for an operation on it to go ahead.
///
/// A connector holds to it as atomically as its platform can, and says in its docs how far that is.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Expect {
    /// Nothing: whatever is there is replaced.
    #[default]
    Anything,
    /// No file is there. Otherwise [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists).
    Absent,
    /// This version is there, as told by [`VersionRef::changed`](super::VersionRef::changed).
    /// Otherwise [`ErrorKind::Conflict`](crate::ErrorKind::Conflict).
    Version(FileVersion),
}

/// How a file is to be read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Which bytes; the whole file by default. An end beyond the file's is cut to it.
    pub range: Option<Range<u64>>,
    /// Which version; [`ErrorKind::Changed`](crate::ErrorKind::Changed) if another is there.
    pub version: Option<FileVersion>,
}

impl ReadOptions {
    /// Sets [`ReadOptions::range`].
    #[must_use]
    pub fn with_range(mut self, range: Range<u64>) -> Self {
        self.range = Some(range);
        self
    }

    /// Sets [`ReadOptions::version`].
    #[must_use]
    pub fn with_version(mut self, version: FileVersion) -> Self {
        self.version = Some(version);
        self
    }
}

/// An open file: what it was when opened, and its bytes.
#[non_exhaustive]
pub struct FileReader {
    /// The version being read.
    pub version: FileVersion,
    /// The bytes asked for, in order, in pieces of any size.
    ///
    /// Ends with [`ErrorKind::Changed`](crate::ErrorKind::Changed) if the file was seen to change
    /// meanwhile; bytes already given are then of no version. A stream that ends without an error
    /// has given exactly the bytes asked for.
    pub bytes: BoxStream<'static, Result<Bytes>>,
}

impl FileReader {
    /// Makes a reader.
    #[must_use]
    pub fn new(version: FileVersion, bytes: BoxStream<'static, Result<Bytes>>) -> Self {
        Self { version, bytes }
    }
}

impl fmt::Debug for FileReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileReader")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A file to be written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UploadRequest {
    /// Where it shall be.
    pub path: FilePath,
    /// Its size in bytes, known beforehand.
    pub size: u64,
    /// Its modified time, kept as far as the platform can.
    pub modified: Option<Timestamp>,
    /// Its media type.
    pub media_type: Option<Box<str>>,
    /// What must be there when the upload is finished.
    pub expect: Expect,
}

impl UploadRequest {
    /// Asks to write `size` bytes to `path`, replacing whatever is there.
    #[must_use]
    pub fn new(path: FilePath, size: u64) -> Self {
        Self {
            path,
            size,
            modified: None,
            media_type: None,
            expect: Expect::Anything,
        }
    }

    /// Sets [`UploadRequest::modified`].
    #[must_use]
    pub fn with_modified(mut self, modified: impl Into<Option<Timestamp>>) -> Self {
        self.modified = modified.into();
        self
    }

    /// Sets [`UploadRequest::media_type`].
    #[must_use]
    pub fn with_media_type(mut self, media_type: impl Into<Option<Box<str>>>) -> Self {
        self.media_type = media_type.into();
        self
    }

    /// Sets [`UploadRequest::expect`].
    #[must_use]
    pub fn with_expect(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }
}

/// What a platform needs to go on with an upload after a restart. Opaque; made and read by one connector.
///
/// It may hold a platform's capability to write, so it is not printed.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct UploadToken(Box<str>);

impl UploadToken {
    /// Makes a token from a connector's own text.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the connector's own text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UploadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadToken(…)")
    }
}

/// A file on its way. Nothing can be seen at its path before [`finish`](UploadSession::finish).
///
/// Dropping a session leaves what was sent where it is, to be resumed by its token or aborted.
#[async_trait]
pub trait UploadSession: fmt::Debug + Send {
    /// Returns how many bytes were taken. The next write goes on from here.
    ///
    /// A session that is resumed may stand earlier than the one before it, where what reaches the platform
    /// is cut otherwise than what is written here; never later.
    fn offset(&self) -> u64;

    /// Returns the size of the chunk that [`write`](UploadSession::write) wants next, at least 1, or 0 when all is sent.
    fn next_chunk(&self) -> u64;

    /// Returns what is needed to go on after a restart, or `None` where the platform cannot.
    fn token(&self) -> Option<UploadToken>;

    /// Sends the next chunk, exactly [`next_chunk`](UploadSession::next_chunk) bytes.
    ///
    /// After an error, [`offset`](UploadSession::offset) is still true and the same bytes may be sent again.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): a chunk of another size.
    /// - [`ErrorKind::Full`](crate::ErrorKind::Full): no space is left.
    /// - [`ErrorKind::Expired`](crate::ErrorKind::Expired): the platform has forgotten the session.
    ///
    /// # Cancel safety
    ///
    /// After a drop, only a new session by [`FileStore::resume_upload`] knows the offset.
    async fn write(&mut self, chunk: Bytes) -> Result<()>;

    /// Makes the file appear at its path, whole and at once, and returns it as the platform has it.
    ///
    /// `computed` are hashes of the bytes sent, for platforms that check them.
    ///
    /// After a passing fault ([`Error::is_retryable`](crate::Error::is_retryable)) the token may be
    /// resumed and finished again, unless the file did appear: then it is
    /// [`ErrorKind::Expired`](crate::ErrorKind::Expired). After any other error but
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) what was sent is gone, as after an abort.
    ///
    /// # Errors
    /// - [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists),
    ///   [`ErrorKind::Conflict`](crate::ErrorKind::Conflict): the [`Expect`] of the request does not hold.
    /// - [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt): the platform has other bytes than were sent.
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): not all bytes were sent.
    ///
    /// # Cancel safety
    ///
    /// After a drop the file is there or not, never in part.
    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry>;

    /// Throws away what was sent.
    ///
    /// # Errors
    /// Those of the platform; what was sent then stays until it expires there.
    async fn abort(self: Box<Self>) -> Result<()>;
}

/// Files of one account, by path.
///
/// # For implementors
/// - A file is visible whole or not at all; a replaced file goes over in one step.
/// - An [`Expect`] is checked at the last moment the platform allows, not when the call begins.
/// - Folders follow from paths: they are made as needed, and an empty one is never listed. Where a
///   platform cannot have a file and a folder of one name, writing the second of them is
///   [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists).
/// - Run `garland::testing::connector` on yours (feature `testing`).
#[async_trait]
pub trait FileStore: fmt::Debug + Send + Sync {
    /// Returns what this account can do. Constant.
    fn facts(&self) -> &FileFacts;

    /// Lists every file but garland's own ([`FilePath::is_internal`]). A listing that ends with an
    /// error is incomplete, and nothing follows from what it lacks.
    ///
    /// [`FileFacts::lists_in_order`] tells whether entries come ordered by path bytes.
    fn list(&self) -> BoxStream<'static, Result<ListPage>>;

    /// Looks at one file; `None` if there is none.
    ///
    /// # Errors
    /// Those of the platform. A missing file is not an error.
    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>>;

    /// Opens a file.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no such file.
    /// - [`ErrorKind::Changed`](crate::ErrorKind::Changed): another version than asked for.
    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader>;

    /// Begins to write a file.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): a name this account cannot take.
    /// - [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded): the file is too large for it.
    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>>;

    /// Goes on with an upload begun earlier, in this process or another.
    ///
    /// # Errors
    /// - [`ErrorKind::Expired`](crate::ErrorKind::Expired): the platform no longer knows it; begin again.
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): the token is not one of this connector's.
    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>>;

    /// Copies a file within the account without moving its bytes through here; `Ok(None)` where the platform cannot, such as
    /// over a file that is there.
    ///
    /// # Errors
    /// - [`ErrorKind::Changed`](crate::ErrorKind::Changed): `from` is not the `version` given.
    /// - As [`UploadSession::finish`] for `expect` at `to`.
    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>>;

    /// Gives a file another path in one step. Never replaces a file.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no file at `from`.
    /// - [`ErrorKind::Conflict`](crate::ErrorKind::Conflict): `expect` does not hold at `from`.
    /// - [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists): a file is at `to`.
    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry>;

    /// Removes a file.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no such file.
    /// - [`ErrorKind::Conflict`](crate::ErrorKind::Conflict): `expect` does not hold.
    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()>;

    /// Returns once everything that earlier calls finished would survive a loss of power here.
    ///
    /// A sync records what a place holds only after this; otherwise a file lost with the power
    /// would look like one that somebody deleted. A platform whose answers already mean that has
    /// nothing to do.
    ///
    /// # Errors
    /// It cannot be promised: [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) or
    /// [`ErrorKind::Full`](crate::ErrorKind::Full) where something was not written,
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) where nobody can tell. Not to be
    /// asked a second time: a disk that has failed to write may say so only once.
    async fn persist(&self) -> Result<()>;
}
