//! Writing a file in one call, under another name, while it is read.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::clock::Timestamp;
use crate::connector::kit::{BodySender, HttpRequest};
use crate::connector::{
    ContentHasher, FileEntry, FilePath, FileVersion, HashAlgorithm, Hashes, UploadRequest,
    UploadSession, UploadToken, to_hex,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::WebDav;
use super::calls::Dav;

/// A file on its way.
pub(super) struct Session {
    account: WebDav,
    request: UploadRequest,
    temp: FilePath,
    offset: u64,
    way: Way,
}

enum Way {
    /// The server knows of nothing yet.
    Idle,
    /// The call is under way.
    Going {
        content: BodySender,
        /// One call; dropped, it ends.
        answer: JoinSet<Result<()>>,
    },
    /// All is there.
    Sent,
    /// The call broke: its bytes cannot be given a second time.
    Broken,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("path", &self.request.path)
            .field("size", &self.request.size)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(account: WebDav, request: UploadRequest) -> Result<Self> {
        let temp = account.dav.temp()?;
        Ok(Self {
            account,
            request,
            temp,
            offset: 0,
            way: Way::Idle,
        })
    }

    fn dav(&self) -> &Arc<Dav> {
        &self.account.dav
    }

    fn invalid(&self, message: &str) -> Error {
        Error::new(ErrorKind::InvalidInput, "webdav.write", message)
            .with_context("path", &self.request.path)
    }

    /// The call that writes the file under its other name.
    fn put(&self) -> HttpRequest {
        let put = HttpRequest::put(self.dav().url(&self.temp));
        with_time(put, self.request.modified)
    }

    fn media_type(&self) -> &str {
        let media_type = self.request.media_type.as_deref();
        media_type.unwrap_or("application/octet-stream")
    }

    /// Writes all at once.
    async fn put_whole(&self, content: Bytes) -> Result<()> {
        self.dav().ensure_uploads().await?;
        let mut put = self.put();
        if self.dav().profile.is_cloud() {
            put = put.header("oc-checksum", checksum(&content));
        }
        let media_type = Some(self.media_type());
        let sent = self.dav().put(
            "webdav.write",
            put.clone(),
            media_type,
            content.clone(),
            &[],
        );
        let again = match sent.await {
            Ok(_) => return Ok(()),
            Err(error) => self.uploads_went_away(error).await?,
        };
        tracing::debug!(error = %again, "the folder for uploads was made again");
        let sent = self
            .dav()
            .put("webdav.write", put, media_type, content, &[]);
        sent.await.map(|_| ())
    }

    /// Makes the folder for uploads again, if it was that; otherwise fails with the error.
    async fn uploads_went_away(&self, error: Error) -> Result<Error> {
        if super::place::may_lack_folder(&error) && self.dav().ensure_folder_of(&self.temp).await? {
            return Ok(error);
        }
        Err(error)
    }

    /// Begins the call.
    async fn start(&self) -> Result<Way> {
        self.dav().ensure_uploads().await?;
        let (put, content) = self.put().streamed(self.media_type(), self.request.size);
        let dav = Arc::clone(self.dav());
        let mut answer = JoinSet::new();
        answer.spawn(async move { dav.act("webdav.write", put, &[]).await.map(|_| ()) });
        Ok(Way::Going { content, answer })
    }

    /// Gives the next bytes to the call, and waits for its answer after the last ones.
    async fn go_on(&self, way: Way, chunk: Bytes) -> Result<Way> {
        let Way::Going {
            mut content,
            mut answer,
        } = way
        else {
            let message = "the call broke off, and its content cannot be sent a second time";
            return Err(Error::new(ErrorKind::Expired, "webdav.write", message)
                .with_context("path", &self.request.path));
        };
        let is_last = self.offset.saturating_add(chunk.len() as u64) == self.request.size;
        let given = content.send(chunk).await;
        if given.is_ok() && !is_last {
            return Ok(Way::Going { content, answer });
        }
        // Either all is given, or the call has ended early and tells why.
        let outcome = match answer.join_next().await {
            Some(Ok(outcome)) => outcome,
            Some(Err(cause)) => {
                let message = "the call was given up";
                Err(Error::new(ErrorKind::Unavailable, "webdav.write", message).with_source(cause))
            }
            None => Ok(()),
        };
        if let Err(error) = outcome {
            // Should it have been the folder, the next upload makes it again.
            self.dav().forget_folder_of(&self.temp);
            return Err(error);
        }
        given?;
        Ok(Way::Sent)
    }

    /// Throws away what was sent, without a word if it cannot.
    async fn discard(&self) {
        if let Err(left) = self.dav().remove_temp(&self.temp).await {
            tracing::debug!(error = %left, "an upload that failed was not thrown away");
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl UploadSession for Session {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn next_chunk(&self) -> u64 {
        let rest = self.request.size.saturating_sub(self.offset);
        let rules = self.account.facts.chunks;
        rules.next(rules.preferred, rest)
    }

    fn token(&self) -> Option<UploadToken> {
        // A call cannot be gone on with.
        None
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let length = chunk.len() as u64;
        if length != self.next_chunk() || length == 0 {
            return Err(self
                .invalid("a chunk has the size that was asked for")
                .with_context("chunk", length)
                .with_context("asked", self.next_chunk()));
        }
        if length == self.request.size {
            self.put_whole(chunk).await?;
            self.way = Way::Sent;
        } else {
            if matches!(self.way, Way::Idle) {
                self.way = self.start().await?;
            }
            // Until it is known how much was taken, nothing can be gone on with.
            let way = std::mem::replace(&mut self.way, Way::Broken);
            self.way = self.go_on(way, chunk).await?;
        }
        self.offset = self.offset.saturating_add(length);
        Ok(())
    }

    async fn finish(mut self: Box<Self>, _: &Hashes) -> Result<FileEntry> {
        if self.offset != self.request.size {
            let missing = self.request.size.saturating_sub(self.offset);
            if !matches!(self.way, Way::Idle) {
                self.way = Way::Broken;
                self.discard().await;
            }
            return Err(self
                .invalid("not all bytes were sent")
                .with_context("missing", missing));
        }
        if self.request.size == 0 {
            self.put_whole(Bytes::new()).await?;
        }
        let UploadRequest {
            path, size, expect, ..
        } = &self.request;
        let account = &self.account;
        let same = |expected: &FileVersion, now: &FileVersion| account.is_same(expected, now);
        let appeared = self
            .dav()
            .appear(&self.temp, Vec::new(), path, *size, expect, &same)
            .await;
        if appeared.is_err() {
            self.discard().await;
        }
        appeared
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        if matches!(self.way, Way::Idle) {
            return Ok(());
        }
        self.way = Way::Broken;
        self.dav().remove_temp(&self.temp).await
    }
}

/// Adds the modified time, which some servers keep.
pub(super) fn with_time(request: HttpRequest, modified: Option<Timestamp>) -> HttpRequest {
    match modified {
        Some(modified) => {
            let seconds = modified.as_millis().div_euclid(1_000);
            request.header("x-oc-mtime", seconds.to_string())
        }
        None => request,
    }
}

/// A checksum as it stands in `OC-Checksum`.
fn checksum(content: &[u8]) -> String {
    named(&sha1(content)).unwrap_or_default()
}

/// The SHA-1 of some content.
pub(super) fn sha1(content: &[u8]) -> Hashes {
    let mut hasher = ContentHasher::new([HashAlgorithm::Sha1]);
    hasher.update(content);
    hasher.finish()
}

/// The strongest hash that the server takes, as it stands in `OC-Checksum`.
pub(super) fn named(hashes: &Hashes) -> Option<String> {
    let known = [(HashAlgorithm::Sha1, "SHA1"), (HashAlgorithm::Md5, "MD5")];
    let mut known = known.into_iter();
    known.find_map(|(algorithm, name)| Some(format!("{name}:{}", to_hex(hashes.get(algorithm)?))))
}
