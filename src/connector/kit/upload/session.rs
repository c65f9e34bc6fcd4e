//! One upload on its way.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::connector::files::{FileEntry, UploadRequest, UploadSession, UploadToken};
use crate::connector::hashes::Hashes;
use crate::error::{Error, ErrorKind, Result};

use super::protocol::UploadProtocol;
use super::token::Kept;

pub(super) struct Session<P: UploadProtocol> {
    protocol: Arc<P>,
    request: UploadRequest,
    offset: u64,
    way: Way<P::State>,
}

enum Way<S> {
    /// In one call at the end.
    Whole(Bytes),
    InChunks {
        state: S,
        /// The size of each chunk but the last.
        chunk: u64,
        /// The last chunk and where it begins, where it has to wait.
        last: Option<(u64, Bytes)>,
        /// Whether a chunk was sent of which nobody knows what came of it.
        is_unsure: bool,
    },
}

impl<P: UploadProtocol> fmt::Debug for Session<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("path", &self.request.path)
            .field("size", &self.request.size)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl<P: UploadProtocol> Session<P> {
    pub(super) fn whole(protocol: Arc<P>, request: UploadRequest) -> Self {
        Self {
            protocol,
            request,
            offset: 0,
            way: Way::Whole(Bytes::new()),
        }
    }

    pub(super) fn in_chunks(
        protocol: Arc<P>,
        request: UploadRequest,
        state: P::State,
        chunk: u64,
        offset: u64,
    ) -> Self {
        let way = Way::InChunks {
            state,
            chunk,
            last: None,
            is_unsure: false,
        };
        Self {
            protocol,
            request,
            offset,
            way,
        }
    }

    fn invalid(&self, message: &str) -> Error {
        Error::new(ErrorKind::InvalidInput, "upload.write", message)
            .with_context("path", &self.request.path)
    }
}

/// Sends a chunk that begins at `at`; what the platform has of it already is left out.
async fn send<P: UploadProtocol>(
    protocol: &P,
    request: &UploadRequest,
    state: &mut P::State,
    is_unsure: &mut bool,
    at: u64,
    mut chunk: Bytes,
) -> Result<()> {
    let end = at.saturating_add(chunk.len() as u64);
    let mut from = at;
    if *is_unsure {
        from = protocol.offset(request, state, at).await?;
        let has = usize::try_from(from.saturating_sub(at)).unwrap_or(usize::MAX);
        if from < at || has > chunk.len() {
            return Err(lost(request, from));
        }
        chunk = chunk.slice(has..);
        *is_unsure = false;
    }
    while !chunk.is_empty() {
        // From here until the answer nobody knows what the platform has.
        *is_unsure = true;
        let now = protocol.send(request, state, from, chunk.clone()).await?;
        *is_unsure = false;
        let taken = now.checked_sub(from).filter(|taken| *taken > 0);
        let Some(taken) = taken.filter(|_| now <= end) else {
            return Err(lost(request, now));
        };
        chunk = chunk.slice(
            usize::try_from(taken)
                .unwrap_or(usize::MAX)
                .min(chunk.len())..,
        );
        from = now;
    }
    Ok(())
}

/// The platform has another number of bytes than can be: what it has cannot be gone on with from here.
fn lost(request: &UploadRequest, has: u64) -> Error {
    let message = "the platform no longer has what was sent";
    Error::new(ErrorKind::Expired, "upload.write", message)
        .with_context("path", &request.path)
        .with_context("offset", has)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: UploadProtocol> UploadSession for Session<P> {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn next_chunk(&self) -> u64 {
        let rest = self.request.size.saturating_sub(self.offset);
        match &self.way {
            Way::Whole(_) => rest,
            Way::InChunks { chunk, .. } => self.protocol.rules().next(*chunk, rest),
        }
    }

    fn token(&self) -> Option<UploadToken> {
        match &self.way {
            // Nothing has been sent that one could go on with.
            Way::Whole(_) => None,
            Way::InChunks {
                state, chunk, last, ..
            } => {
                let sent = last.as_ref().map_or(self.offset, |(at, _)| *at);
                let account = self.protocol.account();
                Kept::new(account, &self.request, *chunk, sent, state.clone()).to_token()
            }
        }
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let length = chunk.len() as u64;
        if length != self.next_chunk() || length == 0 {
            return Err(self
                .invalid("a chunk has the size that was asked for")
                .with_context("chunk", length)
                .with_context("asked", self.next_chunk()));
        }
        let is_last = self.offset.saturating_add(length) == self.request.size;
        match &mut self.way {
            Way::Whole(content) => *content = chunk,
            Way::InChunks { last, .. } if is_last && self.protocol.ends_with_last_chunk() => {
                *last = Some((self.offset, chunk));
            }
            Way::InChunks {
                state, is_unsure, ..
            } => {
                send(
                    &*self.protocol,
                    &self.request,
                    state,
                    is_unsure,
                    self.offset,
                    chunk,
                )
                .await?;
            }
        }
        self.offset = self.offset.saturating_add(length);
        Ok(())
    }

    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry> {
        if self.offset != self.request.size {
            return Err(self
                .invalid("not all bytes were sent")
                .with_context("missing", self.request.size.saturating_sub(self.offset)));
        }
        let Self {
            protocol,
            request,
            way,
            ..
        } = *self;
        let (mut state, last) = match way {
            Way::Whole(content) => return protocol.put(&request, content, computed).await,
            Way::InChunks { state, last, .. } => (state, last),
        };
        let answer = protocol.commit(&request, &mut state, last, computed).await;
        if let Err(error) = &answer
            && !error.is_retryable()
            && !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Expired)
            && let Err(left) = protocol.abort(&request, &state).await
        {
            // The caller is told why the file did not appear; this only means that the rest expires there by itself.
            tracing::debug!(error = %left, "an upload that failed was not thrown away");
        }
        answer
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        match &self.way {
            Way::Whole(_) => Ok(()),
            Way::InChunks { state, .. } => self.protocol.abort(&self.request, state).await,
        }
    }
}
