//! Upload sessions, kept in the account until they are finished or aborted.

use std::fmt;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::connector::{
    ChunkRules, FileEntry, Hashes, LastChunk, UploadRequest, UploadSession, UploadToken,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::MemoryPlatform;
use super::state::{Incoming, hash};

const PREFIX: &str = "memory-upload-";

/// An unfinished upload as the account holds it.
#[derive(Debug)]
pub(super) struct Pending {
    request: UploadRequest,
    chunks: Vec<Bytes>,
}

impl Pending {
    pub(super) fn new(request: UploadRequest) -> Self {
        Self {
            request,
            chunks: Vec::new(),
        }
    }

    pub(super) fn received(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }

    fn rest(&self) -> u64 {
        self.request.size.saturating_sub(self.received())
    }

    fn next_chunk(&self, rules: &ChunkRules) -> u64 {
        let size = rules.size_for(self.request.size).unwrap_or(rules.maximum);
        let size =
            if rules.chosen_by_server && rules.max_count.is_none() && self.chunks.len() % 2 == 1 {
                rules.minimum
            } else {
                size
            };
        rules.next(size, self.rest())
    }

    /// Judges a chunk by the rules alone, not by what the session asked for.
    fn check_chunk(&self, rules: &ChunkRules, size: u64) -> Result<()> {
        let rest = self.rest();
        let is_last = size == rest;
        let only = is_last && self.chunks.is_empty();
        let fault = if size == 0 || size > rest {
            "a chunk must have bytes, and no more than the file"
        } else if size > rules.maximum {
            "a chunk is too large"
        } else if !is_last && !size.is_multiple_of(rules.alignment) {
            "a chunk is not aligned"
        } else if !is_last && size < rules.minimum {
            "a chunk is too small"
        } else if is_last
            && !only
            && rules.last == LastChunk::AtLeastMinimum
            && size < rules.minimum
        {
            "the last chunk is too small"
        } else if rules
            .max_count
            .is_some_and(|most| self.chunks.len() as u64 >= most)
        {
            "too many chunks"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::InvalidInput, "memory.write", fault)
            .with_context("path", &self.request.path)
            .with_context("chunk", size))
    }
}

/// A handle on one unfinished upload.
pub(super) struct Session {
    account: MemoryPlatform,
    number: u64,
}

impl Session {
    pub(super) fn new(account: MemoryPlatform, number: u64) -> Self {
        Self { account, number }
    }

    /// Reads the number back from a token.
    pub(super) fn number(token: &UploadToken) -> Result<u64> {
        let digits = token.as_str().strip_prefix(PREFIX);
        digits
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidInput,
                    "memory.resume_upload",
                    "not a token of this connector",
                )
            })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryUpload")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

fn expired(operation: &'static str) -> Error {
    Error::new(
        ErrorKind::Expired,
        operation,
        "the upload is not known any more",
    )
}

#[async_trait]
impl UploadSession for Session {
    fn offset(&self) -> u64 {
        let state = self.account.state();
        state.uploads.get(&self.number).map_or(0, Pending::received)
    }

    fn next_chunk(&self) -> u64 {
        let state = self.account.state();
        let rules = &self.account.options().facts.chunks;
        state
            .uploads
            .get(&self.number)
            .map_or(1, |pending| pending.next_chunk(rules))
    }

    fn token(&self) -> Option<UploadToken> {
        let resumable = self.account.options().resumable;
        resumable.then(|| UploadToken::new(format!("{PREFIX}{}", self.number)))
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let options = self.account.options();
        let rules = &options.facts.chunks;
        let size = chunk.len() as u64;
        let mut state = self.account.state();
        let used = state.used();
        let pending = state
            .uploads
            .get_mut(&self.number)
            .ok_or_else(|| expired("memory.write"))?;
        pending.check_chunk(rules, size)?;
        if size != pending.next_chunk(rules) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "memory.write",
                "not the chunk that was asked for",
            )
            .with_context("chunk", size));
        }
        if options.capacity.is_some_and(|most| used + size > most) {
            return Err(
                Error::new(ErrorKind::Full, "memory.write", "the account is full")
                    .with_context("path", &pending.request.path),
            );
        }
        pending.chunks.push(chunk);
        Ok(())
    }

    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry> {
        let operation = "memory.finish";
        let options = self.account.options();
        let mut state = self.account.state();
        let pending = state
            .uploads
            .get(&self.number)
            .ok_or_else(|| expired(operation))?;
        if pending.rest() > 0 {
            return Err(
                Error::new(ErrorKind::InvalidInput, operation, "bytes are missing")
                    .with_context("path", &pending.request.path)
                    .with_context("missing", pending.rest()),
            );
        }
        let Some(Pending { request, chunks }) = state.uploads.remove(&self.number) else {
            return Err(expired(operation));
        };
        let mut content = BytesMut::new();
        chunks
            .iter()
            .for_each(|chunk| content.extend_from_slice(chunk));
        let content = content.freeze();
        let algorithms = computed.iter().map(|(algorithm, _)| algorithm);
        let other = computed.contradict(&hash(algorithms, &content));
        if other {
            return Err(Error::new(
                ErrorKind::Corrupt,
                operation,
                "the bytes are not those sent",
            )
            .with_context("path", &request.path));
        }
        state.check(options, &request.path, &request.expect, operation)?;
        let incoming = Incoming {
            path: request.path,
            content,
            modified: request.modified,
            media_type: request.media_type,
        };
        state.place(options, incoming, operation)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.account.state().uploads.remove(&self.number);
        Ok(())
    }
}
