//! Uploads: a file in garland's own folder that grows until it is whole.

use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::fs::{AtFlags, Mode, OFlags, fstat, openat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{
    ContentHasher, Expect, FileEntry, FilePath, Hashes, UploadRequest, UploadSession, UploadToken,
};
use crate::error::{Error, ErrorKind, Result};

use super::blocking::blocking;
use super::error::{fault, io_fault, refuse};
use super::folder::Shared;
use super::names::entries;
use super::place::appear;
use super::stamp::{changed_at, size};
use super::temp::{self, Temp, UPLOADS, set_modified};
use super::tree::{Tree, open_below};

/// A file on its way in.
#[derive(Debug)]
pub(super) struct Session {
    shared: Arc<Shared>,
    temp: Arc<Temp>,
    request: UploadRequest,
    offset: u64,
    /// Bytes from an earlier session may have been torn by a loss of power.
    is_resumed: bool,
}

/// What [`UploadToken`] holds, as JSON.
#[derive(Deserialize, Serialize)]
struct Token {
    upload: String,
    path: FilePath,
    size: u64,
    modified: Option<Timestamp>,
    expect: Expect,
}

impl Session {
    pub(super) fn begin(shared: Arc<Shared>, request: UploadRequest) -> Result<Self> {
        let operation = "local.upload";
        shared.check_name(&request.path, operation)?;
        let most = shared.facts.max_file_size;
        if most.is_some_and(|most| request.size > most) {
            return Err(fault(operation, &request.path, Errno::FBIG));
        }
        let temp = Temp::create(&shared.tree, operation)?;
        Ok(Self {
            shared,
            temp: Arc::new(temp),
            request,
            offset: 0,
            is_resumed: false,
        })
    }

    pub(super) async fn resume(shared: Arc<Shared>, token: UploadToken) -> Result<Self> {
        let operation = "local.resume_upload";
        // A write whose future was dropped may still be under way, and holds the lock until then.
        let mut tries = 0;
        loop {
            let (shared, token) = (Arc::clone(&shared), token.clone());
            let work = move || Self::reopen(shared, &token, operation);
            match blocking(operation, work).await {
                Err(error) if error.kind() == ErrorKind::Locked && tries < 20 => {
                    tries += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                // The lock goes by itself: a passing fault, after which a caller tries again.
                Err(error) if error.kind() == ErrorKind::Locked => {
                    let message = "a write to the upload is still under way";
                    let error =
                        Error::new(ErrorKind::Unavailable, operation, message).with_source(error);
                    return Err(error);
                }
                answer => return answer,
            }
        }
    }

    fn reopen(shared: Arc<Shared>, token: &UploadToken, operation: &'static str) -> Result<Self> {
        let foreign = || {
            Error::new(
                ErrorKind::InvalidInput,
                operation,
                "not a token of this connector",
            )
        };
        let token: Token =
            serde_json::from_str(token.as_str()).map_err(|cause| foreign().with_source(cause))?;
        if !temp::is_name(&token.upload) {
            return Err(foreign());
        }
        let temp = Temp::open(&shared.tree, &token.upload, operation)?;
        let stat = fstat(&temp.file).map_err(|cause| fault(operation, &token.path, cause))?;
        let offset = size(&stat);
        if offset > token.size {
            let message = "the upload is not what it was";
            return Err(refuse(ErrorKind::Expired, operation, token.path, message));
        }
        let request = UploadRequest::new(token.path, token.size)
            .with_modified(token.modified)
            .with_expect(token.expect);
        Ok(Self {
            shared,
            temp: Arc::new(temp),
            request,
            offset,
            is_resumed: offset > 0,
        })
    }

    fn rest(&self) -> u64 {
        self.request.size.saturating_sub(self.offset)
    }

    /// Puts the whole file to its place. What was sent stays only after a passing fault.
    fn settle(self, computed: &Hashes) -> Result<FileEntry> {
        let operation = "local.finish";
        let path = &self.request.path;
        let mut temp = Arc::try_unwrap(self.temp).map_err(|_| {
            refuse(
                ErrorKind::Unavailable,
                operation,
                path,
                "a write is still under way",
            )
        })?;
        let done = (|| {
            if self.is_resumed {
                check_content(&temp, path, computed, operation)?;
            }
            if let Some(modified) = self.request.modified {
                set_modified(&temp.file, modified.into())
                    .map_err(|cause| io_fault(operation, path, cause))?;
            }
            appear(
                &self.shared,
                &mut temp,
                path,
                &self.request.expect,
                operation,
            )
            .map_err(|error| match error.kind() {
                // The pages in memory are not to be trusted: the upload begins anew.
                ErrorKind::Corrupt => {
                    let message = "the disk did not take what was sent";
                    refuse(ErrorKind::Expired, operation, path, message).with_source(error)
                }
                _ => error,
            })
        })();
        if done.as_ref().is_err_and(|error| !error.is_retryable()) {
            let _left_behind = temp.remove();
        }
        done
    }
}

#[async_trait]
impl UploadSession for Session {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn next_chunk(&self) -> u64 {
        let rules = &self.shared.facts.chunks;
        rules.next(rules.preferred, self.rest())
    }

    fn token(&self) -> Option<UploadToken> {
        let token = Token {
            upload: self.temp.name.clone(),
            path: self.request.path.clone(),
            size: self.request.size,
            modified: self.request.modified,
            expect: self.request.expect.clone(),
        };
        serde_json::to_string(&token).ok().map(UploadToken::new)
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let operation = "local.write";
        let length = chunk.len() as u64;
        if length == 0 || length != self.next_chunk() {
            let message = "not the chunk that was asked for";
            return Err(refuse(
                ErrorKind::InvalidInput,
                operation,
                &self.request.path,
                message,
            ));
        }
        let (temp, path, offset) = (
            Arc::clone(&self.temp),
            self.request.path.clone(),
            self.offset,
        );
        blocking(operation, move || {
            temp.file
                .write_all_at(&chunk, offset)
                .map_err(|cause| io_fault(operation, path, cause))
        })
        .await?;
        self.offset += length;
        Ok(())
    }

    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry> {
        let operation = "local.finish";
        if self.rest() > 0 {
            let message = "bytes are missing";
            return Err(refuse(
                ErrorKind::InvalidInput,
                operation,
                &self.request.path,
                message,
            ));
        }
        let computed = computed.clone();
        blocking(operation, move || self.settle(&computed)).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        blocking("local.abort", move || {
            let removed = self.temp.remove();
            removed.map_err(|cause| fault("local.abort", &self.request.path, cause))
        })
        .await
    }
}

/// Reads a resumed file back, where there is a hash to hold it to.
fn check_content(
    temp: &Temp,
    path: &FilePath,
    computed: &Hashes,
    operation: &'static str,
) -> Result<()> {
    if computed.is_empty() {
        return Ok(());
    }
    let mut hasher = ContentHasher::new(computed.iter().map(|(algorithm, _)| algorithm));
    let mut buffer = vec![0; 256 << 10];
    let mut offset = 0;
    loop {
        let got = temp
            .file
            .read_at(&mut buffer, offset)
            .map_err(|cause| io_fault(operation, path, cause))?;
        if got == 0 {
            break;
        }
        hasher.update(buffer.get(..got).unwrap_or_default());
        offset += got as u64;
    }
    if !computed.contradict(&hasher.finish()) {
        return Ok(());
    }
    let message = "the bytes are not those sent";
    Err(refuse(ErrorKind::Corrupt, operation, path, message))
}

/// Removes what unfinished uploads left, as [`LocalFolder::clean_uploads`](super::LocalFolder::clean_uploads).
pub(super) fn clean(tree: &Tree, before: Timestamp) -> Result<usize> {
    let operation = "local.clean_uploads";
    let to_error = |cause| fault(operation, UPLOADS, cause);
    let root = tree.open_root(operation)?;
    let way = match open_below(std::os::fd::AsFd::as_fd(&root), UPLOADS, false) {
        Ok(way) => way,
        Err(Errno::NOENT) => return Ok(0),
        Err(cause) => return Err(to_error(cause)),
    };
    let folder = super::tree::readable(&way).map_err(to_error)?;
    let mut count = 0;
    for name in entries(&folder).map_err(to_error)? {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let Ok(file) = openat(&folder, &*name, flags, Mode::empty()) else {
            continue;
        };
        let stat = fstat(&file).map_err(to_error)?;
        let old = changed_at(&stat).is_some_and(|changed| changed < before);
        if temp::is_name(&name) && old && temp::lock(&file).is_ok() {
            unlinkat(&folder, &*name, AtFlags::empty()).map_err(to_error)?;
            count += 1;
        }
    }
    Ok(count)
}
